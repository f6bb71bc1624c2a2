"""Parts of the graph worth a picture."""

import heapq
import itertools
from dataclasses import dataclass

from explorer.graph.model import Edge, EdgeKind, Graph, Node, NodeKind
from explorer.queries.creation import creation_calls

MAX_NODES = 40
"""How many nodes read well in one picture."""
USUAL_NODES = 24
"""How many nodes a picture opens with."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the graph, the nodes it is about, where to read it from, and how many nodes there was no room for."""

    graph: Graph
    focus: tuple[str, ...]
    root: str
    left_out: int


def model_calls(
    graph: Graph,
    model: Node,
    *,
    depth: int | None = None,
    max_nodes: int | None = USUAL_NODES,
    externals: bool = False,
) -> Slice:
    """What ``create_model`` calls for one model: the dispatch to its entrypoint, and on from there.

    Args:
        graph: the whole graph.
        model: a model node.
        depth: calls below the entrypoint at the most; as many as there is room for when ``None``.
        max_nodes: the nearest nodes up to this number are kept; all when ``None``.
        externals: show calls out of timm too.
    """
    part = Graph(graph.info)
    part.add_node(model)
    registration = next(graph.out_edges(model.id, EdgeKind.REGISTERS), None)
    if registration is None:
        return Slice(part, (model.id,), model.id, 0)
    entrypoint = registration.target
    part.add_node(graph.node(entrypoint))
    part.add_edge(registration)
    calls: dict[str, list[Edge]] = {}
    for edge in creation_calls(graph, model):
        if externals or graph.node(edge.target).kind is not NodeKind.EXTERNAL:
            calls.setdefault(edge.source, []).append(edge)
    callers = [source for source, edges in calls.items() for edge in edges if edge.target == entrypoint]
    for caller in callers:
        part.add_node(graph.node(caller))
    left_out = _follow(graph, part, calls, entrypoint, callers, depth, max_nodes)
    return Slice(part, (model.id, entrypoint), next(iter(callers), entrypoint), len(left_out))


def around(graph: Graph, node: Node, *, up: int = 1, depth: int | None = None, max_nodes: int = USUAL_NODES) -> Slice:
    """A function or class with what calls it and what it calls; a module with what it imports and is imported by.

    Args:
        graph: the whole graph.
        node: a source node.
        up: steps against the arrows.
        depth: steps along the arrows; when ``None`` 1 from a module, which imports much, and 2 from anything else.
        max_nodes: the nearest nodes up to this number are kept.
    """
    kinds = _RELATED.get(node.kind, (EdgeKind.CALLS, EdgeKind.DISPATCHES))
    roots = [node.id]
    if node.kind is NodeKind.CLASS and (init := graph.get(f"{node.id}.__init__")):
        roots.append(init.id)
    near = dict.fromkeys(roots)
    beyond: set[str] = set()
    usual_depth = 1 if node.kind is NodeKind.MODULE else 2
    for steps, forward in ((usual_depth if depth is None else depth, True), (up, False)):
        frontier = list(roots)
        for _ in range(steps):
            reached = [
                end
                for here in frontier
                for edge in (graph.out_edges(here, *kinds) if forward else graph.in_edges(here, *kinds))
                for end in [edge.target if forward else edge.source]
                if end not in near
            ]
            frontier = []
            for end in dict.fromkeys(reached):
                if len(near) < max_nodes:
                    near[end] = None
                    frontier.append(end)
                else:
                    beyond.add(end)
    part = graph.subgraph(near, (e for i in near for e in graph.out_edges(i, *kinds) if e.target in near))
    if len(roots) == 2:
        part.add_edge(Edge(roots[0], roots[1], EdgeKind.CONTAINS))
    return Slice(part, tuple(roots), node.id, len(beyond))


_RELATED = {
    NodeKind.MODULE: (EdgeKind.IMPORTS,),
    NodeKind.CLASS: (EdgeKind.INHERITS, EdgeKind.CALLS, EdgeKind.COMPOSES),
    NodeKind.EXTERNAL: (EdgeKind.INHERITS, EdgeKind.CALLS),
}


def _follow(
    graph: Graph,
    part: Graph,
    calls: dict[str, list[Edge]],
    entrypoint: str,
    others: list[str],
    depth: int | None,
    max_nodes: int | None,
) -> set[str]:
    """Add calls nearest first; return what there was no room for.

    Near is what builds the model: a step into a function handed over costs nothing, one within the entrypoint's module
    or into a constructor little, one into a helper elsewhere more. Farthest are calls that nothing seen leads to: their
    function was called by foreign code.
    """
    home = entrypoint.partition(":")[0]
    left_out: set[str] = set()
    kept: list[Edge] = []
    count = itertools.count()
    queue = [(0, next(count), 0, entrypoint), *((4, next(count), 0, other) for other in others)]
    if depth is None:
        queue += [(_FARTHEST, next(count), 0, source) for source in calls]
    seen: set[str] = set()
    while queue:
        cost, _, level, here = heapq.heappop(queue)
        if here in seen:
            continue
        seen.add(here)
        if here not in part:
            if max_nodes is None or len(part) < max_nodes:
                part.add_node(graph.node(here))
            else:
                left_out.add(here)
        if depth is not None and level >= depth:
            kept += [edge for edge in calls.get(here, ()) if edge.target == entrypoint]
            continue
        for edge in calls.get(here, ()):
            target = graph.node(edge.target)
            heapq.heappush(queue, (cost + _cost(edge, target, home), next(count), level + 1, edge.target))
            kept.append(edge)
    for edge in kept:
        if edge.source in part and edge.target in part:
            part.add_edge(edge)
    return left_out


_FARTHEST = 1_000_000


def _cost(edge: Edge, target: Node, home: str) -> int:
    if "via" in edge.data:
        return 0
    return 1 if target.module == home or target.name.endswith(".__init__") else 3
