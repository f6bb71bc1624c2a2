import json

import networkx as nx
import pytest

from explorer.graph import Edge, EdgeKind, Evidence, Graph, GraphInfo, Node, NodeKind, Problem
from explorer.graph.contexts import Contexts, Traced
from explorer.graph.model import Section

A, B, C = (Node(f"timm.m:{name}", NodeKind.FUNCTION, "m.py", 1, 2, data={"signature": "()"}) for name in "abc")


def graph_of(*edges: Edge) -> Graph:
    graph = Graph()
    for node in (A, B, C):
        graph.add_node(node)
    for edge in edges:
        graph.add_edge(edge)
    return graph


def call(source: Node, target: Node, *sites: str, **data: object) -> Edge:
    return Edge(source.id, target.id, EdgeKind.CALLS, sites=sites, data=data)


@pytest.mark.parametrize(
    ("node_id", "kind", "name", "module"),
    [
        ("timm.models.resnet", NodeKind.MODULE, "timm.models.resnet", "timm.models.resnet"),
        ("timm.models.resnet:ResNet", NodeKind.CLASS, "ResNet", "timm.models.resnet"),
        ("timm.models.resnet:ResNet.forward", NodeKind.FUNCTION, "ResNet.forward", "timm.models.resnet"),
        ("model:resnet34", NodeKind.MODEL, "resnet34", None),
        ("weights:resnet34.a1_in1k", NodeKind.WEIGHTS, "resnet34.a1_in1k", None),
        ("alias:tv_resnet34", NodeKind.ALIAS, "tv_resnet34", None),
        ("timm.data.loader:create_loader(re_prob)", NodeKind.PARAMETER, "create_loader(re_prob)", "timm.data.loader"),
        ("torch.nn:Conv2d", NodeKind.EXTERNAL, "Conv2d", "torch.nn"),
        ("tqdm", NodeKind.EXTERNAL, "tqdm", "tqdm"),
    ],
)
def test_every_kind_is_found_by_its_id(node_id: str, kind: NodeKind, name: str, module: str | None) -> None:
    graph = Graph()
    node = Node(node_id, kind)
    graph.add_node(node)

    assert node_id in graph
    assert graph.get(node_id) == node
    assert list(graph.nodes(kind)) == list(graph.nodes()) == [node]
    assert (node.name, node.module) == (name, module)


def test_a_node_that_is_not_there() -> None:
    graph = graph_of()

    assert graph.get("timm.m:none") is None
    assert "timm.m:none" not in graph
    with pytest.raises(KeyError, match=r"timm\.m:none"):
        graph.node("timm.m:none")


def test_one_edge_of_a_kind_between_two_nodes() -> None:
    graph = graph_of(
        call(A, B, "m.py:1"),
        call(A, B, "m.py:2", "m.py:1"),
        Edge(A.id, B.id, EdgeKind.CALLS, (Evidence.TRACED,), ("m.py:3",)),
        Edge(A.id, B.id, EdgeKind.REGISTERS),
    )
    merged = graph.edge(A.id, B.id, EdgeKind.CALLS)

    assert len(list(graph.edges())) == 2
    assert merged is not None
    assert merged.evidence == (Evidence.STATIC, Evidence.TRACED)
    assert merged.sites == ("m.py:1", "m.py:2", "m.py:3")


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ({"via": "f"}, {"via": "f"}, {"via": "f"}),
        ({"via": "f"}, {"via": "g"}, {}),
        ({"via": "f"}, {}, {}),
        ({}, {"via": "f"}, {}),
        (
            {"through": "torch.nn:Module.apply"},
            {"through": "torch.nn:Module.apply"},
            {"through": "torch.nn:Module.apply"},
        ),
        ({"through": "torch.nn:Module.apply"}, {}, {}),
        ({"through": "torch.nn:Module.apply", "via": "f"}, {"via": "f"}, {"via": "f"}),
    ],
)
def test_data_of_two_edges_is_united(first: dict[str, object], second: dict[str, object], merged: object) -> None:
    edge = graph_of(call(A, B, **first), call(A, B, **second)).edge(A.id, B.id, EdgeKind.CALLS)

    assert edge is not None
    assert edge.data == merged


def test_merging_leaves_the_given_edges_alone() -> None:
    first = call(A, B, via="f")
    graph_of(first, call(A, B, via="g"))

    assert first.data == {"via": "f"}


def test_edges_both_ways() -> None:
    graph = graph_of(call(A, B), call(C, B), call(B, C))

    assert [e.target for e in graph.out_edges(B.id)] == [C.id]
    assert [e.source for e in graph.in_edges(B.id, EdgeKind.CALLS)] == [A.id, C.id]
    assert list(graph.in_edges(B.id, EdgeKind.IMPORTS)) == []
    assert list(graph.successors(A.id)) == [B.id]


def test_an_edge_added_after_a_look_is_seen_from_its_end() -> None:
    graph = graph_of(call(A, B))
    assert len(list(graph.in_edges(B.id))) == 1

    graph.add_edge(call(C, B))
    graph.add_edge(call(C, B))

    assert [e.source for e in graph.in_edges(B.id)] == [A.id, C.id]


def test_subgraph() -> None:
    graph = graph_of(call(A, B), call(B, C), call(A, C))
    part = graph.subgraph([A.id, B.id])

    assert list(part.ids()) == [A.id, B.id]
    assert [(e.source, e.target) for e in part.edges()] == [(A.id, B.id)]
    part.add_edge(call(B, A))
    assert graph.edge(B.id, A.id, EdgeKind.CALLS) is None


def traced(*pairs: tuple[Node, Node], site: str = "m.py:9") -> Traced:
    return Traced("1.0", "abc", [(caller.id, callee.id, (site,)) for caller, callee in pairs], {})


def evidence(graph: Graph) -> dict[tuple[str, EdgeKind], tuple[Evidence, ...]]:
    return {(f"{e.source[-1]}{e.target[-1]}", e.kind): e.evidence for e in graph.edges()}


def test_what_was_traced_joins_what_the_source_says() -> None:
    graph = graph_of(
        call(A, B, "m.py:1"), call(A, C, "m.py:2"), Edge(B.id, A.id, EdgeKind.DISPATCHES, sites=("m.py:3",))
    )
    graph.join_traces(lambda: traced((A, B), (B, C), (B, A)))

    assert evidence(graph) == {
        ("ab", EdgeKind.CALLS): (Evidence.STATIC, Evidence.TRACED),
        ("ac", EdgeKind.CALLS): (Evidence.STATIC,),
        ("bc", EdgeKind.CALLS): (Evidence.TRACED,),
        ("ba", EdgeKind.DISPATCHES): (Evidence.STATIC, Evidence.TRACED),
    }
    assert [e.sites for e in graph.out_edges(A.id)] == [("m.py:1", "m.py:9"), ("m.py:2",)]
    assert [e.source for e in graph.in_edges(C.id, EdgeKind.CALLS)] == [A.id, B.id]


def test_a_site_that_both_know_is_one() -> None:
    graph = graph_of(call(A, B, "m.py:1"))
    graph.join_traces(lambda: traced((A, B), site="m.py:1"))

    assert [e.sites for e in graph.edges()] == [("m.py:1",)]


def test_a_call_seen_to_be_direct_goes_through_nothing() -> None:
    graph = graph_of(call(A, B, through="torch.nn:Module.apply", via="f"), call(A, C, through="functools:reduce"))
    graph.join_traces(lambda: traced((A, B)))

    assert [e.data for e in graph.out_edges(A.id)] == [{"via": "f"}, {"through": "functools:reduce"}]


def test_traces_are_seen_from_a_callee_that_was_looked_at_before() -> None:
    graph = graph_of(call(A, B))
    assert [e.source for e in graph.in_edges(B.id)] == [A.id]

    graph.join_traces(lambda: traced((C, B)))

    assert [e.source for e in graph.in_edges(B.id)] == [A.id, C.id]


def test_traces_are_read_once_and_only_when_calls_are_asked_for() -> None:
    asked: list[str] = []

    def load() -> Traced:
        asked.append("traces")
        return traced((A, B))

    graph = graph_of(call(A, B))
    graph.join_traces(load)
    list(graph.nodes())
    list(graph.edges(EdgeKind.CONTAINS, EdgeKind.IMPORTS))
    assert asked == []

    for _ in range(2):
        list(graph.edges(EdgeKind.CALLS, EdgeKind.DISPATCHES))
        assert graph.traces is not None
    assert asked == ["traces"]
    assert evidence(graph) == {("ab", EdgeKind.CALLS): (Evidence.STATIC, Evidence.TRACED)}


def test_traces_asked_for_before_the_calls_are_joined_all_the_same() -> None:
    graph = graph_of(call(A, B))
    graph.join_traces(lambda: traced((A, B)))

    assert graph.traces is not None
    assert evidence(graph) == {("ab", EdgeKind.CALLS): (Evidence.STATIC, Evidence.TRACED)}


def test_no_traces_leave_the_calls_alone() -> None:
    graph = graph_of(call(A, B))
    graph.join_traces(lambda: None)

    assert graph.traces is None
    assert evidence(graph) == {("ab", EdgeKind.CALLS): (Evidence.STATIC,)}


def test_contexts_are_stored_and_read_like_a_section() -> None:
    graph = graph_of(call(A, B))
    graph.contexts = Contexts([A.id, B.id], [1, 0], [[], [0]], [[], []], {"net": 1})
    sections = dict(graph.sections())

    again = Graph(GraphInfo(), lambda name: json.loads(json.dumps(sections[name])))
    assert again.contexts == graph.contexts
    assert Graph(GraphInfo(), lambda name: {}).contexts == Graph().contexts == Contexts()


def test_only_the_sections_needed_are_read() -> None:
    sections = dict(graph_of(call(A, B, "m.py:1")).sections())
    read: list[str] = []

    def load(name: str) -> Section:
        read.append(name)
        return sections[name]

    graph = Graph(GraphInfo(), load)
    assert [e.target for e in graph.out_edges(A.id, EdgeKind.CALLS)] == [B.id]
    assert graph.node(B.id) == B
    assert [e.source for e in graph.in_edges(B.id, EdgeKind.CALLS)] == [A.id]
    assert sorted(read) == ["edges/calls", "nodes/function"]


def test_node_link_and_back() -> None:
    info = GraphInfo("1.0", "/timm", "abc", (Problem("m.py", 3, "bad"), Problem("n.py", None, "worse")))
    graph = Graph(info)
    for node in (A, Node("model:net", NodeKind.MODEL, data={"family": "toy", "tags": ["a"], "pretrained": True})):
        graph.add_node(node)
    graph.add_edge(Edge("model:net", A.id, EdgeKind.REGISTERS, (Evidence.STATIC, Evidence.TRACED), ("m.py:1",)))

    again = Graph.from_node_link(graph.to_node_link())

    assert again.to_node_link() == graph.to_node_link()
    assert again.info == info
    assert again.edge("model:net", A.id, EdgeKind.REGISTERS) == graph.edge("model:net", A.id, EdgeKind.REGISTERS)


def test_networkx_reads_it_and_writes_it() -> None:
    graph = graph_of(call(A, B, "m.py:1", via="f"), Edge(A.id, B.id, EdgeKind.REGISTERS))
    theirs = graph.to_networkx()

    assert isinstance(theirs, nx.MultiDiGraph)
    assert theirs.nodes[A.id]["kind"] == "function"
    assert theirs.edges[A.id, B.id, "calls"]["sites"] == ["m.py:1"]
    assert set(theirs[A.id][B.id]) == {"calls", "registers"}
    assert Graph.from_node_link(nx.node_link_data(theirs, edges="edges")).to_node_link() == graph.to_node_link()


def test_the_installed_timm_goes_to_networkx_and_back(timm_graph: Graph) -> None:
    theirs = timm_graph.to_networkx()

    assert theirs.number_of_nodes() == len(timm_graph)
    assert theirs.number_of_edges() == sum(1 for _ in timm_graph.edges())
    assert len(Graph.from_node_link(nx.node_link_data(theirs, edges="edges"))) == len(timm_graph)


@pytest.mark.parametrize("damage", ["graph", "nodes", "edges"])
def test_node_link_without_a_part(damage: str) -> None:
    data = graph_of(call(A, B)).to_node_link()
    del data[damage]

    with pytest.raises(KeyError):
        Graph.from_node_link(data)


def test_node_link_of_an_unknown_kind() -> None:
    data = graph_of().to_node_link()
    data["nodes"][0]["kind"] = "thing"

    with pytest.raises(ValueError, match="thing"):
        Graph.from_node_link(data)


def test_an_edge_as_json() -> None:
    assert call(A, B, "m.py:1").to_json() == {
        "source": A.id,
        "target": B.id,
        "key": "calls",
        "kind": "calls",
        "evidence": ["static"],
        "sites": ["m.py:1"],
    }
