"""The models there are: as a flat list by timm's own pattern rules, or as families."""

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.errors import UnknownName
from explorer.graph import Graph, NodeKind
from explorer.graph.fuzzy import closest
from explorer.queries import model_list
from explorer.queries.model_list import ModelEntry
from explorer.usecases.loading import load


def list_models(
    *patterns: str,
    exclude: Sequence[str] = (),
    family: Sequence[str] = (),
    pretrained: bool = False,
    tags: bool | None = None,
    deprecated: bool = False,
    current: bool = True,
    graph: Graph | None = None,
) -> list[ModelEntry]:
    """The models that timm registers, in natural order; an empty list where none matches.

    ::

        [entry.name for entry in explorer.list_models("resnet*", exclude=["*d"])]

    Args:
        patterns: shell wildcards of which one must match the whole name, as ``timm.list_models`` takes them; none
            matches every name.
        exclude: wildcards of which none may match.
        family: only models of these families, a module of ``timm.models`` each.
        pretrained: only those with weights.
        tags: list ``arch.tag`` names; ``None``: as ``pretrained``, which is timm's rule.
        deprecated: deprecated names too.
        current: current names.
        graph: where to look; the installed timm's when ``None``.

    Returns:
        An entry each: ``name``, ``family``, ``tags``, ``pretrained``, ``deprecated`` and what it was ``replaced_by``.

    Raises:
        UnknownName: there is no such family.
        TimmNotFound: no timm is installed.
    """
    graph = load() if graph is None else graph
    known = model_list.families(graph) if family else []
    for name in family:
        if name not in known:
            raise UnknownName.of("family", name, closest(name, known))
    return model_list.list_models(
        graph,
        patterns,
        exclude=exclude,
        families=family,
        pretrained=pretrained,
        include_tags=tags,
        deprecated=deprecated,
        current=current,
    )


@dataclass(frozen=True, slots=True)
class FamilyEntry:
    """The models registered from one module; ``module`` is its node id, ``None`` where the graph has none."""

    name: str
    module: str | None
    models: tuple[ModelEntry, ...]
    deprecated: tuple[ModelEntry, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All families, and how many nodes of each kind the graph has."""

    families: tuple[FamilyEntry, ...]
    counts: dict[NodeKind, int]


def catalogue(graph: Graph) -> Catalogue:
    """Every family in alphabetical order, its models in natural order."""
    current: dict[str, list[ModelEntry]] = {}
    deprecated: dict[str, list[ModelEntry]] = {}
    for entry in model_list.list_models(graph, deprecated=True):
        (deprecated if entry.deprecated else current).setdefault(entry.family, []).append(entry)
    modules = _modules(graph)
    families = (
        FamilyEntry(name, modules.get(name), tuple(current.get(name, ())), tuple(deprecated.get(name, ())))
        for name in sorted({*current, *deprecated})
    )
    counts = {kind: sum(1 for _ in graph.ids(kind)) for kind in NodeKind}
    return Catalogue(tuple(families), counts)


def _modules(graph: Graph) -> dict[str, str]:
    """Module id of each family."""
    found = {}
    for node in graph.nodes(NodeKind.MODEL, NodeKind.ALIAS):
        module = node.data.get("module") or f"timm.models.{node.data['family']}"
        if module in graph:
            found[node.data["family"]] = module
    return found
