"""The calls that create one model, and the classes that they lead to."""

from collections.abc import Container, Iterator

from explorer.graph import CallData, Edge, EdgeKind, Graph, Node
from explorer.graph.walk import levels
from explorer.queries.composition import INIT

_CALLS = (EdgeKind.DISPATCHES, EdgeKind.CALLS)


def creation_calls(graph: Graph, model: Node) -> list[Edge]:
    """The calls that creating a model makes, nearest first, those of a function by their lines; externals among them.

    They are what was seen to run where the model was traced, and what its source says where not.

    Args:
        graph: the whole graph.
        model: a model or alias node.
    """
    edges = [edge for pair in _pairs(graph, model.name) if (edge := call_between(graph, *pair))]
    nearness = {source: i for i, source in enumerate(dict.fromkeys(edge.source for edge in edges))}
    return sorted(edges, key=lambda edge: (nearness[edge.source], _first_line(edge), edge.target))


def model_classes(graph: Graph, model: Node, entrypoint: str) -> list[str]:
    """The class of a model, by id; several where its source leaves open which of them.

    Where its creation does not tell, the classes that its entrypoint hands to the builder: the nearest that are made
    by another name.
    """
    if instance := graph.instances.of(model.name):
        return list(instance.own)
    calls: dict[str, list[Edge]] = {}
    for edge in creation_calls(graph, model):
        calls.setdefault(edge.source, []).append(edge)
    for level in levels([entrypoint], lambda caller: (edge.target for edge in calls.get(caller, ()))):
        edges = [edge for caller in level for edge in calls.get(caller, ())]
        made = [e.target for e in edges if e.target.endswith(INIT) and CallData.of(e).via]
        if made:
            return [function.removesuffix(INIT) for function in dict.fromkeys(made)]
    return []


def _first_line(edge: Edge) -> int:
    return min((int(site.rpartition(":")[2]) for site in edge.sites), default=0)


def _pairs(graph: Graph, name: str) -> Iterator[tuple[str, str]]:
    root = graph.contexts.models.get(name)
    static = list(graph.contexts.pairs(root)) if root is not None else []
    traces = graph.traces
    if traces is None or name not in traces.models:
        yield from static
        return
    seen = dict.fromkeys((caller, callee) for caller, callee, _ in traces.pairs_of(name))
    ran = {function for pair in seen for function in pair}
    # A trace tells which of the calls that the source allows were made; the source alone knows those no trace shows.
    known = dict.fromkeys(p for p in static if p in seen or (p[0] in ran and _cannot_be_seen(graph, *p, ran)))
    yield from known
    yield from (pair for pair in seen if pair not in known)


def _cannot_be_seen(graph: Graph, caller: str, callee: str, ran: Container[str]) -> bool:
    """Whether a trace has no pair for this call: it leads out of timm, or through foreign code to what did run."""
    node = graph.get(callee)
    if node is not None and node.file is None:
        return True
    edge = call_between(graph, caller, callee) if callee in ran else None
    return edge is not None and CallData.of(edge).through is not None


def call_between(graph: Graph, caller: str, callee: str) -> Edge | None:
    """The dispatch or call from one function to another, ``None`` where the graph has neither."""
    return next((edge for kind in _CALLS if (edge := graph.edge(caller, callee, kind))), None)
