"""Finding anything in timm by a name that need not be exact."""

from collections.abc import Sequence

from explorer.errors import RequestError
from explorer.graph import Graph, NodeKind
from explorer.graph.fuzzy import Hit
from explorer.queries import names
from explorer.usecases.loading import load


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
