"""How one node reaches another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from explorer.graph import CallData, Edge, EdgeKind, Graph, Node, NodeKind
from explorer.graph.contexts import Contexts
from explorer.graph.walk import reached
from explorer.queries.composition import INIT
from explorer.queries.creation import call_between

_RUN = (EdgeKind.DISPATCHES, EdgeKind.CONFIGURES, EdgeKind.REPLACES, EdgeKind.REGISTERS)
_ANY = (*_RUN, EdgeKind.INHERITS, EdgeKind.CONTAINS, EdgeKind.IMPORTS, EdgeKind.COMPOSES, EdgeKind.PASSES)


@dataclass(frozen=True, slots=True)
class _Place:
    """A node, and the context it is reached in where it is a function that was reached by a call."""

    id: str
    context: int | None = None


def shortest_path(graph: Graph, source: Node, target: Node) -> list[Edge] | None:
    """The shortest chain of edges from one node to another, ``None`` when there is none.

    What runs comes first: a path of calls, dispatch and registration is taken before a shorter one over inheritance,
    containment or imports (where a constructor leads back to its class). Calls are walked in context: each one happens
    with what the calls before it handed over. From a model on they are those of its own creation. Where these do not
    lead there, a function may also call others by their own names as it does with other arguments. Registration and
    configuration can be walked both ways: from weights to their model, from a model to its entrypoint, and back. A
    class is reached when its ``__init__`` is.
    """
    goals = {target.id}
    if target.kind is NodeKind.CLASS:
        goals.add(f"{target.id}{INIT}")
    # Three searches, and not one with prices: a way that runs is right even where a shorter one only relates names.
    for kinds, is_loose in ((_RUN, False), (_RUN, True), (_ANY, False)):
        path = _search(_Steps(graph, is_loose), source.id, goals, kinds)
        if path is not None:
            return path
    return None


def _search(steps: "_Steps", source: str, goals: set[str], kinds: Sequence[EdgeKind]) -> list[Edge] | None:
    start = _Place(source)
    came_by: dict[_Place, tuple[_Place, Edge] | None] = {start: None}

    def onward(here: _Place) -> Iterator[_Place]:
        for edge, there in steps.of(here, kinds):
            came_by.setdefault(there, (here, edge))
            yield there

    end = next((place for place in reached([start], onward) if place.id in goals), None)
    if end is None:
        return None
    path: list[Edge] = []
    while step := came_by[end]:
        end, edge = step
        path.append(edge)
    return path[::-1]


class _Steps:
    """The steps there are from a place; loose ones are calls too that happen with other arguments only."""

    def __init__(self, graph: Graph, is_loose: bool) -> None:
        self._graph = graph
        self._is_loose = is_loose
        self._contexts: Contexts = graph.contexts
        self._numbers: dict[str, list[int]] = {}
        for number in range(len(self._contexts)):
            self._numbers.setdefault(self._contexts.function(number), []).append(number)

    def of(self, here: _Place, kinds: Sequence[EdgeKind]) -> Iterator[tuple[Edge, _Place]]:
        yield from self._calls(here)
        graph = self._graph
        for edge in graph.out_edges(here.id, *kinds):
            if edge.kind is EdgeKind.REGISTERS:
                yield edge, _Place(edge.target, self._created(here.id, edge.target))
            # In context a dispatch is among the calls; the edge alone would lead to any model.
            elif edge.kind is not EdgeKind.DISPATCHES or here.context is None:
                yield edge, _Place(edge.target)
        for edge in graph.in_edges(here.id, EdgeKind.REGISTERS, EdgeKind.CONFIGURES):
            yield edge, _Place(edge.source)
        if kinds is _ANY and here.id.endswith(INIT):
            for edge in graph.in_edges(here.id, EdgeKind.CONTAINS):
                yield edge, _Place(edge.source)

    def _calls(self, here: _Place) -> Iterator[tuple[Edge, _Place]]:
        """Calls in context, and those that only a trace knows."""
        contexts = self._contexts
        known: set[str] = set()
        for number in self._numbers.get(here.id, ()) if here.context is None else (here.context,):
            for called in contexts.calls(number):
                callee = contexts.function(called)
                known.add(callee)
                edge = call_between(self._graph, here.id, callee)
                if edge is not None:
                    yield edge, _Place(callee, called)
        for edge in self._graph.out_edges(here.id, EdgeKind.CALLS):
            if edge.target not in known and (here.context is None or (self._is_loose and _is_by_own_name(edge))):
                yield edge, _Place(edge.target)

    def _created(self, model: str, entrypoint: str) -> int | None:
        """The context of an entrypoint when its model is created."""
        created = self._contexts.created(model.partition(":")[2])
        return next((number for number in created if self._contexts.function(number) == entrypoint), None)


def _is_by_own_name(edge: Edge) -> bool:
    """Whether a call is one of a plain function that nobody handed over."""
    return CallData.of(edge).via is None and "." not in edge.target.partition(":")[2]
