"""What the architectures of a family share, and where they differ, by the classes that they are made of."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from explorer.graph.model import EdgeKind, Graph, NodeKind
from explorer.queries.families import Family
from explorer.queries.instantiation import INIT, ancestors, class_made_by

_BUILD = "timm.models._builder:build_model_with_cfg"


@dataclass(frozen=True, slots=True)
class Variant:
    """Architectures made of the same classes: their names, and what they have beyond what all have, the rarest last."""

    names: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Portrait:
    """A family by what its architectures are made of.

    Attributes:
        builders: the functions of the family that call timm's builder, by id.
        models: the classes that the builder makes for it, by id.
        shared: the layers that every architecture has, by id; those of the family first.
        some: the layers that some have, with the number of architectures; the most first.
        variants: architectures with the same layers, the most first.
    """

    builders: tuple[str, ...]
    models: tuple[str, ...]
    shared: tuple[str, ...]
    some: dict[str, int]
    variants: tuple[Variant, ...]


def portrait_of(graph: Graph, family: Family) -> Portrait:
    """A family's portrait, read from the contexts of its architectures."""
    contexts = graph.contexts
    roots = {model.name: contexts.models.get(model.name) for model in family.models}
    reached = {name: list(contexts.reached(root)) if root is not None else [] for name, root in roots.items()}
    functions = {name: {contexts.function(context) for context in found} for name, found in reached.items()}
    ran = set().union(*functions.values())
    builders = [e.source for e in graph.in_edges(_BUILD, EdgeKind.CALLS) if e.source in ran]
    models = _built(graph, {context for found in reached.values() for context in found})
    layers = {name: _layers(graph, ran_there) - set(models) for name, ran_there in functions.items()}
    shared = set.intersection(*layers.values())
    counts = Counter(layer for found in layers.values() for layer in found - shared)
    some = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return Portrait(
        tuple(dict.fromkeys(b for b in builders if b.partition(":")[0] == family.module) or builders),
        tuple(models),
        tuple(sorted(shared, key=lambda layer: (not layer.startswith(f"{family.module}:"), layer))),
        some,
        tuple(_variants(layers, shared, list(some))),
    )


def _built(graph: Graph, contexts: Collection[int]) -> list[str]:
    """The layers that timm's builder makes itself."""
    rows = graph.contexts
    calls = (called for c in sorted(contexts) if rows.function(c) == _BUILD for called in rows.calls(c))
    made = dict.fromkeys(class_made_by(rows.function(called)) for called in calls)
    return [class_id for class_id in made if class_id and _is_layer(graph, class_id)]


def _layers(graph: Graph, functions: Collection[str]) -> set[str]:
    made = {function.removesuffix(INIT) for function in functions if function.endswith(INIT)}
    return {class_id for class_id in made if _is_layer(graph, class_id)}


def _is_layer(graph: Graph, class_id: str) -> bool:
    node = graph.get(class_id)
    if node is None or node.kind is not NodeKind.CLASS:
        return False
    return any(base.startswith("torch.nn:") for base in ancestors(graph, class_id))


def _variants(layers: dict[str, set[str]], shared: set[str], order: Sequence[str]) -> list[Variant]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, found in layers.items():
        key = tuple(sorted(found - shared, key=order.index))
        groups.setdefault(key, []).append(name)
    variants = [Variant(tuple(names), classes) for classes, names in groups.items()]
    return sorted(variants, key=lambda variant: (-len(variant.names), variant.names))
