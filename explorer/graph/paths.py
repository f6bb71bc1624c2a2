"""How one node reaches another."""

from collections import deque
from collections.abc import Iterator, Sequence

from explorer.graph.model import Edge, EdgeKind, Graph, Node, NodeKind
from explorer.graph.walk import Place, calls_from

_RUN = (EdgeKind.DISPATCHES, EdgeKind.CONFIGURES, EdgeKind.REPLACES, EdgeKind.REGISTERS)
_ANY = (*_RUN, EdgeKind.INHERITS, EdgeKind.CONTAINS, EdgeKind.IMPORTS, EdgeKind.COMPOSES, EdgeKind.PASSES)


def shortest_path(graph: Graph, source: Node, target: Node) -> list[Edge] | None:
    """The shortest chain of edges from one node to another, ``None`` when there is none.

    What runs comes first: a path of calls, dispatch and registration is taken before a shorter one over inheritance,
    containment or imports (where a constructor leads back to its class). A call through a parameter is walked only
    with what was handed over on the way. Registration and configuration can be walked both ways: from weights to their
    model, from a model to its entrypoint, and back. A class is reached when its ``__init__`` is.
    """
    goals = {target.id}
    if target.kind is NodeKind.CLASS:
        goals.add(f"{target.id}.__init__")
    for kinds in (_RUN, _ANY):
        path = _search(graph, source.id, goals, kinds)
        if path is not None:
            return path
    return None


def _search(graph: Graph, source: str, goals: set[str], kinds: Sequence[EdgeKind]) -> list[Edge] | None:
    """Breadth first."""
    start = Place(source)
    came_by: dict[Place, tuple[Place, Edge] | None] = {start: None}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        if here.id in goals:
            return _unwound(came_by, here)
        for edge, there in _steps(graph, here, kinds):
            if there not in came_by:
                came_by[there] = (here, edge)
                queue.append(there)
    return None


def _steps(graph: Graph, here: Place, kinds: Sequence[EdgeKind]) -> Iterator[tuple[Edge, Place]]:
    yield from calls_from(graph, here)
    for edge in graph.out_edges(here.id, *kinds):
        yield edge, Place(edge.target)
    for edge in graph.in_edges(here.id, EdgeKind.REGISTERS, EdgeKind.CONFIGURES):
        yield edge, Place(edge.source)
    if kinds is _ANY and here.id.endswith(".__init__"):
        for edge in graph.in_edges(here.id, EdgeKind.CONTAINS):
            yield edge, Place(edge.source)


def _unwound(came_by: dict[Place, tuple[Place, Edge] | None], end: Place) -> list[Edge]:
    path: list[Edge] = []
    step = came_by[end]
    while step is not None:
        before, edge = step
        path.append(edge)
        step = came_by[before]
    return path[::-1]
