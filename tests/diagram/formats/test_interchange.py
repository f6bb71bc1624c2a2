import json
from collections.abc import Callable
from io import BytesIO

import networkx as nx
import pytest

from explorer.diagram import Group, View, ViewEdge, ViewNode, view_of
from explorer.diagram.style import Flow, Look
from explorer.graph import EdgeKind, Graph
from tests.diagram.samples import draw

from ..samples import render

READERS: dict[str, Callable[[bytes], nx.MultiDiGraph]] = {
    "json": lambda data: nx.node_link_graph(json.loads(data), edges="edges"),
    "graphml": lambda data: nx.read_graphml(BytesIO(data), force_multigraph=True),
    "gexf": lambda data: nx.read_gexf(BytesIO(data)),
}


def as_xml(value: str) -> str:
    return value.replace("\x07", "\\x07").replace("\r", "\\r")


def same(fmt: str, value: str) -> str:
    return value if fmt == "json" else as_xml(value)


@pytest.mark.parametrize("fmt", READERS)
def test_a_view_reads_back_with_its_nodes_edges_kinds_and_labels(graph: Graph, fmt: str) -> None:
    view = view_of(graph, title="t")
    read = READERS[fmt](draw(lambda _: view, fmt))
    nodes = {name: (data["kind"], data["label"]) for name, data in read.nodes(data=True)}
    edges = sorted((a, b, data["kind"], data.get("label", "")) for a, b, data in read.edges(data=True))
    assert nodes == {same(fmt, n.id): (str(n.kind), same(fmt, n.label)) for n in view.nodes}
    if fmt == "gexf":  # networkx reads an edge's own label as its name
        edges = [(a, b, kind, "") for a, b, kind, _ in edges]
    expected = [(same(fmt, e.source), same(fmt, e.target), str(e.kind), same(fmt, e.label)) for e in view.edges]
    assert edges == sorted((a, b, kind, "" if fmt == "gexf" else label) for a, b, kind, label in expected)


@pytest.mark.parametrize("fmt", READERS)
def test_a_graph_reads_back_with_its_nodes_and_edges(graph: Graph, fmt: str) -> None:
    read = READERS[fmt](render(graph, fmt, title="t"))
    assert set(read) == {same(fmt, node_id) for node_id in graph.ids()}
    edges = {(a, b, data["kind"]) for a, b, data in read.edges(data=True)}
    assert edges == {(same(fmt, e.source), same(fmt, e.target), str(e.kind)) for e in graph.edges()}


def test_a_view_as_json_has_frames_shades_and_members() -> None:
    nodes = (
        ViewNode("a", Look.LAYER, "a", group="f", shade=0.0, members=("a.0", "a.1")),
        ViewNode("b", Look.OPERATOR, "b", shade=0.5),
    )
    view = View("t", "s", nodes, (), (Group("f", "frame", 1),), ("a note",), "of the MACs")
    data = json.loads(draw(lambda _: view, "json"))
    assert data["graph"]["groups"] == [{"id": "f", "label": "frame", "holds": 1}]
    assert (data["graph"]["notes"], data["graph"]["shaded_by"]) == (["a note"], "of the MACs")
    assert [node["shade"] for node in data["nodes"]] == [0.0, 0.5]
    assert data["nodes"][0]["members"] == ["a.0", "a.1"]


def test_two_edges_of_a_kind_between_two_nodes_stay_two() -> None:
    nodes = (ViewNode("a", Look.LAYER, "a"), ViewNode("b", Look.LAYER, "b"))
    edges = tuple(ViewEdge("a", "b", Flow.TENSORS, label, ()) for label in ("one", "two"))
    view = View("t", "", nodes, edges)
    for fmt, read in READERS.items():
        assert read(draw(lambda _: view, fmt)).number_of_edges() == 2


def test_gexf_has_no_date(small: Graph) -> None:
    assert b"lastmodified" not in render(small, "gexf", title="t")


def test_json_is_a_node_or_an_edge_a_line(small: Graph) -> None:
    lines = render(small, "json", title="t").decode().splitlines()
    assert sum(line.startswith('{"id"') for line in lines) == len(small)
    assert sum(line.startswith('{"source"') for line in lines) == len(list(small.edges(*EdgeKind)))
