"""What classes are made of and who makes them: inheritance, and instances held by instances."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from explorer.graph import EdgeKind, Graph, Node, NodeKind
from explorer.graph.walk import reached

Pair = tuple[str, str]
"""A class and its base, or a class and one that its instances hold."""

INIT = ".__init__"
TORCH_MODULES = "torch.nn:"
"""How ids of torch's modules begin."""


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


def class_made_by(function: str) -> str | None:
    """The class of which calling a function makes an instance, ``None`` for any other function."""
    if function.endswith(INIT):
        return function.removesuffix(INIT)
    module, _, name = function.partition(":")
    # Classes outside timm have no `__init__` in the graph; by their names they are told from functions.
    is_class = not module.startswith("timm") and name[:1].isupper() and "." not in name
    return function if is_class else None


def ancestors(graph: Graph, class_id: str) -> list[str]:
    """The classes that a class inherits from, nearest first, those outside timm too."""
    return list(reached([class_id], lambda here: graph.successors(here, EdgeKind.INHERITS)))[1:]


def descendants(graph: Graph, class_id: str) -> list[str]:
    """The classes that inherit from a class, nearest first."""
    return list(reached([class_id], lambda here: graph.predecessors(here, EdgeKind.INHERITS)))[1:]


def is_torch_module(graph: Graph, class_id: str) -> bool:
    """Whether a class inherits from one of torch's layers: only such classes are parts of a model."""
    return any(base.startswith(TORCH_MODULES) for base in ancestors(graph, class_id))


def constructor_of(graph: Graph, class_id: str) -> str | None:
    """The nearest ``__init__`` that timm has for a class: its own or an inherited one."""
    return next((f"{c}{INIT}" for c in (class_id, *ancestors(graph, class_id)) if f"{c}{INIT}" in graph), None)


def held_classes(graph: Graph, class_id: str, contexts: Iterable[int]) -> list[str]:
    """The classes that a constructor makes, itself or in functions that it calls; what its bases make is its own.

    A module holds modules alone: what merely helps to build it is no part of it.

    Args:
        graph: the whole graph.
        class_id: the class.
        contexts: the contexts of its constructor to look at.
    """
    own = {class_id, *ancestors(graph, class_id)}
    calls = graph.contexts

    def made_there(context: int) -> Iterator[tuple[int, str | None]]:
        """The contexts that one calls, with the class made by it; what makes an instance's own bases makes none."""
        for called in calls.calls(context):
            made = class_made_by(calls.function(called))
            yield called, None if made in own else made

    def helpers(context: int) -> Iterator[int]:
        return (called for called, made in made_there(context) if made is None and calls.function(called) in graph)

    made = dict.fromkeys(made for c in reached(contexts, helpers) for _, made in made_there(c) if made)
    return [part for part in made if _is_part(graph, part)] if is_torch_module(graph, class_id) else list(made)


def makers(graph: Graph, functions: Collection[str]) -> dict[int, str]:
    """The constructors that call some functions, not by way of another constructor: their contexts and classes."""
    contexts = graph.contexts
    above: dict[int, list[int]] = {}
    for number in range(len(contexts)):
        for called in contexts.calls(number):
            above.setdefault(called, []).append(number)
    starts = set(contexts.of(functions))
    made_by = [class_made_by(name) for name in contexts.ids]

    def made(context: int) -> str | None:
        return made_by[contexts.functions[context]]

    def callers(context: int) -> Iterator[int]:
        return (caller for caller in above.get(context, ()) if made(caller) is None)

    ways = [caller for context in reached(sorted(starts), callers) for caller in above.get(context, ())]
    return {caller: name for caller in ways if (name := made(caller)) and caller not in starts}


def composition_of_model(graph: Graph, model: Node, depth: int | None) -> Composition:
    """The classes of which a model holds instances, from its own class down.

    Args:
        graph: the whole graph.
        model: a model node.
        depth: steps from what holds to what is held; all when ``None``.
    """
    instance = graph.instances.of(model.name)
    starts, parts = (instance.own, _parts(instance.pairs)) if instance else _made_by_model(graph, model)
    found = Composition(starts)
    _add_held(found, starts, lambda class_id: parts.get(class_id, ()), depth)
    _add_bases(graph, found, None)
    return found


def _made_by_model(graph: Graph, model: Node) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """The first class that a model's creation makes and that is no part of another, and what each class makes."""
    contexts: dict[str, list[int]] = {}
    for context in graph.contexts.created(model.name):
        if made := class_made_by(graph.contexts.function(context)):
            contexts.setdefault(made, []).append(context)
    own = [c for c in contexts if c in graph and is_torch_module(graph, c)]
    held = {c: held_classes(graph, c, contexts[c]) for c in own}
    # Nearest first: the model's own class is the first that is no part of another.
    inner = {part for parts in held.values() for part in parts}
    starts = [c for c in own if c not in inner] or own[:1]
    return tuple(starts[:1]), held


def _parts(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    """What each class holds."""
    parts: dict[str, list[str]] = {}
    for holder, part in dict.fromkeys(pairs):
        parts.setdefault(holder, []).append(part)
    return parts


def composition_around(graph: Graph, starts: Iterable[str], up: int | None, depth: int | None) -> Composition:
    """Classes with their bases, what they hold, what inherits from them, and what holds them.

    Args:
        graph: the whole graph.
        starts: classes, by id.
        up: steps to bases; all when ``None``.
        depth: steps to what is held; one when ``None``.
    """
    found = Composition(tuple(starts))
    _add_held(found, found.starts, lambda class_id: _held(graph, class_id), 1 if depth is None else depth)
    _add_bases(graph, found, up)
    if len(found.starts) == 1:
        start = found.starts[0]
        found.heirs = tuple(edge.source for edge in graph.in_edges(start, EdgeKind.INHERITS))
        above = _all_holders(graph, start)
        found.holders = tuple(h for h in above if h not in found.heirs and h in graph and h != start)
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
    contained = graph.successors(node.id, EdgeKind.CONTAINS) if node.kind is NodeKind.MODULE else ()
    return [i for i in contained if graph.node(i).kind is NodeKind.CLASS]


def _held(graph: Graph, class_id: str) -> list[str]:
    """What instances of a class hold in any model; of a class that no model has, what its constructor makes."""
    if class_id in graph.instances.ids:
        return _parts(graph.instances.all_pairs()).get(class_id, [])
    constructor = constructor_of(graph, class_id)
    return held_classes(graph, class_id, graph.contexts.of([constructor])) if constructor else []


def _all_holders(graph: Graph, class_id: str) -> list[str]:
    """The classes whose instances hold some of a class, as :func:`_held` has it; those in models first."""
    instances = graph.instances
    in_models = [holder for holder, part in instances.all_pairs() if part == class_id]
    made = makers(graph, {f"{class_id}{INIT}", class_id}).values()
    return list(dict.fromkeys([*in_models, *(maker for maker in made if maker not in instances.ids)]))


def _is_part(graph: Graph, class_id: str) -> bool:
    """Whether an instance may be part of a module: what is outside timm is taken at its word."""
    node = graph.get(class_id)
    return node is None or node.kind is not NodeKind.CLASS or is_torch_module(graph, class_id)


def _add_held(
    found: Composition, starts: Iterable[str], held: Callable[[str], Iterable[str]], depth: int | None
) -> None:
    """Add the starts and what is held, from what holds to what is held, ``depth`` steps down."""

    def parts(class_id: str) -> Iterator[str]:
        for part in held(class_id):
            found.holds[class_id, part] = None
            yield part

    found.classes.update(dict.fromkeys(reached(starts, parts, depth)))


def _add_bases(graph: Graph, found: Composition, up: int | None) -> None:
    """Add the bases of all that is there, ``up`` steps."""

    def bases(class_id: str) -> Iterator[str]:
        for base in graph.successors(class_id, EdgeKind.INHERITS):
            found.inherits[class_id, base] = None
            yield base

    for class_id in list(found.classes):
        found.classes.update(dict.fromkeys(reached([class_id], bases, up)))
