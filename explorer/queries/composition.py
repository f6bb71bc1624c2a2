"""What a piece of timm is made of: classes with what they inherit from and what their instances hold."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from explorer.graph.model import EdgeKind, Graph, Node, NodeKind
from explorer.queries.instantiation import (
    INIT,
    class_made_by,
    classes_of,
    constructor_of,
    contexts_of_classes,
    held_classes,
)
from explorer.queries.usage import makers

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
    root = graph.contexts.models.get(model.name)
    reached = list(graph.contexts.reached(root)) if root is not None else []
    contexts = contexts_of_classes(graph, reached)
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
    return held_classes(graph, function.id, graph.contexts.of(function.id))


def starts_in(graph: Graph, node: Node) -> list[str]:
    """The classes that a class, a module or something external stands for."""
    if node.kind is NodeKind.CLASS:
        return [node.id]
    if node.kind is NodeKind.EXTERNAL:
        return [node.id] if class_made_by(node.id) else []
    return [c.id for c in classes_of(graph, node.id)] if node.kind is NodeKind.MODULE else []


def _held(graph: Graph, class_id: str) -> list[str]:
    constructor = constructor_of(graph, class_id)
    return held_classes(graph, class_id, graph.contexts.of(constructor)) if constructor else []


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
