"""What there is: models by timm's own pattern rules, and anything by a name that need not be exact."""

from collections.abc import Sequence

from explorer.errors import RequestError, UnknownName
from explorer.graph import Graph, NodeKind
from explorer.graph.fuzzy import Hit, closest
from explorer.queries import model_list, names
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


def search(text: str, *, kinds: Sequence[str] = (), limit: int = 20, graph: Graph | None = None) -> list[Hit]:
    """Everything whose name is like a text, best first; an empty list where nothing is.

    ::

        [hit.node.id for hit in explorer.search("squeeze excite", kinds=["class"])]

    Args:
        text: what to look for; case, ``_`` and spaces do not matter.
        kinds: only these kinds of node: ``model``, ``class``, ``function``, ...; all when empty.
        limit: how many at the most.
        graph: where to look; the installed timm's when ``None``.

    Returns:
        Hits: a ``node`` and its ``score``, from 0 to 100.

    Raises:
        RequestError: there is no such kind of node.
        TimmNotFound: no timm is installed.
    """
    check_kinds(kinds)
    graph = load() if graph is None else graph
    return names.search(graph, text, [NodeKind(kind) for kind in kinds], limit)


def check_kinds(kinds: Sequence[str]) -> None:
    """Refuse what is no kind of node, before a graph is loaded.

    Raises:
        RequestError: there is no such kind of node.
    """
    for kind in kinds:
        if kind not in set(NodeKind):
            raise RequestError(f"no kind of node {kind!r}", f"one of: {', '.join(NodeKind)}")


def nothing_matches(graph: Graph, patterns: Sequence[str]) -> RequestError:
    """The error for patterns that no model's name is like, with the names that are closest."""
    known = [entry.name for entry in model_list.list_models(graph, deprecated=True)]
    for pattern in patterns:
        if refusal := names.hub_name_error(pattern, known):
            return refusal
    near = dict.fromkeys(name for pattern in patterns for name in closest(pattern.strip("*?"), known))
    return RequestError(
        f"nothing matches {' '.join(patterns) or 'these filters'}",
        f"closest: {', '.join(near)}" if near else "`explorer list` shows all; quote wildcards",
    )
