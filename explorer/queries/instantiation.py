"""Which classes make instances of which, read from calls in context."""

from collections.abc import Iterable, Iterator

from explorer.graph.contexts import Contexts
from explorer.graph.model import EdgeKind, Graph, Node, NodeKind

INIT = ".__init__"


def class_made_by(function: str) -> str | None:
    """The class of which calling a function makes an instance, ``None`` for any other function."""
    if function.endswith(INIT):
        return function.removesuffix(INIT)
    module, _, name = function.partition(":")
    is_class = not module.startswith("timm") and name[:1].isupper() and "." not in name
    return function if is_class else None


def ancestors(graph: Graph, class_id: str) -> list[str]:
    """The classes that a class inherits from, nearest first, those outside timm too."""
    found = {class_id: None}
    for here in (order := [class_id]):
        for base in graph.successors(here, EdgeKind.INHERITS):
            if base not in found:
                found[base] = None
                order.append(base)
    return order[1:]


def descendants(graph: Graph, class_id: str) -> list[str]:
    """The classes that inherit from a class, nearest first."""
    found = {class_id: None}
    for here in (order := [class_id]):
        for edge in graph.in_edges(here, EdgeKind.INHERITS):
            if edge.source not in found:
                found[edge.source] = None
                order.append(edge.source)
    return order[1:]


def constructor_of(graph: Graph, class_id: str) -> str | None:
    """The nearest ``__init__`` that timm has for a class: its own or an inherited one."""
    return next((f"{c}{INIT}" for c in (class_id, *ancestors(graph, class_id)) if f"{c}{INIT}" in graph), None)


def held_classes(graph: Graph, class_id: str, contexts: Iterable[int]) -> list[str]:
    """The classes that a constructor makes, itself or in functions that it calls; what its bases make is its own.

    Args:
        graph: the whole graph.
        class_id: the class.
        contexts: the contexts of its constructor to look at.
    """
    own = {class_id, *ancestors(graph, class_id)}
    calls: Contexts = graph.contexts
    found: dict[str, None] = {}
    order = dict.fromkeys(contexts)
    queue = list(order)
    for context in queue:
        for called in calls.calls(context):
            made = class_made_by(calls.function(called))
            if made is not None and made not in own:
                found[made] = None
            elif called not in order and graph.get(calls.function(called)) is not None:
                order[called] = None
                queue.append(called)
    return list(found)


def contexts_of_classes(graph: Graph, contexts: Iterable[int]) -> dict[str, list[int]]:
    """The contexts in which constructors run, by class, in their order."""
    found: dict[str, list[int]] = {}
    for context in contexts:
        made = class_made_by(graph.contexts.function(context))
        if made is not None:
            found.setdefault(made, []).append(context)
    return found


def classes_of(graph: Graph, module: str) -> Iterator[Node]:
    """The classes that a module defines at its top level."""
    for edge in graph.out_edges(module, EdgeKind.CONTAINS):
        node = graph.node(edge.target)
        if node.kind is NodeKind.CLASS:
            yield node
