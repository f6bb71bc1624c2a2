import pytest

from explorer.diagram import tree_lines
from explorer.graph import Edge, EdgeKind, Graph, Node, NodeKind

from ..samples import CREATE_MODEL


def test_the_call_path_as_a_tree(small: Graph) -> None:
    assert tree_lines(small, CREATE_MODEL) == [
        "create_model  models/_factory.py:162",
        '└─⇢ resnet34  models/resnet.py:1546  _model_entrypoints["resnet34"]',
        "   └─→ _create_resnet  models/resnet.py:813",
        "      └─→ build_model_with_cfg  models/_builder.py:427",
        "         ├─→ ResNet.__init__  models/resnet.py:484  via model_cls",
        "         │  └─→ make_blocks  models/resnet.py:363",
        "         └─→ resolve_pretrained_cfg  models/_builder.py:386",
        "resnet34  model name",
        "└─registers → resnet34  ↑ shown above",
    ]


def test_each_node_is_written_in_full_once(graph: Graph) -> None:
    root = next(iter(graph.ids()))
    lines = tree_lines(graph, root)
    assert sum("shown above" not in line for line in lines) == len(graph)
    assert all(line.isprintable() for line in lines)


def test_cycles_end() -> None:
    graph = Graph()
    for name in "ab":
        graph.add_node(Node(f"timm.m:{name}", NodeKind.FUNCTION))
    graph.add_edge(Edge("timm.m:a", "timm.m:b", EdgeKind.CALLS))
    graph.add_edge(Edge("timm.m:b", "timm.m:a", EdgeKind.CALLS))
    assert tree_lines(graph, "timm.m:a") == ["a", "└─→ b", "   └─→ a  ↑ shown above"]


def test_a_root_that_is_not_there_is_an_error(small: Graph) -> None:
    with pytest.raises(KeyError):
        tree_lines(small, "timm.nothing:here")
