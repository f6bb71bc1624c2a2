from itertools import pairwise

import pytest

from explorer.diagram import Group, View, ViewEdge, ViewNode
from explorer.diagram.geometry import overlap
from explorer.diagram.layout.choose import READABLE_WIDTH_PX, Layered, lay_out
from explorer.diagram.style import Flow, Look
from explorer.diagram.view import Stack


def chain(count: int, stack: Stack | None = None) -> View:
    names = [f"node{i}" for i in range(count)]
    edges = tuple(ViewEdge(a, b, Flow.LEADS) for a, b in pairwise(names))
    return View("t", "", tuple(ViewNode(name, Look.NODE, name) for name in names), edges, stack=stack)


def fan(count: int) -> View:
    nodes = tuple(ViewNode(f"leaf{i}", Look.NODE, f"leaf{i}") for i in range(count))
    edges = tuple(ViewEdge("root", node.id, Flow.LEADS) for node in nodes)
    return View("t", "", (ViewNode("root", Look.NODE, "root"), *nodes), edges)


def test_a_chain_is_read_in_its_order() -> None:
    found = lay_out(chain(4)).nodes
    boxes = [found[f"node{i}"] for i in range(4)]
    assert all(b.center[1] > a.center[1] or b.center[0] > a.center[0] for a, b in pairwise(boxes))


def test_many_leaves_are_folded_into_rows_that_a_page_has_room_for() -> None:
    geometry = lay_out(fan(30))
    assert geometry.width <= READABLE_WIDTH_PX
    boxes = list(geometry.nodes.values())
    assert not any(overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_view_that_says_how_it_stands_is_placed_so() -> None:
    found = lay_out(chain(3, Stack(("node2", "node1", "node0"), down=True))).nodes
    assert found["node2"].y < found["node1"].y < found["node0"].y


@pytest.mark.parametrize("label", ['}"; node [', "a\nb", "残差"])
def test_nothing_of_what_a_view_says_reaches_graphviz(label: str) -> None:
    view = View("t", "", (ViewNode(label, Look.NODE, label, group=label),), (), (Group(label, label, 1),))
    request = Layered("TB").request(view)
    assert label not in request and "\n" not in request
    assert lay_out(view).nodes.keys() == {label}


def test_an_empty_view_has_a_place_too() -> None:
    assert lay_out(View("t", "", (), ())).nodes == {}
