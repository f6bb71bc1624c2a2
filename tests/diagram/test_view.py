from explorer.diagram import view_of
from explorer.graph import Edge, EdgeKind, Graph, GraphInfo, Node, NodeKind
from explorer.queries.node_data import source_url

from .samples import CONSTRUCTOR, CREATE_MODEL, FACTORY, RESNET, RESNET34


def test_source_nodes_stand_in_their_modules_frame(medium: Graph) -> None:
    view = view_of(medium, title="t")
    groups = {node.id: node.group for node in view.nodes}
    assert groups[RESNET34] == groups[f"{RESNET}:ResNet"] == RESNET
    assert groups[CREATE_MODEL] == FACTORY
    assert groups["model:resnet34"] is groups["torch.nn:Module"] is None
    assert {g.id: g.holds for g in view.groups}[RESNET] == sum(g == RESNET for g in groups.values())


def test_every_source_node_links_to_its_line_at_the_installed_version(graph: Graph) -> None:
    prefix = "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/"
    for node in view_of(graph, title="t").nodes:
        source = graph.node(node.id)
        assert bool(node.href) == bool(source.file)
        if source.file and source.file.startswith("models/"):
            assert node.href.startswith(prefix)
            assert node.href.endswith(f"#L{source.line}")


def test_an_unreleased_version_links_to_the_main_branch() -> None:
    node = Node("timm.a:f", NodeKind.FUNCTION, "a.py", 3)
    for version in ("unknown", "1.0.32.dev0"):
        assert "/blob/main/timm/a.py#L3" in source_url(node, version)


def test_a_constructor_shows_its_class(small: Graph) -> None:
    node = next(n for n in view_of(small, title="t").nodes if n.id == CONSTRUCTOR)
    assert (node.label, node.sublabel) == ("ResNet", "__init__ · resnet.py:484")


def test_a_dispatch_says_what_is_looked_up_and_an_indirect_call_by_what(small: Graph) -> None:
    labels = {edge.target: edge.label for edge in view_of(small, title="t").edges if edge.label}
    assert labels == {RESNET34: '_model_entrypoints["resnet34"]', CONSTRUCTOR: "via model_cls"}


def test_edges_of_different_kinds_stay_apart(nasty: Graph) -> None:
    edges = view_of(nasty, title="t").edges
    assert len({(e.source, e.target, e.kind) for e in edges}) == len(edges) == 26


def test_a_module_that_only_holds_its_members_is_their_frame() -> None:
    graph = Graph(GraphInfo("1.0.31"))
    graph.add_node(Node("timm.a", NodeKind.MODULE, "a.py", 1))
    graph.add_node(Node("timm.b", NodeKind.MODULE, "b.py", 1))
    graph.add_node(Node("timm.a:f", NodeKind.FUNCTION, "a.py", 3))
    graph.add_edge(Edge("timm.a", "timm.a:f", EdgeKind.CONTAINS))
    view = view_of(graph, title="t")
    assert [n.id for n in view.nodes] == ["timm.b", "timm.a:f"]
    assert {g.id: g.href for g in view.groups}["timm.a"].endswith("/timm/a.py#L1")
    assert {n.id: n.group for n in view.nodes} == {"timm.b": None, "timm.a:f": "timm.a"}
    assert view.edges == ()


def test_a_crowd_is_noted() -> None:
    graph = Graph()
    for i in range(41):
        graph.add_node(Node(f"timm.a:f{i}", NodeKind.FUNCTION))
    assert view_of(graph, title="t", notes=["mine"]).notes == (
        "mine",
        "41 nodes are more than the 40 that read well in one picture.",
    )
