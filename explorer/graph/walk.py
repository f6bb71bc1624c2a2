"""Walking calls as they can happen: a parameter that is called stands for what was handed over on the way here."""

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.graph.model import Edge, EdgeKind, Graph


@dataclass(frozen=True, slots=True)
class Place:
    """A function reached in one context: which callables (ids) its parameters stand for, as far as that matters."""

    id: str
    bindings: tuple[tuple[str, tuple[str, ...]], ...] = ()


def calls_from(graph: Graph, place: Place) -> Iterator[tuple[Edge, Place]]:
    """The calls a function makes in its context, each with the place it leads to.

    A call through a parameter happens when its target was handed over, or is the parameter's default and nothing was.
    """
    bindings = dict(place.bindings)
    for edge in graph.out_edges(place.id, EdgeKind.CALLS):
        via = edge.data.get("via")
        if via is None or _is_bound(edge, bindings.get(via)):
            yield edge, Place(edge.target, _bindings(graph, edge))


def _is_bound(edge: Edge, given: tuple[str, ...] | None) -> bool:
    if given is None:
        return bool(edge.data.get("default"))
    return not set(given).isdisjoint(edge.data["stands_for"])


def _bindings(graph: Graph, edge: Edge) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What the call hands over, of those parameters that the callee calls."""
    binds = edge.data.get("binds")
    if not binds:
        return ()
    called = {e.data.get("via") for e in graph.out_edges(edge.target, EdgeKind.CALLS)}
    return tuple(sorted((name, tuple(given)) for name, given in binds.items() if name in called))
