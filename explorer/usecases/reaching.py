"""How one thing reaches another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.errors import ExplorerError, RequestError
from explorer.graph import Edge, Graph, Node
from explorer.queries.names import find_node
from explorer.queries.node_data import place_of
from explorer.queries.paths import shortest_path
from explorer.usecases.loading import load
from explorer.usecases.showing import undeprecated
from explorer.usecases.telling import Emit, quiet

CREATE_MODEL = "timm.models.create_model"

_BACKWARDS = {"registers": "registered as", "configures": "weights of", "contains": "belongs to"}


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop on a way: ``how`` it is reached from the one before, its node's ``id``, and the place in the source."""

    how: str
    id: str
    place: str


@dataclass(frozen=True, slots=True)
class Way:
    """A way from one node to another: the ``edges`` it takes, and the ``stops`` they lead to, the source first."""

    source: Node
    target: Node
    edges: tuple[Edge, ...]
    stops: tuple[Stop, ...]

    def to_json(self) -> dict[str, Any]:
        """The way as a dict that JSON can hold."""
        return {"from": self.source.id, "to": self.target.id, "edges": [edge.to_json() for edge in self.edges]}


def path(*names: str, graph: Graph | None = None, emit: Emit = quiet) -> Way:
    """How one thing reaches another: the shortest chain of calls, with the registry's dispatch on the way.

    Where no calls lead there, of other relations.

    ::

        for stop in explorer.path("resnet34", "timm.models.resnet.BasicBlock").stops:
            print(stop.how, stop.id, stop.place)

    Args:
        names: where to and, before it, where from, which is ``create_model`` when left out.
        graph: where to look; the installed timm's when ``None``.
        emit: takes what is worth telling: that a name is deprecated.

    Raises:
        UnknownName: nothing is known by one of the names.
        RequestError: a name means several things, or there are more or fewer names than one or two.
        ExplorerError: no way is known.
    """
    check_ends(names)
    graph = load(emit=emit) if graph is None else graph
    ends = (names[0] if len(names) == 2 else CREATE_MODEL, names[-1])
    source, target = (undeprecated(graph, find_node(graph, name), emit) for name in ends)
    edges = shortest_path(graph, source, target)
    if edges is None:
        raise ExplorerError(f"no way from {source.id} to {target.id} is known", "`explorer show` lists who calls it")
    return Way(source, target, tuple(edges), tuple(_stops(graph, source, edges)))


def check_ends(names: Sequence[str]) -> None:
    """Refuse what is no way to be asked for, before a graph is loaded.

    Raises:
        RequestError: there are more or fewer names than one or two.
    """
    if len(names) not in (1, 2):
        raise RequestError(f"path takes one or two names, not {len(names)}", "explorer path [FROM] TO")


def _stops(graph: Graph, source: Node, edges: list[Edge]) -> Iterator[Stop]:
    yield Stop("", source.id, _place(source))
    here = source.id
    for edge in edges:
        backwards = edge.source != here
        here = edge.source if backwards else edge.target
        how = _BACKWARDS.get(str(edge.kind), str(edge.kind)) if backwards else str(edge.kind)
        # Call sites stand in the file of an edge's source.
        site = place_of(graph.node(edge.source), edge.sites[0]) if edge.sites else ""
        yield Stop(how, here, site or _place(graph.node(here)))


def _place(node: Node) -> str:
    return place_of(node, f"{node.file}:{node.line}") if node.file else ""
