from explorer.protocol.events import Log, Partial, Progress
from explorer.usecases.following import WorkState, counted
from explorer.usecases.telling import Notice


def test_a_piece_of_work_is_followed() -> None:
    state = WorkState()

    assert state.take(Progress("build", "building", 0.5))
    assert (state.phase, state.fraction) == ("building", 0.5)
    assert state.take(Partial("bench", 7))  # type: ignore[arg-type]
    assert state.partial == 7


def test_a_notice_is_news_once_wherever_it_comes_from() -> None:
    state = WorkState()

    assert [state.take(event) for event in (Log("a"), Notice("b"), Notice("a"), Log("b"))] == [True, True, False, False]
    assert state.notes == ["a", "b"]


def test_many_models_are_counted_by_tenths_and_failures_told() -> None:
    told: list[object] = []
    one_more = counted(told.append, 40, "tracing", "traced")
    for number in range(40):
        one_more(f"m{number}", "m0 has no room" if number == 0 else "no room" if number == 1 else None)

    assert told[0] == Progress("start", "tracing 40 models", 0.0)
    assert [event.message for event in told if isinstance(event, Log)] == ["m0 has no room", "m1: no room"]
    assert len({event.phase for event in told if isinstance(event, Progress)}) == 12
    assert told[-1] == Progress("tenth 10", "40 of 40 models traced", 1.0)
