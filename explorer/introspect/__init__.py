"""timm's source -> graph. Reads text; imports neither timm nor torch."""

from pathlib import Path
from typing import TYPE_CHECKING

from explorer.graph import Graph, NodeKind
from explorer.queries.node_data import is_timms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.graph import Node
    from explorer.graph.contexts import Traced
    from explorer.introspect.builder import Builder
    from explorer.introspect.reading.source import Extra, SourceTree

__all__ = ["load_graph"]


def load_graph(
    timm: Path | None = None, *, use_cache: bool = True, extras: "Sequence[Extra]" = (), traces: bool = True
) -> Graph:
    """The graph of a timm package.

    Args:
        timm: a folder, wheel or sdist of timm; the installed package when ``None``.
        use_cache: read and write the user's cache folder.
        extras: source of the user's own that registers models, as
            :func:`~explorer.introspect.reading.source.find_extra` gives.
        traces: join what was seen at run time to it, as far as there are traces of this very source.

    Raises:
        TimmNotFound: no timm is installed.
        TimmSourceError: there is no timm at the path given.
        RequestError: source of the user's own cannot be read.
    """
    from explorer.introspect.reading.source import find_timm

    source = find_timm(timm, extras)
    if use_cache:
        from explorer.introspect.cache import cached_graph

        graph = cached_graph(source, _start)
    else:
        from explorer.introspect.builder import build_graph

        graph = build_graph(source)
    if traces:
        graph.join_traces(lambda: _traced(source, graph))
    return graph


def _start(source: "SourceTree") -> "Builder":
    from explorer.introspect.builder import Builder

    return Builder(source)


def _traced(source: "SourceTree", graph: Graph) -> "Traced | None":
    """The traces of this source; beside the user's own, timm's models are as they are without it."""
    from explorer.introspect.traces import traced, united

    found = traced(source.version, source.digest)
    if not source.extras:
        return found
    added = {node.name for node in graph.nodes(NodeKind.MODEL, NodeKind.ALIAS) if not _is_of_timm(node)}
    return united(traced(source.version, source.timm_digest), found, without=added)


def _is_of_timm(model: "Node") -> bool:
    return is_timms(model)
