from explorer.diagram.geometry import overlap
from explorer.diagram.layout.packing import stacked
from explorer.diagram.style import Look
from explorer.diagram.view import Group, Stack, View, ViewNode


def view(stack: Stack, *names: str, frames: tuple[str, ...] = ()) -> View:
    nodes = tuple(ViewNode(name, Look.GROUP, name, "words") for name in names)
    return View("t", "s", nodes, (), tuple(Group(frame, frame, 1) for frame in frames), stack=stack)


def test_parts_stand_beside_each_other_or_one_below_the_other() -> None:
    across = stacked(v := view(Stack(("a", "b"), gap_px=10), "a", "b"), v.stack or Stack(())).nodes
    down = stacked(v := view(Stack(("a", "b"), down=True, gap_px=10), "a", "b"), v.stack or Stack(())).nodes
    assert across["b"].x == across["a"].right + 10
    assert across["a"].y == across["b"].y
    assert down["b"].y == down["a"].bottom + 10
    assert down["a"].x == down["b"].x


def test_a_frame_is_around_all_that_its_stack_holds_and_keeps_a_strip_for_its_label() -> None:
    inner = Stack(("a", "b"), frame="f")
    packing = stacked(view(inner, "a", "b", frames=("f",)), inner)
    frame = packing.frames["f"]
    for box in packing.nodes.values():
        assert frame.box.x < box.x
        assert frame.box.right > box.right
        assert frame.box.bottom > box.bottom
        assert frame.label_y < box.y


def test_what_the_view_does_not_have_takes_no_room() -> None:
    bare, with_gone = Stack(("a", "b")), Stack(("a", "gone", Stack(("gone",), frame="f"), "b"))
    whole = view(bare, "a", "b", frames=("f",))
    assert stacked(whole, with_gone) == stacked(whole, bare)


def test_a_wide_row_spreads_over_its_column() -> None:
    column = Stack((Stack(("a", "b", "c")), Stack(("d", "e"), wide=True)), down=True)
    boxes = stacked(view(column, "a", "b", "c", "d", "e"), column).nodes
    assert boxes["d"].x == boxes["a"].x
    assert boxes["e"].right == boxes["c"].right


def test_an_empty_row_keeps_its_least_height() -> None:
    column = Stack((Stack((), least_px=46.0), "a"), down=True, gap_px=10)
    assert stacked(view(column, "a"), column).nodes["a"].y == 56.0


def test_boxes_never_overlap_however_long_their_labels() -> None:
    names = ("a", "b" * 30, "c" * 60, "d", "残差" * 12)
    column = Stack((Stack(names[:2], frame="f"), Stack(names[2:], align="end")), down=True, gap_px=1)
    boxes = list(stacked(view(column, *names, frames=("f",)), column).nodes.values())
    assert len(boxes) == len(names)
    assert not any(overlap(one, other) for i, one in enumerate(boxes) for other in boxes[:i])
