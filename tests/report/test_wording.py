import pytest

from explorer.report.wording import in_words, places, runs


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        ([3, 4], "3 × 4"),
        ([0.5, 1], "0.5, 1"),
        ([True, 1], "yes, 1"),
        (["a"], "a"),
        ([[1, 2], [3, 4]], "1 × 2, 3 × 4"),
        ({"a": [1]}, "a: 1"),
        ([], ""),
        (None, "None"),
    ],
)
def test_values_in_words(value: object, text: str) -> None:
    assert in_words(value) == text


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([3], "3"),
        ([0, 1, 2], "0–2"),
        ([0, 2, 4], "0, 2, 4"),
        ([0, 1, 3, 5, 6], "0–1, 3, 5–6"),
        (list(range(0, 24, 2)), "0, 2 … 22"),
    ],
)
def test_numbers_that_follow_one_another_are_said_from_and_to(numbers: list[int], said: str) -> None:
    assert runs(numbers) == said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["0", "1", "2"], "0–2"),
        (["norm1", "norm3"], "norm1, 3"),
        (["q_norm", "k_norm"], "q_norm, k_norm"),
        (["conv1", "fc2"], "conv1, fc2"),
        (["b01", "b02"], "b01, b02"),
    ],
)
def test_places_alike_are_said_by_their_numbers(names: list[str], said: str) -> None:
    assert places(names) == said
