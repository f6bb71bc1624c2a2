"""Which models use a class or function, and what stands between."""

from collections.abc import Collection, Iterable, Iterator

from explorer.graph.model import Graph, Node, NodeKind
from explorer.queries.instantiation import INIT, class_made_by, descendants


def uses_of(graph: Graph, node: Node) -> dict[str, tuple[str, ...]]:
    """The models whose creation runs a function or makes an instance of a class; of a module, any of what it has.

    Args:
        graph: the whole graph.
        node: a module, class, function or something external.

    Returns:
        By model name the classes that make or call it there themselves, by id.
    """
    wanted = set(functions_of(graph, node))
    contexts = graph.contexts
    numbers = contexts_of(graph, wanted)
    above = makers(graph, wanted)
    found: dict[str, tuple[str, ...]] = {}
    for model in graph.nodes(NodeKind.MODEL):
        reached = list(contexts.reached(root)) if (root := contexts.models.get(model.name)) is not None else []
        if not numbers.isdisjoint(reached):
            found[model.name] = tuple(dict.fromkeys(above[c] for c in reached if c in above))
    return found


def functions_of(graph: Graph, node: Node) -> Iterator[str]:
    """The functions of which one runs when a thing is used."""
    if node.kind is NodeKind.MODULE:
        yield from (f for f in graph.ids(NodeKind.FUNCTION) if f.partition(":")[0] == node.id)
    elif node.kind is NodeKind.CLASS:
        yield from _constructors(graph, node.id)
    else:
        yield node.id


def contexts_of(graph: Graph, functions: Collection[str]) -> set[int]:
    """The contexts of some functions."""
    ids = graph.contexts.ids
    return {number for number, row in enumerate(graph.contexts.rows) if ids[row[0]] in functions}


def makers(graph: Graph, functions: Collection[str]) -> dict[int, str]:
    """The constructors that call some functions, not by way of another constructor: their contexts and classes."""
    contexts = graph.contexts
    above: dict[int, list[int]] = {}
    for number in range(len(contexts.rows)):
        for called in contexts.calls(number):
            above.setdefault(called, []).append(number)
    queue = sorted(contexts_of(graph, functions))
    seen = set(queue)
    found: dict[int, str] = {}
    for context in queue:
        for caller in above.get(context, ()):
            if caller in seen:
                continue
            seen.add(caller)
            made = class_made_by(contexts.function(caller))
            if made is None:
                queue.append(caller)
            else:
                found[caller] = made
    return found


def _constructors(graph: Graph, class_id: str) -> Iterable[str]:
    """What runs when an instance is made: a class without a constructor of its own is seen by its methods."""
    own = f"{class_id}{INIT}"
    if own in graph:
        return [own]
    methods = [f for f in graph.ids(NodeKind.FUNCTION) if f.startswith(f"{class_id}.")]
    return [*methods, *(f"{c}{INIT}" for c in descendants(graph, class_id))]
