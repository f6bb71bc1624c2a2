"""Families: the modules that models are registered from, what kind of blocks each has, what its models share."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from explorer.graph import EdgeKind, FunctionData, Graph, Node, NodeKind
from explorer.queries.composition import INIT, class_made_by, descendants, is_torch_module, makers
from explorer.queries.node_data import ModelData


@dataclass(frozen=True, slots=True)
class Family:
    """A module with the architectures that it registers, in the order of registration."""

    name: str
    module: str
    models: tuple[Node, ...]


class Blocks(StrEnum):
    """What the blocks of a model are made of, as far as its source tells."""

    CONVOLUTION = "convolution"
    ATTENTION = "attention"
    BOTH = "convolution + attention"
    NEITHER = "neither of the two"


_BUILD = "timm.models._builder:build_model_with_cfg"
_CONVOLUTION = re.compile(r"torch\.nn:Conv\dd")
_RESIZING = re.compile(r"embed|stem|downsampl|merg|pool", re.IGNORECASE)
"""Classes that take the image in or make it smaller: nearly every model has a convolution there."""
_HEADS = re.compile(r"\b(num_heads|heads|head_dim|dim_head|qk_dim)\b")
"""What a constructor of multi-head attention takes."""
_SELF_ATTENTION = re.compile(r"SelfAtt")
_ATTENTION = "torch.nn.functional:scaled_dot_product_attention"


def families_of(graph: Graph) -> dict[str, Family]:
    """Every family by module, sorted by name."""
    members: dict[str, list[Node]] = {}
    for model in graph.nodes(NodeKind.MODEL):
        members.setdefault(ModelData.of(model).module, []).append(model)
    found = [Family(ModelData.of(models[0]).family, module, tuple(models)) for module, models in members.items()]
    return {family.module: family for family in sorted(found, key=lambda f: (f.name, f.module))}


def blocks_of(graph: Graph) -> dict[str, Blocks]:
    """What each family's blocks are made of, by module: as most of its architectures are.

    A convolution counts where a class makes one that does not just take the image in or make it smaller; attention
    where a class takes heads, or calls torch's scaled dot-product attention.
    """
    convolutions = makers(graph, _convolution_constructors(graph))
    with_convolution = {context for context, made in convolutions.items() if not _RESIZING.search(_name(made))}
    with_attention = set(graph.contexts.of(_attention_constructors(graph)))
    contexts = graph.contexts
    kinds: dict[str, Blocks] = {}
    for module, family in families_of(graph).items():
        votes: Counter[Blocks] = Counter()
        for model in family.models:
            reached = set(contexts.created(model.name))
            votes[_blocks(bool(reached & with_convolution), bool(reached & with_attention))] += 1
        # Ties go to the earlier kind, so that the answer does not hang on the order of registration.
        kinds[module] = max(Blocks, key=lambda kind: votes[kind])
    return kinds


def _blocks(convolution: bool, attention: bool) -> Blocks:
    if convolution and attention:
        return Blocks.BOTH
    if attention:
        return Blocks.ATTENTION
    return Blocks.CONVOLUTION if convolution else Blocks.NEITHER


def _convolution_constructors(graph: Graph) -> set[str]:
    """torch's convolutions, and the constructors of timm's that inherit from them."""
    found = {node_id for node_id in graph.ids(NodeKind.EXTERNAL) if _CONVOLUTION.fullmatch(node_id)}
    return found | {f"{heir}{INIT}" for convolution in found for heir in descendants(graph, convolution)}


def _attention_constructors(graph: Graph) -> set[str]:
    found = {f"{edge.source.rpartition('.')[0]}{INIT}" for edge in graph.in_edges(_ATTENTION, EdgeKind.CALLS)}
    constructors = (node for node in graph.nodes(NodeKind.FUNCTION) if node.id.endswith(INIT))
    return found | {node.id for node in constructors if _takes_heads(node)}


def _takes_heads(constructor: Node) -> bool:
    signature = FunctionData.of(constructor).signature
    return bool(_HEADS.search(signature) or _SELF_ATTENTION.search(_name(constructor.id)))


def _name(class_id: str) -> str:
    return class_id.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Variant:
    """Architectures made of the same classes: their names, and what they have beyond what all have, the rarest last."""

    names: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FamilyComposition:
    """What a family's architectures are made of, what all of them share, and in what they differ.

    Attributes:
        builders: the functions that call timm's builder, by id, with the number of architectures; those of the family
            where an architecture has any.
        models: the classes of its architectures, by id.
        built: those of them that timm's builder makes; the others an entrypoint makes itself.
        shared: the layers that every architecture has, by id; those of the family first.
        some: the layers that some have, with the number of architectures; the most first.
        variants: architectures with the same layers, the most first.
    """

    builders: dict[str, int]
    models: tuple[str, ...]
    built: frozenset[str]
    shared: tuple[str, ...]
    some: dict[str, int]
    variants: tuple[Variant, ...]


def family_composition(graph: Graph, family: Family) -> FamilyComposition:
    """What a family's architectures are made of, each read from what its own creation gives."""
    contexts = graph.contexts
    created = {model.name: list(contexts.created(model.name)) for model in family.models}
    built = _built(graph, {context for found in created.values() for context in found})
    models = [class_id for name in created for class_id in _own_classes(graph, name, built)]
    layers = {name: _layers(graph, name, found) - set(models) for name, found in created.items()}
    shared = set.intersection(*layers.values())
    counts = Counter(layer for found in layers.values() for layer in found - shared)
    some = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return FamilyComposition(
        builders=_builders(graph, family, created),
        models=tuple(dict.fromkeys(models)),
        built=frozenset(built),
        shared=tuple(sorted(shared, key=lambda layer: (not layer.startswith(f"{family.module}:"), layer))),
        some=some,
        variants=tuple(_variants(layers, shared, list(some))),
    )


def _built(graph: Graph, contexts: Collection[int]) -> list[str]:
    """The layers that timm's builder makes itself."""
    function, calls = graph.contexts.function, graph.contexts.calls
    called = (number for context in sorted(contexts) if function(context) == _BUILD for number in calls(context))
    made = dict.fromkeys(class_made_by(function(number)) for number in called)
    return [class_id for class_id in made if class_id and _is_layer(graph, class_id)]


def _builders(graph: Graph, family: Family, created: Mapping[str, Collection[int]]) -> dict[str, int]:
    """Who calls timm's builder, with the number of architectures, in the order of the source."""
    callers = list(graph.predecessors(_BUILD, EdgeKind.CALLS))
    counts: Counter[str] = Counter()
    for contexts in created.values():
        ran = {graph.contexts.function(context) for context in contexts}.intersection(callers)
        counts.update({function for function in ran if function.partition(":")[0] == family.module} or ran)
    return {function: counts[function] for function in callers if counts[function]}


def _own_classes(graph: Graph, name: str, built: Sequence[str]) -> Sequence[str]:
    """The class of a model; of one whose creation does not tell, those that timm's builder makes for its family."""
    instance = graph.instances.of(name)
    return [class_id for class_id in instance.own if class_id in graph] if instance else built


def _layers(graph: Graph, name: str, contexts: Iterable[int]) -> set[str]:
    """The layers that a model holds; of one whose creation does not tell, those that it makes."""
    instance = graph.instances.of(name)
    if instance:
        found: Iterable[str] = instance.classes()
    else:
        functions = {graph.contexts.function(context) for context in contexts}
        found = [function.removesuffix(INIT) for function in functions if function.endswith(INIT)]
    return {class_id for class_id in found if _is_layer(graph, class_id)}


def _is_layer(graph: Graph, class_id: str) -> bool:
    node = graph.get(class_id)
    return node is not None and node.kind is NodeKind.CLASS and is_torch_module(graph, class_id)


def _variants(layers: dict[str, set[str]], shared: set[str], order: Sequence[str]) -> list[Variant]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, found in layers.items():
        key = tuple(sorted(found - shared, key=order.index))
        groups.setdefault(key, []).append(name)
    variants = [Variant(tuple(names), classes) for classes, names in groups.items()]
    return sorted(variants, key=lambda variant: (-len(variant.names), variant.names))
