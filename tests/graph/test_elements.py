import pytest

from explorer.graph import (
    CallData,
    ClassData,
    Edge,
    EdgeKind,
    Evidence,
    FunctionData,
    GraphInfo,
    Node,
    NodeKind,
    Problem,
)

FUNCTION = Node("shop.till:Till.sum", NodeKind.FUNCTION, "till.py", 3, 9, "Add up.", {"signature": "(self)"})
CALL = Edge("shop:f", "shop:g", EdgeKind.CALLS, tuple(Evidence), ("till.py:4",), {"via": "fn"})


def test_an_element_comes_back_from_json() -> None:
    for node in (FUNCTION, Node("shop", NodeKind.MODULE)):
        assert Node.from_json(node.to_json()) == node
    for edge in (CALL, Edge("a", "b", EdgeKind.IMPORTS)):
        assert Edge.from_json(edge.to_json()) == edge


def test_what_a_node_does_not_have_is_left_out_of_json() -> None:
    assert Node("shop", NodeKind.MODULE, line=1).to_json() == {
        "id": "shop",
        "kind": "module",
        "name": "shop",
        "line": 1,
    }


@pytest.mark.parametrize("name", ["id", "kind"])
def test_a_node_needs_an_id_and_a_kind(name: str) -> None:
    record = FUNCTION.to_json()
    del record[name]

    with pytest.raises(KeyError, match=name):
        Node.from_json(record)


@pytest.mark.parametrize(
    ("payload", "stored"),
    [
        (FunctionData("()"), {"signature": "()"}),
        (FunctionData(""), {"signature": ""}),
        (FunctionData("()", decorators=("cache",)), {"signature": "()", "decorators": ["cache"]}),
        (ClassData(), {}),
        (ClassData(fields=["a"]), {"fields": ["a"]}),
        (CallData(), {}),
        (CallData(via="f"), {"via": "f"}),
        (CallData("functools:reduce", "f"), {"through": "functools:reduce", "via": "f"}),
    ],
)
def test_a_payload_stores_what_it_has(payload: FunctionData | ClassData | CallData, stored: dict[str, object]) -> None:
    assert payload.to_json() == stored
    assert list(payload.to_json()) == list(stored)


def test_a_payload_is_read_from_its_element() -> None:
    assert FunctionData.of(FUNCTION).signature == "(self)"
    assert CallData.of(CALL) == CallData(via="fn")


def test_a_payload_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError):
        FunctionData.of(Node("shop:Till", NodeKind.CLASS))
    with pytest.raises(TypeError):
        CallData.of(FUNCTION)


def test_where_a_graph_comes_from_comes_back_from_json() -> None:
    info = GraphInfo("1.0", "/shop", "abc", (Problem("till.py", None, "bad"),))

    assert GraphInfo.from_json(info.to_json()) == info
    assert info.to_json()["problems"] == [{"file": "till.py", "line": None, "message": "bad"}]
