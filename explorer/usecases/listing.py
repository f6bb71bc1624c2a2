"""The models that timm registers, listed by timm's own pattern rules."""

from collections.abc import Sequence

from explorer.errors import UnknownName
from explorer.graph import Graph
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
