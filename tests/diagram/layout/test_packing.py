from itertools import combinations

import pytest

from explorer.diagram import Group, View, ViewEdge, ViewNode, view_of
from explorer.diagram.geometry import Box, Geometry, overlap
from explorer.diagram.layout.packing import pack
from explorer.diagram.style import Flow, Look
from explorer.graph import Graph


def view(edges: str, frames: dict[str, str] | None = None, parents: dict[str, str] | None = None) -> View:
    """``"ab bc"`` joins a to b and b to c; ``frames`` names each node's frame."""
    frames, parents = frames or {}, parents or {}
    names = dict.fromkeys("".join(edges.split()))
    nodes = tuple(ViewNode(name, Look.LAYER, name, group=frames.get(name)) for name in names)
    groups = tuple(
        Group(frame, frame, 1, parent=parents.get(frame))
        for frame in dict.fromkeys((*parents.values(), *frames.values()))
    )
    return View(
        "t", "", nodes, tuple(ViewEdge(*pair, Flow.TENSORS) for pair in edges.split() if len(pair) == 2), groups
    )


def within(inner: Box, outer: Box) -> bool:
    sides = inner.x >= outer.x and inner.right <= outer.right
    return sides and inner.y >= outer.y and inner.bottom <= outer.bottom


def check(packing: Geometry) -> None:
    assert not any(overlap(a, b) for a, b in combinations(packing.nodes.values(), 2))
    whole = Box(0, 0, packing.width, packing.height)
    assert all(within(box, whole) for box in packing.nodes.values())
    assert all(within(frame.box, whole) for frame in packing.frames.values())


@pytest.mark.parametrize("width", [400.0, 700.0, 985.0])
def test_everything_is_within_the_width_and_apart(graph: Graph, width: float) -> None:
    shown = view_of(graph, title="t")
    packing = pack(shown, width, width)
    check(packing)
    widest = max((box.width for box in packing.nodes.values()), default=0)
    assert packing.width <= max(width, widest + 36, *(frame.box.width for frame in packing.frames.values()))


def test_what_is_called_stands_below_what_calls_it() -> None:
    boxes = pack(view("ab ac bd cd"), 900, 900).nodes
    assert boxes["a"].bottom < boxes["b"].y
    assert boxes["b"].y == boxes["c"].y
    assert boxes["c"].bottom < boxes["d"].y


def test_a_row_that_is_too_long_breaks() -> None:
    boxes = pack(view("ab ac ad ae af ag"), 230, 230).nodes
    assert max(box.right for box in boxes.values()) <= 230
    assert len({boxes[name].y for name in "bcdefg"}) > 1


def test_a_cycle_is_packed_too() -> None:
    check(pack(view("ab bc ca"), 300, 300))


def test_frames_hold_their_members_and_nobody_else() -> None:
    shown = view("ab bc cd de", {"b": "X", "c": "X", "d": "Y"})
    packing = pack(shown, 600, 600)
    check(packing)
    for name, box in packing.nodes.items():
        for frame, place in packing.frames.items():
            own = next(node.group for node in shown.nodes if node.id == name)
            assert (within if frame == own else overlap)(box, place.box) == (frame == own)


def test_a_frame_in_a_frame_lies_in_it() -> None:
    packing = pack(view("ab bc", {"b": "in", "a": "out"}, {"in": "out"}), 600, 600)
    check(packing)
    assert within(packing.frames["in"].box, packing.frames["out"].box)
    assert within(packing.nodes["b"], packing.frames["in"].box)
    assert not overlap(packing.nodes["a"], packing.frames["in"].box)


def test_nodes_without_edges_stand_in_rows() -> None:
    boxes = pack(view(" ".join("abcdefghijkl")), 320, 320).nodes
    assert max(box.right for box in boxes.values()) <= 320
    assert len({box.y for box in boxes.values()}) <= 4


def test_a_label_stands_under_what_is_only_led_to() -> None:
    packing = pack(view("ab bc", {"b": "open", "c": "closed"}), 600, 600)
    opened, closed = packing.frames["open"], packing.frames["closed"]
    assert opened.label_y < packing.nodes["b"].y
    assert closed.label_y > packing.nodes["c"].bottom
