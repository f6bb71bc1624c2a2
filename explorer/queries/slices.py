"""Parts of the graph worth a picture."""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from explorer.graph import CallData, Edge, EdgeKind, Graph, Node, NodeKind
from explorer.graph.walk import levels, visit
from explorer.queries.composition import INIT
from explorer.queries.creation import creation_calls

MAX_NODES = 40
"""How many nodes read well in one picture."""
USUAL_NODES = 24
"""How many nodes a picture opens with: some way below what it may have, so that there is something to open."""
CROWD = 12
"""More neighbours of one sort than these are a crowd."""
_CALLER = 4
"""What calls the entrypoint is farther than a helper that it calls: the picture is of how a model is made."""
_FARTHEST = 1_000_000
"""Farther than any way through calls can be."""


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
    left_out: set[str] = set()
    kept: list[Edge] = []
    for here, level in _nearest_first(graph, calls, entrypoint, callers, depth):
        if here not in part:
            if max_nodes is None or len(part) < max_nodes:
                part.add_node(graph.node(here))
            else:
                left_out.add(here)
        # What lies at the last level is shown, and what it calls is not; the dispatch to the entrypoint always is.
        is_followed = depth is None or level < depth
        kept += [edge for edge in calls.get(here, ()) if is_followed or edge.target == entrypoint]
    for edge in kept:
        if edge.source in part and edge.target in part:
            part.add_edge(edge)
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
    if node.kind is NodeKind.CLASS and (init := graph.get(f"{node.id}{INIT}")):
        roots.append(init.id)
    near = dict.fromkeys(roots)
    beyond: set[str] = set()
    usual_depth = 1 if node.kind is NodeKind.MODULE else 2

    def with_room(ends: Iterator[str]) -> Iterator[str]:
        for end in ends:
            if end not in near and len(near) >= max_nodes:
                beyond.add(end)
            elif end not in near:
                near[end] = None
                yield end

    steps = usual_depth if depth is None else depth
    visit(roots, lambda here: with_room(graph.successors(here, *kinds)), steps)
    visit(roots, lambda here: with_room(graph.predecessors(here, *kinds)), up)
    part = graph.subgraph(near, (e for i in near for e in graph.out_edges(i, *kinds) if e.target in near))
    if len(roots) == 2:
        part.add_edge(Edge(roots[0], roots[1], EdgeKind.CONTAINS))
    return Slice(part, tuple(roots), node.id, len(beyond))


_RELATED = {
    NodeKind.MODULE: (EdgeKind.IMPORTS,),
    NodeKind.CLASS: (EdgeKind.INHERITS, EdgeKind.CALLS, EdgeKind.COMPOSES),
    NodeKind.EXTERNAL: (EdgeKind.INHERITS, EdgeKind.CALLS),
}


def _nearest_first(
    graph: Graph, calls: dict[str, list[Edge]], entrypoint: str, others: list[str], depth: int | None
) -> Iterator[tuple[str, int]]:
    """Functions and the number of calls between the entrypoint and each, by the cheapest way (Dijkstra's).

    Near is what builds the model: a step into a function handed over costs nothing, one within the entrypoint's module
    or into a constructor little, one into a helper elsewhere more. Farthest are calls that nothing seen leads to: their
    function was called by foreign code.
    """
    home = entrypoint.partition(":")[0]
    count = itertools.count()  # settles ties by what came first, as a heap alone does not
    queue = [(0, next(count), 0, entrypoint), *((_CALLER, next(count), 0, other) for other in others)]
    if depth is None:
        queue += [(_FARTHEST, next(count), 0, source) for source in calls]
    seen: set[str] = set()
    while queue:
        cost, _, level, here = heapq.heappop(queue)
        if here in seen:
            continue
        seen.add(here)
        yield here, level
        for edge in calls.get(here, ()) if depth is None or level < depth else ():
            target = graph.node(edge.target)
            heapq.heappush(queue, (cost + _cost(edge, target, home), next(count), level + 1, edge.target))


def _cost(edge: Edge, target: Node, home: str) -> int:
    if CallData.of(edge).via:
        return 0
    return 1 if target.module == home or target.name.endswith(INIT) else 3


@dataclass(frozen=True, slots=True)
class Crowd:
    """Neighbours folded into one: whose they are, which way the edges go, what they have in common, and the edges."""

    owner: str
    forward: bool
    sort: str
    edges: tuple[Edge, ...]

    @property
    def members(self) -> list[str]:
        """The neighbours, by id."""
        return [edge.target if self.forward else edge.source for edge in self.edges]


@dataclass(slots=True)
class Surroundings:
    """The nodes that stand on their own, nearest first, the edges that led to them, and the crowds."""

    nodes: dict[str, None] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    crowds: list[Crowd] = field(default_factory=list)


def surroundings(
    graph: Graph,
    root: str,
    kinds: Iterable[EdgeKind],
    *,
    up: int,
    down: int,
    room: int,
    sort: Callable[[Edge, bool], str],
) -> Surroundings:
    """The neighbours of a node, theirs, and so on; what there is no room for is in the crowd of its nearest neighbour.

    Args:
        graph: the whole graph.
        root: where to start.
        kinds: the edges to follow.
        up: steps against the arrows.
        down: steps along the arrows.
        room: how many nodes and crowds there may be.
        sort: what a neighbour, over an edge and along it or against it, has in common with others of a crowd.
    """
    found = Surroundings({root: None})
    kinds = tuple(kinds)

    def neighbours(here: str, forward: bool) -> Iterator[str]:
        """Add what is next to a node; the new ones that stand on their own."""
        sorts: dict[str, list[Edge]] = {}
        for edge in graph.out_edges(here, *kinds) if forward else graph.in_edges(here, *kinds):
            if (edge.target if forward else edge.source) in found.nodes:
                found.edges.append(edge)
            else:
                sorts.setdefault(sort(edge, forward), []).append(edge)
        for name, edges in sorted(sorts.items(), key=lambda item: len(item[1])):
            crowd = Crowd(here, forward, name, tuple(edges))
            left = room - len(found.nodes) - len(found.crowds)
            if len(edges) > 1 and (len(edges) > CROWD or len(edges) > left):
                found.crowds.append(crowd)
                continue
            found.edges += edges
            found.nodes.update(dict.fromkeys(crowd.members))
            yield from crowd.members

    visit([root], lambda here: neighbours(here, True), down)
    visit([root], lambda here: neighbours(here, False), up)
    return found


def edges_between(graph: Graph, nodes: Iterable[str], kinds: Iterable[EdgeKind]) -> Iterator[Edge]:
    """All edges of some kinds from one of these nodes to another."""
    kinds, among = tuple(kinds), dict.fromkeys(nodes)
    return (edge for node in among for edge in graph.out_edges(node, *kinds) if edge.target in among)


def called_by(graph: Graph, root: str, steps: int) -> Graph:
    """The calls of a function and of what it calls, nearest first; a crowd is not followed further."""
    kinds = (EdgeKind.CALLS, EdgeKind.DISPATCHES)
    nodes = {root: None}
    edges: list[Edge] = []

    def called(here: str) -> Iterator[str]:
        for kind in kinds:
            found = list(graph.out_edges(here, kind))
            edges.extend(found)
            new = [edge.target for edge in found if edge.target not in nodes]
            nodes.update(dict.fromkeys(new))
            if len(found) <= CROWD:
                yield from new

    visit([root], called, steps)
    return graph.subgraph(nodes, edges)


def callers_of(graph: Graph, root: str, steps: int) -> list[list[str]]:
    """What calls a function, what calls that, and so on, each once."""
    kinds = (EdgeKind.CALLS, EdgeKind.DISPATCHES)
    return list(levels([root], lambda here: graph.predecessors(here, *kinds), steps))[1:]
