from collections.abc import Callable

import pytest

from explorer.graph import Edge, EdgeKind, Graph, Node, NodeKind
from explorer.graph.model import GraphInfo

DrawGraph = Callable[..., Graph]


@pytest.fixture
def draw() -> DrawGraph:
    """A graph of functions drawn as lines: ``"a -> b"`` is a call, ``"a -registers-> b"`` any other edge.

    Ids that start with a kind and a colon (``model:``) are of that kind, those with a capital are classes, those
    without a colon modules, all others functions. A call may say what it hands over or goes through:
    ``"a -> b | fn=c,d"``, ``"b -> c | via fn"``, ``"b -> c | via fn, default"``.
    """

    def drawn(text: str) -> Graph:
        graph = Graph(GraphInfo("9.9.9", "/somewhere/timm", "0" * 32))
        for line in filter(None, (line.strip() for line in text.splitlines())):
            arrow, _, about = line.partition(" | ")
            source, kind, target = _parts(arrow)
            for node_id in (source, target):
                if node_id not in graph:
                    graph.add_node(Node(node_id, _kind(node_id), data=_data(node_id)))
            graph.add_edge(Edge(source, target, EdgeKind(kind), data=_about(about, target)))
        return graph

    return drawn


def _parts(arrow: str) -> tuple[str, str, str]:
    source, middle, target = arrow.split()
    return source, middle.strip("->") or "calls", target


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


def _about(text: str, target: str) -> dict[str, object]:
    if text.startswith("via"):
        words = text.replace(",", " ").split()
        stands_for = target.removesuffix(".__init__")
        return {"via": words[1], "stands_for": [stands_for], **({"default": True} if "default" in words else {})}
    if text:
        name, _, given = text.partition("=")
        return {"binds": {name: given.split(",")}}
    return {}
