"""The registry as the tree shows it: families with their models and deprecated names."""

from dataclasses import dataclass

from explorer.graph import Graph, NodeKind
from explorer.queries.model_list import ModelEntry, list_models


@dataclass(frozen=True, slots=True)
class Family:
    """The models registered from one module; ``module`` is its node id, ``None`` where the graph has none."""

    name: str
    module: str | None
    models: tuple[ModelEntry, ...]
    deprecated: tuple[ModelEntry, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All families, and how many nodes of each kind the graph has."""

    families: tuple[Family, ...]
    counts: dict[NodeKind, int]


def catalogue(graph: Graph) -> Catalogue:
    """Every family in alphabetical order, its models in natural order."""
    current: dict[str, list[ModelEntry]] = {}
    deprecated: dict[str, list[ModelEntry]] = {}
    for entry in list_models(graph, deprecated=True):
        (deprecated if entry.deprecated else current).setdefault(entry.family, []).append(entry)
    modules = _modules(graph)
    families = (
        Family(name, modules.get(name), tuple(current.get(name, ())), tuple(deprecated.get(name, ())))
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
