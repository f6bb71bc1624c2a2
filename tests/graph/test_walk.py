import pytest

from explorer.graph.walk import levels, reached

ONWARD = {"a": "bc", "b": "de", "c": "eb", "d": "", "e": "a", "x": "e"}


def test_everything_is_reached_nearest_first_and_once() -> None:
    assert list(levels("a", ONWARD.__getitem__)) == [["a"], ["b", "c"], ["d", "e"]]
    assert "".join(reached("ax", ONWARD.__getitem__)) == "axbced"


@pytest.mark.parametrize(("steps", "found"), [(0, "a"), (1, "abc"), (2, "abcde"), (None, "abcde")])
def test_no_more_steps_than_asked_for(steps: int | None, found: str) -> None:
    assert "".join(reached("a", ONWARD.__getitem__, steps)) == found


def test_the_last_level_is_not_followed() -> None:
    followed: list[str] = []

    def onward(here: str) -> str:
        followed.append(here)
        return ONWARD[here]

    list(levels("a", onward, steps=1))
    assert followed == ["a"]


def test_a_level_is_followed_when_the_next_is_asked_for() -> None:
    found = levels("a", lambda here: ONWARD[here] if here == "a" else pytest.fail("followed too far"))

    assert [next(found), next(found)] == [["a"], ["b", "c"]]


def test_nothing_leads_nowhere() -> None:
    assert list(levels("", ONWARD.__getitem__)) == []
