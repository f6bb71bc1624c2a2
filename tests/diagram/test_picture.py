import re
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from explorer.diagram import Group, Picture, View, ViewEdge, ViewNode
from explorer.diagram.layout import graphviz
from explorer.diagram.style import Flow, Look
from explorer.diagram.view import Stack
from explorer.errors import LayoutTimeout, OutputError, RequestError
from tests.diagram.samples import draw

SLOW = """
import sys, time, io
asked = sys.stdin.buffer.read()
if b"n{most} [" in asked:
    time.sleep(60)
sys.stdin = io.TextIOWrapper(io.BytesIO(asked))
exec({child!r})
"""


def chain(nodes: int) -> View:
    names = [f"node{i}" for i in range(nodes)]
    boxes = tuple(ViewNode(name, Look.LAYER, name) for name in names)
    edges = tuple(ViewEdge(a, b, Flow.TENSORS, evidence=()) for a, b in pairwise(names))
    return View("Chain", "", boxes, edges)


def nested(nodes: int) -> View:
    """A node in a frame, and all of that in the next with another node: wider with each."""
    view = chain(nodes)
    boxes = tuple(replace(node, group=f"frame{i}") for i, node in enumerate(view.nodes))
    frames = tuple(Group(f"frame{i}", "", 1, parent=f"frame{i - 1}" if i else None) for i in range(nodes))
    return View("Nested", "", boxes, view.edges, frames)


def slow_past(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    code = SLOW.format(most=most, child=graphviz.PYGRAPHVIZ_SCRIPT)
    monkeypatch.setattr(graphviz, "graphviz_command", lambda: [sys.executable, "-P", "-c", code])


def nodes_of(svg: bytes) -> int:
    return svg.count(b'class="node ')


def width_of(svg: bytes) -> int:
    found = re.search(rb'width="(\d+)"', svg)
    assert found
    return int(found[1])


def test_a_layout_past_its_limit_is_folded_and_the_picture_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_past(10, monkeypatch)
    asked: list[int] = []
    svg = draw(lambda nodes: chain(asked.append(nodes) or nodes), "svg", nodes=30, time_limit_s=3.0)
    assert 5 <= nodes_of(svg) <= 10
    assert asked == sorted(set(asked), reverse=True)
    assert f"Folded to {nodes_of(svg)} nodes: the layout of more took longer than 3 s." in svg.decode()


def test_a_layout_that_never_ends_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_past(0, monkeypatch)
    with pytest.raises(LayoutTimeout):
        draw(chain, "svg", nodes=8, time_limit_s=0.3)


def test_a_view_that_cannot_be_folded_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_past(0, monkeypatch)
    tried: list[object] = []
    started = graphviz.GraphvizProcess.__init__
    monkeypatch.setattr(graphviz.GraphvizProcess, "__init__", lambda self: (tried.append(self), started(self))[1])
    with pytest.raises(LayoutTimeout):
        draw(lambda _: chain(6), "svg", nodes=40, time_limit_s=0.3)
    assert len(tried) == 1


def test_a_picture_wider_than_a_page_is_folded_until_it_fits() -> None:
    svg = draw(nested, "svg", nodes=40)
    assert width_of(svg) <= 1045
    assert f"Folded to {nodes_of(svg)} nodes, to be read on a page." in svg.decode()


def test_a_picture_is_as_wide_as_it_is_where_that_is_wanted() -> None:
    svg = draw(nested, "svg", nodes=40, fit=False)
    assert (nodes_of(svg), width_of(svg) > 1045) == (40, True)
    assert "Folded" not in svg.decode()


def test_a_stack_that_is_too_wide_is_placed_otherwise() -> None:
    view = chain(12)
    row = replace(view, stack=Stack(tuple(node.id for node in view.nodes), gap_px=60.0))
    svg = draw(lambda _: row, "svg")
    assert (nodes_of(svg), width_of(svg) <= 1045) == (12, True)


def test_what_fits_is_asked_for_once() -> None:
    asked: list[int] = []
    draw(lambda nodes: chain(asked.append(nodes) or 6), "svg", nodes=24)
    assert asked == [24]


@pytest.mark.parametrize("fmt", ["json", "dot", "mmd", "graphml", "gexf"])
def test_what_needs_no_layout_starts_no_graphviz(fmt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphviz, "graphviz_command", lambda: ["/nowhere/dot"])
    assert draw(chain, fmt, nodes=5)


def test_what_a_view_refuses_is_passed_on() -> None:
    def refuse(_: int) -> View:
        raise RequestError("not this one")

    with pytest.raises(RequestError, match="not this one"):
        draw(refuse, "svg")


def test_a_picture_is_saved_in_the_format_of_its_ending(tmp_path: Path) -> None:
    picture = Picture(chain, nodes=3)
    assert picture.save(tmp_path / "a.svg").read_text() == picture.svg() == picture._repr_svg_()
    assert picture.save(tmp_path / "a.dot").read_text().startswith("digraph")
    with pytest.raises(RequestError, match="no diagram format"):
        picture.save(tmp_path / "a.doc")
    with pytest.raises(OutputError, match="cannot write"):
        picture.save(tmp_path / "missing" / "a.svg")


def test_the_data_of_a_picture_has_all_unless_a_number_of_nodes_was_asked_for() -> None:
    def make(nodes: int) -> View:
        return chain(min(nodes, 50))

    assert len(Picture(make, nodes=7).data()["nodes"]) == 50
    assert len(Picture(make, nodes=7, is_fixed=True).data()["nodes"]) == 7
    assert len(Picture(make, nodes=7).view.nodes) == 7
    assert Picture(make, nodes=2).lines() == ["Chain", "├─ node0  → node1", "└─ node1"]


def test_a_notebook_gets_a_page_that_cannot_leave_its_frame() -> None:
    html = Picture(chain, nodes=3)._repr_html_()
    assert html.startswith("<iframe srcdoc=") and html.count("<") == 2
