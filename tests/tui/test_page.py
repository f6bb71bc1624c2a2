from explorer.graph import Graph, Node, NodeKind
from explorer.queries.call_tree import call_path
from explorer.tui.page import page_of, signature
from tests.tui import samples


def test_a_long_signature_has_one_parameter_a_line() -> None:
    text = "(self, sizes: Tuple[int, int] = (1, 2), name: str = 'a, b', flag: bool = False) -> None"
    assert signature(text).splitlines() == [
        "(",
        "    self,",
        "    sizes: Tuple[int, int] = (1, 2),",
        "    name: str = 'a, b',",
        "    flag: bool = False,",
        ") -> None",
    ]
    assert signature("(x)") == "(x)"


def test_an_entrypoint_can_be_measured_and_a_class_cannot() -> None:
    graph = samples.graph()
    assert page_of(graph, graph.node("timm.models.toy:toy_small")).bench == "toy_small"
    assert page_of(graph, graph.node("timm.models.toy:Toy")).bench is None


def test_every_node_of_the_real_timm_has_a_page(timm_graph: Graph) -> None:
    for i, node in enumerate(timm_graph.nodes()):
        if i % 23 == 0:
            assert page_of(timm_graph, node).title
            assert call_path(timm_graph, node).node_id == node.id


def test_a_module_called_as_a_model_has_a_page_of_its_own() -> None:
    graph = samples.graph()
    graph.add_node(Node("toy_small", NodeKind.MODULE))

    assert page_of(graph, graph.node("toy_small")).kind is NodeKind.MODULE
    assert page_of(graph, graph.node("toy_small")).bench is None
    assert page_of(graph, graph.node("model:toy_small")).bench == "toy_small"
