"""What lies around a node along some kinds of edges, nearest first, with crowds kept together."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from explorer.graph.model import Edge, EdgeKind, Graph

CROWD = 12
"""More neighbours of one sort than these are a crowd."""


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
    for steps, forward in ((down, True), (up, False)):
        frontier = [root]
        for _ in range(steps):
            following = []
            for here in frontier:
                following += _add_neighbours(graph, found, here, kinds, forward, room, sort)
            frontier = following
    return found


def _add_neighbours(
    graph: Graph,
    found: Surroundings,
    here: str,
    kinds: tuple[EdgeKind, ...],
    forward: bool,
    room: int,
    sort: Callable[[Edge, bool], str],
) -> list[str]:
    """Add what is next to a node; returns the new ones that stand on their own."""
    sorts: dict[str, list[Edge]] = {}
    for edge in graph.out_edges(here, *kinds) if forward else graph.in_edges(here, *kinds):
        end = edge.target if forward else edge.source
        if end in found.nodes:
            found.edges.append(edge)
        else:
            sorts.setdefault(sort(edge, forward), []).append(edge)
    added: list[str] = []
    for name, edges in sorted(sorts.items(), key=lambda item: len(item[1])):
        left = room - len(found.nodes) - len(found.crowds)
        if len(edges) > 1 and (len(edges) > CROWD or len(edges) > left):
            found.crowds.append(Crowd(here, forward, name, tuple(edges)))
            continue
        for edge in edges:
            end = edge.target if forward else edge.source
            found.nodes[end] = None
            found.edges.append(edge)
            added.append(end)
    return added


def edges_between(graph: Graph, nodes: Iterable[str], kinds: Iterable[EdgeKind]) -> Iterator[Edge]:
    """All edges of some kinds from one of these nodes to another."""
    kinds, among = tuple(kinds), dict.fromkeys(nodes)
    return (edge for node in among for edge in graph.out_edges(node, *kinds) if edge.target in among)


def called_by(graph: Graph, root: str, steps: int) -> Graph:
    """The calls of a function and of what it calls, nearest first; a crowd is not followed further."""
    kinds = (EdgeKind.CALLS, EdgeKind.DISPATCHES)
    nodes = {root: None}
    edges: list[Edge] = []
    frontier = [root]
    for _ in range(steps):
        following: list[str] = []
        for here in frontier:
            for kind in kinds:
                found = list(graph.out_edges(here, kind))
                edges += found
                new = [edge.target for edge in found if edge.target not in nodes]
                nodes.update(dict.fromkeys(new))
                following += new if len(found) <= CROWD else []
        frontier = following
    return graph.subgraph(nodes, edges)


def callers_of(graph: Graph, root: str, steps: int) -> list[list[str]]:
    """What calls a function, what calls that, and so on, each once."""
    seen = {root}
    levels: list[list[str]] = []
    frontier = [root]
    for _ in range(steps):
        found = (e.source for here in frontier for e in graph.in_edges(here, EdgeKind.CALLS, EdgeKind.DISPATCHES))
        frontier = [source for source in dict.fromkeys(found) if source not in seen]
        seen.update(frontier)
        if frontier:
            levels.append(frontier)
    return levels
