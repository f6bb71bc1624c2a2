import ast
import re
from pathlib import Path

import pytest

import explorer.graph
from explorer.graph import Edge, EdgeKind, FunctionData, Graph, Node, NodeKind

MODULES = sorted(Path(explorer.graph.__file__).parent.glob("*.py"))
WORDS = re.compile(
    r"timm|resnet|vit\b|torch|entrypoint|pretrained|create_|tag\b|famil|architecture|_registry|layers", re.I
)


def strings_of(module: Path) -> list[str]:
    """Every string in a module's code: docstrings, of attributes too, are bare expressions and no code."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in bare)
    return [node.value for node in constants if isinstance(node.value, str)]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_string_names_a_thing_of_timm(module: Path) -> None:
    assert [text for text in strings_of(module) if WORDS.search(text)] == []


def test_the_strings_of_code_are_found() -> None:
    assert {"model", "calls"} <= {text for module in MODULES for text in strings_of(module)}


def test_a_graph_of_anything_can_be_made() -> None:
    graph = Graph()
    for name in "fg":
        graph.add_node(Node(f"shop.till:{name}", NodeKind.FUNCTION, data=FunctionData("()").to_json()))
    graph.add_edge(Edge("shop.till:f", "shop.till:g", EdgeKind.CALLS))

    assert list(graph.successors("shop.till:f")) == ["shop.till:g"]
    assert list(graph.predecessors("shop.till:g", EdgeKind.CALLS)) == ["shop.till:f"]
    assert FunctionData.of(graph.node("shop.till:f")) == FunctionData("()")
