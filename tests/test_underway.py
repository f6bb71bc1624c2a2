from explorer.underway import Step, counted, listening, tell


def test_a_step_says_how_far_it_is_as_well_as_that_is_known() -> None:
    assert str(Step("writing")) == "writing"
    assert str(Step("finding", 1234, things="models")) == "finding: 1,234 models"
    step = Step("reading", 3, 1200, "files")
    assert (str(step), step.whole, step.fraction) == ("reading: 3 of 1,200 files", "reading: 1,200 files", 0.0025)
    assert Step("writing").fraction is None


def test_steps_are_told_to_the_innermost_listener_and_to_nobody_where_there_is_none() -> None:
    outer: list[Step] = []
    inner: list[Step] = []
    tell("before")
    with listening(outer.append):
        with listening(inner.append):
            assert list(counted("ab", "reading", "letters")) == ["a", "b"]
        tell("writing")
    tell("after")
    assert outer == [Step("writing")]
    assert inner == [Step("reading", 1, 2, "letters"), Step("reading", 2, 2, "letters")]
