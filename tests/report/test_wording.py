import pytest

from explorer.report.wording import in_words


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
