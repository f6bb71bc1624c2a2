"""What classes are made of and who makes them: inheritance, instances held by instances, models that use them."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from explorer.graph import EdgeKind, Graph, Node, NodeKind
from explorer.graph.contexts import Contexts

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
    numbers = set(contexts.of(wanted))
    above = makers(graph, wanted)
    found: dict[str, tuple[str, ...]] = {}
    for model in graph.nodes(NodeKind.MODEL):
        reached = contexts.created(model.name)
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


def makers(graph: Graph, functions: Collection[str]) -> dict[int, str]:
    """The constructors that call some functions, not by way of another constructor: their contexts and classes."""
    contexts = graph.contexts
    above: dict[int, list[int]] = {}
    for number in range(len(contexts)):
        for called in contexts.calls(number):
            above.setdefault(called, []).append(number)
    queue = contexts.of(functions)
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


Pair = tuple[str, str]
"""A class and its base, or a class and one that its instances hold."""


@dataclass(slots=True)
class Composition:
    """Classes by id, nearest to what was asked for first, and how they are joined.

    Attributes:
        starts: what was asked for.
        classes: all of them, those outside timm too.
        inherits: class and base.
        holds: class and class that it makes; a function and the classes that it makes.
        heirs: classes that inherit from what was asked for, where that is one class.
        holders: classes that make it, where that is one class.
    """

    starts: tuple[str, ...]
    classes: dict[str, None] = field(default_factory=dict)
    inherits: dict[Pair, None] = field(default_factory=dict)
    holds: dict[Pair, None] = field(default_factory=dict)
    heirs: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()


def composition_of_model(graph: Graph, model: Node, depth: int | None) -> Composition:
    """The classes of which a model's creation makes instances, from its own class down.

    Args:
        graph: the whole graph.
        model: a model node.
        depth: steps from what holds to what is held; all when ``None``.
    """
    contexts = contexts_of_classes(graph, graph.contexts.created(model.name))
    own = [c for c in contexts if c in graph and _is_module(graph, c)]
    held = {c: held_classes(graph, c, contexts[c]) for c in own}
    inner = {part for parts in held.values() for part in parts}
    starts = [c for c in own if c not in inner] or own[:1]
    found = Composition(tuple(starts[:1]))
    _descend(found, starts[:1], held, depth)
    _add_bases(graph, found, None)
    return found


def composition_around(graph: Graph, starts: Iterable[str], up: int | None, depth: int | None) -> Composition:
    """Classes with their bases, what they hold, what inherits from them, and what holds them.

    Args:
        graph: the whole graph.
        starts: classes, by id.
        up: steps to bases; all when ``None``.
        depth: steps to what is held; one when ``None``.
    """
    found = Composition(tuple(starts))
    held: dict[str, list[str]] = {}
    frontier = list(found.starts)
    for _ in range(1 if depth is None else depth):
        held |= {c: _held(graph, c) for c in frontier if c not in held}
        frontier = [part for c in frontier for part in held[c] if part in graph]
    _descend(found, found.starts, held, 1 if depth is None else depth)
    _add_bases(graph, found, up)
    if len(found.starts) == 1:
        start = found.starts[0]
        found.heirs = tuple(edge.source for edge in graph.in_edges(start, EdgeKind.INHERITS))
        above = makers(graph, {f"{start}{INIT}", start}).values()
        found.holders = tuple(h for h in dict.fromkeys(above) if h not in found.heirs and h in graph and h != start)
    return found


def made_by_function(graph: Graph, function: Node) -> list[str]:
    """The classes that a function makes, itself or in functions that it calls."""
    return held_classes(graph, function.id, graph.contexts.of([function.id]))


def starts_in(graph: Graph, node: Node) -> list[str]:
    """The classes that a class, a module or something external stands for."""
    if node.kind is NodeKind.CLASS:
        return [node.id]
    if node.kind is NodeKind.EXTERNAL:
        return [node.id] if class_made_by(node.id) else []
    return [c.id for c in classes_of(graph, node.id)] if node.kind is NodeKind.MODULE else []


def _held(graph: Graph, class_id: str) -> list[str]:
    constructor = constructor_of(graph, class_id)
    return held_classes(graph, class_id, graph.contexts.of([constructor])) if constructor else []


def _descend(found: Composition, starts: Iterable[str], held: dict[str, list[str]], depth: int | None) -> None:
    """Add what is held, level by level."""
    frontier = list(starts)
    found.classes.update(dict.fromkeys(frontier))
    level = 0
    while frontier and (depth is None or level < depth):
        following = []
        for class_id in frontier:
            for part in held.get(class_id, ()):
                found.holds[class_id, part] = None
                if part not in found.classes:
                    found.classes[part] = None
                    following.append(part)
        frontier, level = following, level + 1


def _add_bases(graph: Graph, found: Composition, up: int | None) -> None:
    for class_id in list(found.classes):
        for below, base in _bases(graph, class_id, up):
            found.classes.setdefault(base)
            found.inherits[below, base] = None


def _bases(graph: Graph, class_id: str, up: int | None) -> Iterator[Pair]:
    frontier, level = [class_id], 0
    seen = {class_id}
    while frontier and (up is None or level < up):
        pairs = [(below, base) for below in frontier for base in graph.successors(below, EdgeKind.INHERITS)]
        yield from pairs
        frontier = [base for _, base in pairs if base not in seen]
        seen.update(frontier)
        level += 1


def _is_module(graph: Graph, class_id: str) -> bool:
    """Whether a class is one of torch's modules: only these are parts of a model."""
    return any(base.startswith("torch.nn:") for _, base in _bases(graph, class_id, None))
