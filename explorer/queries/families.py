"""Families: the modules that models are registered from, and what kind of model each has."""

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from explorer.graph.model import EdgeKind, Graph, Node, NodeKind
from explorer.queries.instantiation import INIT, descendants
from explorer.queries.usage import contexts_of, makers


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
        members.setdefault(str(model.data["module"]), []).append(model)
    found = [Family(str(models[0].data["family"]), module, tuple(models)) for module, models in members.items()]
    return {family.module: family for family in sorted(found, key=lambda f: (f.name, f.module))}


def family_named(graph: Graph, name: str) -> Node | None:
    """The module of the family of this name, ``None`` where there is none."""
    module = next((family.module for family in families_of(graph).values() if family.name == name), None)
    return graph.get(module) if module else None


def blocks_of(graph: Graph) -> dict[str, Blocks]:
    """What each family's blocks are made of, by module: as most of its architectures are.

    A convolution counts where a class makes one that does not just take the image in or make it smaller; attention
    where a class takes heads, or calls torch's scaled dot-product attention.
    """
    convolutions = makers(graph, _convolution_constructors(graph))
    with_convolution = {context for context, made in convolutions.items() if not _RESIZING.search(_name(made))}
    with_attention = contexts_of(graph, _attention_constructors(graph))
    contexts = graph.contexts
    kinds: dict[str, Blocks] = {}
    for module, family in families_of(graph).items():
        votes: Counter[Blocks] = Counter()
        for model in family.models:
            root = contexts.models.get(model.name)
            reached = set(contexts.reached(root)) if root is not None else set()
            votes[_blocks(bool(reached & with_convolution), bool(reached & with_attention))] += 1
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
    signature = str(constructor.data.get("signature", ""))
    return bool(_HEADS.search(signature) or _SELF_ATTENTION.search(_name(constructor.id)))


def _name(class_id: str) -> str:
    return class_id.partition(":")[2]
