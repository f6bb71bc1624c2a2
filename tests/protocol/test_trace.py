"""A tree of calls folded, and unfolded by counting."""

from explorer.protocol.trace import CallStep, call_count, folded


def step(callee: str, *children: CallStep, **known: object) -> CallStep:
    made = CallStep(callee, f"{callee}.py:1", **known)  # type: ignore[arg-type]
    made.children.extend(children)
    return made


def test_equal_steps_are_stored_once_and_come_before_their_callers() -> None:
    story = folded([step("a:main", *(step("a:leaf") for _ in range(3)), step("a:other"), step("a:leaf"))])
    leaf, other, main = story["steps"]
    assert leaf == {"callee": "a:leaf", "at": "a:leaf.py:1"}
    assert (other["callee"], main["callee"]) == ("a:other", "a:main")
    assert main["steps"] == [[0, 3], [1, 1], [0, 1]]
    assert story["roots"] == [[2, 1]]


def test_calls_are_counted_as_often_as_they_were_made() -> None:
    pair = [step("a:twice", step("a:leaf"), step("a:leaf")) for _ in range(2)]
    assert call_count(folded([step("a:main", *pair), step("a:leaf")])) == 1 + 2 * 3 + 1


def test_what_differs_in_a_value_is_another_step() -> None:
    steps = [step("a:f", arguments={"x": "1"}), step("a:f", arguments={"x": "2"}), step("a:f", raised="ValueError")]
    story = folded(steps)
    assert [row.get("arguments") for row in story["steps"]] == [{"x": "1"}, {"x": "2"}, None]
    assert story["roots"] == [[0, 1], [1, 1], [2, 1]]


def test_its_fields_come_in_one_order_and_the_empty_ones_not_at_all() -> None:
    whole = step(
        "a:f",
        step("a:g"),
        part="<lambda>",
        through=True,
        arguments={"x": "1"},
        defaults={"y": "2"},
        result="3",
        yields=4,
    )
    row = folded([whole])["steps"][1]
    assert list(row) == ["callee", "at", "part", "through", "arguments", "defaults", "result", "yields", "steps"]


def test_calls_deeper_than_pythons_own_limit_are_folded() -> None:
    root = step("a:f0")
    inner = root
    for i in range(1, 5000):
        inner.children.append(inner := step(f"a:f{i}"))
    assert call_count(folded([root])) == 5000
