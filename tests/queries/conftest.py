from collections.abc import Callable

import pytest

from explorer.graph import Edge, EdgeKind, Graph, GraphInfo, Node, NodeKind
from explorer.graph.contexts import Contexts

DrawGraph = Callable[..., Graph]


@pytest.fixture
def draw() -> DrawGraph:
    """A graph of functions drawn as lines: ``"a -> b"`` is a call, ``"a -registers-> b"`` any other edge.

    Ids that start with a kind and a colon (``model:``) are of that kind, those with a capital are classes, those
    without a colon modules, all others functions. A call may say by which name or through what it happens:
    ``"b -> c | via fn"``, ``"b -> c | through torch.nn:Module.apply"``.

    Calls are in context too: ``a#1`` and ``a#2`` are the function ``a`` with two sets of arguments, and
    ``"model:net -creates-> a#1"`` says in which of them a model is created.
    """

    def drawn(text: str) -> Graph:
        graph = Graph(GraphInfo("9.9.9", "/somewhere/timm", "0" * 32))
        contexts = graph.contexts = Contexts()
        numbers: dict[str, int] = {}
        for line in filter(None, (line.strip() for line in text.splitlines())):
            arrow, _, about = line.partition(" | ")
            start, kind, end = _parts(arrow)
            source, target = start.partition("#")[0], end.partition("#")[0]
            for node_id in (source, target):
                if node_id not in graph:
                    graph.add_node(Node(node_id, _kind(node_id), _file(node_id), data=_data(node_id)))
            if kind == "creates":
                contexts.models[source.partition(":")[2]] = _number(contexts, numbers, end)
                continue
            graph.add_edge(Edge(source, target, EdgeKind(kind), data=_about(about)))
            if kind in ("calls", "dispatches"):
                column = contexts.through if about.startswith("through") else contexts.direct
                column[_number(contexts, numbers, start)].append(_number(contexts, numbers, end))
        return graph

    return drawn


def _number(contexts: Contexts, numbers: dict[str, int], name: str) -> int:
    """The number of a context; a new one where it is not known yet."""
    if name not in numbers:
        node_id = name.partition("#")[0]
        if node_id not in contexts.ids:
            contexts.ids.append(node_id)
        numbers[name] = contexts.add(contexts.ids.index(node_id), [], [])
    return numbers[name]


def _parts(arrow: str) -> tuple[str, str, str]:
    source, middle, target = arrow.split()
    return source, middle.strip("->") or "calls", target


def _file(node_id: str) -> str | None:
    return "m.py" if node_id.startswith("timm") else None


def _kind(node_id: str) -> NodeKind:
    prefix, colon, name = node_id.partition(":")
    if prefix in ("model", "weights", "alias"):
        return NodeKind(prefix)
    if not colon:
        return NodeKind.MODULE
    if not prefix.startswith("timm"):
        return NodeKind.EXTERNAL
    return NodeKind.CLASS if name.rpartition(".")[2][0].isupper() else NodeKind.FUNCTION


def _data(node_id: str) -> dict[str, object]:
    name = node_id.partition(":")[2]
    match _kind(node_id):
        case NodeKind.MODEL:
            return {"family": "toy", "module": "timm.models.toy", "tags": [], "pretrained": False}
        case NodeKind.ALIAS:
            return {"family": "toy", "module": "timm.models.toy", "replaced_by": None}
        case NodeKind.WEIGHTS:
            architecture, _, tag = name.partition(".")
            cfg = {"hf_hub_id": f"timm/{name}"}
            return {"architecture": architecture, "tag": tag, "has_weights": True, "cfg": cfg, "unknown": []}
        case NodeKind.FUNCTION:
            return {"signature": "()"}
    return {}


def _about(text: str) -> dict[str, str]:
    name, _, value = text.partition(" ")
    return {name: value} if name else {}
