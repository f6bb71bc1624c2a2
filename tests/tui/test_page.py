from explorer.graph import Graph
from explorer.queries.call_tree import call_path
from explorer.tui.page import page_of, signature
from explorer.tui.styling import end_cut, middle_cut, start_cut

from . import samples


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


def test_cuts() -> None:
    assert middle_cut("vit_base_patch16_224", 11) == "vit_bas…224"
    assert end_cut("abcdef", 4) == "abc…"
    assert start_cut("abcdef", 4) == "…def"
    for cut in (middle_cut, end_cut, start_cut):
        assert cut("abc", 3) == "abc"
        assert [len(cut("abcdef", width)) for width in range(6)] == list(range(6))


def test_an_entrypoint_can_be_measured_and_a_class_cannot() -> None:
    graph = samples.graph()
    assert page_of(graph, graph.node("timm.models.toy:toy_small")).bench == "toy_small"
    assert page_of(graph, graph.node("timm.models.toy:Toy")).bench is None


def test_every_node_of_the_real_timm_has_a_page(timm_graph: Graph) -> None:
    for i, node in enumerate(timm_graph.nodes()):
        if i % 23 == 0:
            assert page_of(timm_graph, node).title
            assert call_path(timm_graph, node).node_id == node.id
