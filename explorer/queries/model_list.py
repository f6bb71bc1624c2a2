"""The registry as the graph holds it, listed by timm's own rules (``timm.models._registry.list_models``)."""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from explorer.graph import Graph, Node, NodeKind
from explorer.queries.node_data import AliasData, ModelData, RegistrationData, WeightsData, registration_of


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One line of a listing: an architecture, one of its weights (``arch.tag``), or a deprecated name."""

    name: str
    family: str
    deprecated: bool
    replaced_by: str | None
    tags: tuple[str, ...]
    pretrained: bool


def deprecated_names(graph: Graph) -> Iterator[ModelEntry]:
    """Every deprecated name, in the order of registration."""
    for node in graph.nodes(NodeKind.ALIAS):
        data = AliasData.of(node)
        yield ModelEntry(node.name, data.family, True, data.replaced_by, (), False)


def families(graph: Graph) -> list[str]:
    """The modules that models are registered from, sorted."""
    return sorted({each.family for each in _registrations(graph)})


def list_models(
    graph: Graph,
    patterns: Sequence[str] = (),
    *,
    exclude: Sequence[str] = (),
    families: Sequence[str] = (),
    pretrained: bool = False,
    include_tags: bool | None = None,
    deprecated: bool = False,
    current: bool = True,
) -> list[ModelEntry]:
    """Entries that match, in natural order.

    Args:
        graph: where to look.
        patterns: shell wildcards of which one must match the whole name; none matches everything.
        exclude: wildcards of which none may match.
        families: only these families, all when empty.
        pretrained: only those with weights.
        include_tags: list ``arch.tag`` names; as timm does, ``None`` means the value of ``pretrained``.
        deprecated: include deprecated names.
        current: include current names.
    """
    with_tags = pretrained if include_tags is None else include_tags
    entries: list[ModelEntry] = []
    if current:
        for node in graph.nodes(NodeKind.MODEL):
            if not families or ModelData.of(node).family in families:
                entries.extend(_tagged(graph, node) if with_tags else [_entry(node)])
    if deprecated:
        entries.extend(e for e in deprecated_names(graph) if not families or e.family in families)
    if pretrained:
        entries = [e for e in entries if e.pretrained]
    patterns, exclude = ([p for given in g for p in _expand(given, with_tags)] for g in (patterns, exclude))
    if patterns:
        entries = [e for e in entries if _matches(e.name, patterns)]
    if exclude:
        entries = [e for e in entries if not _matches(e.name, exclude)]
    return sorted(entries, key=lambda e: natural_key(e.name))


def natural_key(text: str) -> list[int | str]:
    """Sort key that puts ``resnet9`` before ``resnet10``."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text.lower())]


def _registrations(graph: Graph) -> Iterator[RegistrationData]:
    return filter(None, map(registration_of, graph.nodes(NodeKind.MODEL, NodeKind.ALIAS)))


def _entry(node: Node) -> ModelEntry:
    data = ModelData.of(node)
    return ModelEntry(node.name, data.family, False, None, tuple(data.tags), data.pretrained)


def _tagged(graph: Graph, node: Node) -> Iterator[ModelEntry]:
    """One entry a tag. As in timm, the bare name has weights when the default has, whatever its own cfg says."""
    bare = _entry(node)
    if not bare.tags:
        yield bare
    for tag in bare.tags:
        if tag:
            name = f"{node.name}.{tag}"
            weights = graph.get(f"weights:{name}")
            yield replace(
                bare, name=name, tags=(tag,), pretrained=bool(weights and WeightsData.of(weights).has_weights)
            )
        else:
            yield replace(bare, tags=(tag,))


def _expand(pattern: str, with_tags: bool) -> list[str]:
    """A pattern without a tag matches every tag."""
    base, _, tag = pattern.partition(".")
    return [f"{base}.*", pattern] if with_tags and not tag else [pattern]


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class FamilyListing:
    """The models registered from one module; ``module`` is its node id, ``None`` where the graph has none."""

    name: str
    module: str | None
    models: tuple[ModelEntry, ...]
    deprecated: tuple[ModelEntry, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All families, and how many nodes of each kind the graph has."""

    families: tuple[FamilyListing, ...]
    counts: dict[NodeKind, int]


def catalogue(graph: Graph) -> Catalogue:
    """Every family in alphabetical order, its models in natural order."""
    current: dict[str, list[ModelEntry]] = {}
    deprecated: dict[str, list[ModelEntry]] = {}
    for entry in list_models(graph, deprecated=True):
        (deprecated if entry.deprecated else current).setdefault(entry.family, []).append(entry)
    modules = {each.family: each.module for each in _registrations(graph) if each.module in graph}
    families = (
        FamilyListing(name, modules.get(name), tuple(current.get(name, ())), tuple(deprecated.get(name, ())))
        for name in sorted({*current, *deprecated})
    )
    counts = {kind: sum(1 for _ in graph.ids(kind)) for kind in NodeKind}
    return Catalogue(tuple(families), counts)
