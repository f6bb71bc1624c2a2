from typing import Any

from explorer.report.call_story import story_lines


def step(callee: str, *calls: tuple[int, int], at: str = "m.py:1", **more: Any) -> dict[str, Any]:
    return {"callee": f"timm.m:{callee}", "at": at, **more, **({"steps": [list(c) for c in calls]} if calls else {})}


def lines(*steps: dict[str, Any], **wishes: Any) -> list[str]:
    """The story whose top is the last step."""
    story = {"steps": list(steps), "roots": [[len(steps) - 1, 1]]}
    return [str(line) for line in story_lines(story, **wishes)]


def test_arguments_that_say_nothing_are_left_out() -> None:
    arguments = {"self": "a Net", "x": "3", "act": "None"}
    (line,) = lines(step("Net.forward", arguments=arguments, defaults={"y": "1"}, result="'z'"))
    assert line == "Net.forward(x=3) → 'z'  m.py:1"


def test_an_instance_of_another_class_than_the_functions_is_shown() -> None:
    (line,) = lines(step("Base.forward", arguments={"self": "a Net"}))
    assert line == "Base.forward(self=a Net)  m.py:1"


def test_classes_functions_and_tensors_are_written_as_people_do() -> None:
    arguments = {
        "a": "class ReLU",
        "b": "(class ReLU, function f)",
        "c": "'class war'",
        "d": "Tensor 1×3×224×224 float32 meta",
        "e": "Tensor 49×49 int64 meta",
        "f": "Tensor scalar float32 meta",
    }
    (line,) = lines(step("f", arguments=arguments), width=200)
    assert line == (
        "f(a=ReLU, b=(ReLU, f), c='class war', d=1×3×224×224, e=49×49 int64, f=Tensor scalar float32 meta)  m.py:1"
    )


def test_a_line_keeps_to_its_width_and_says_that_it_leaves_something_out() -> None:
    arguments = {f"name_{i}": f"'{'x' * 30}'" for i in range(5)}
    (line,) = lines(step("f", arguments=arguments, result="'" + "y" * 58 + "'"), width=80)
    assert len(line) <= 80
    assert line.startswith("f(name_0='xxx")
    assert ", …) → 'yyy" in line
    (whole,) = lines(step("f", arguments=arguments), width=80, full=True)
    assert len(whole) > 200


def test_calls_in_a_row_are_one_line_when_they_are_many() -> None:
    calls = [step("g", arguments={"x": str(i)}) for i in range(4)]
    two = lines(*calls, step("f", (0, 1), (1, 1)))
    three = lines(*calls, step("f", (0, 1), (1, 1), (2, 1)))
    equal = lines(*calls, step("f", (0, 5)))
    assert [line[3:] for line in two[1:]] == ["g(x=0)  m.py:1", "g(x=1)  m.py:1"]
    assert [line[3:] for line in three[1:]] == ["g(x=0)  ×3, values vary  m.py:1"]
    assert [line[3:] for line in equal[1:]] == ["g(x=0)  ×5  m.py:1"]


def test_calls_from_other_places_are_lines_of_their_own() -> None:
    calls = [step("g", at=f"m.py:{i}", arguments={"x": str(i)}) for i in range(4)]
    assert len(lines(*calls, step("f", (0, 1), (1, 1), (2, 1), (3, 1)))) == 5


def test_one_line_for_calls_that_do_different_things_says_so() -> None:
    steps = [step("leaf"), step("g", (0, 1)), step("g", arguments={"x": "1"}), step("g", arguments={"x": "2"})]
    shown = lines(*steps, step("f", (1, 1), (2, 1), (3, 1)))
    assert shown[1:] == ["└─ g()  ×3, calls vary  m.py:1", "   └─ leaf()  m.py:1"]


def test_the_same_calls_are_written_out_once() -> None:
    steps = [
        step("leaf", arguments={"x": "1"}), step("leaf", arguments={"x": "2"}), step("other"),
        step("g", (0, 1), (2, 1), arguments={"x": "1"}), step("g", (1, 1), (2, 1), arguments={"x": "2"}),
        step("f", (3, 1), (4, 1)),
    ]  # fmt: skip
    assert lines(*steps) == [
        "f()  m.py:1",
        "├─ g(x=1)  m.py:1",
        "│  ├─ leaf(x=1)  m.py:1",
        "│  └─ other()  m.py:1",
        "└─ g(x=2)  m.py:1  ↑ as above",
    ]
    assert len(lines(*steps, full=True)) == 7


def test_a_part_of_a_function_a_generator_and_a_way_through_other_code() -> None:
    steps = [
        step("make.<locals>.inner", part="<lambda>", through=True),
        step("walk", yields=3),
        step("f", (0, 1), (1, 1)),
    ]
    assert lines(*steps)[1:] == ["├┄ make.inner.<lambda>()  m.py:1", "└─ walk()  yields 3  m.py:1"]


def test_several_calls_that_nothing_else_called() -> None:
    story = {"steps": [step("f"), step("g")], "roots": [[0, 1], [1, 2]]}
    assert [str(line) for line in story_lines(story)] == ["f()  m.py:1", "g()  ×2  m.py:1"]
