"""timm's source -> graph. Reads text; imports neither timm nor torch."""

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.graph import Graph, NodeKind, Traced
from explorer.introspect.reading.source import Extra, SourceTree, digest_with, find_extra, find_timm, source_files
from explorer.introspect.traces import traced, united
from explorer.queries.node_data import is_timms
from explorer.underway import tell

if TYPE_CHECKING:
    from explorer.introspect.builder import Builder

__all__ = ["Extra", "SourceTree", "digest_with", "find_extra", "find_timm", "load_graph", "source_files"]


def load_graph(
    timm: Path | None = None, *, use_cache: bool = True, extras: Sequence[Extra] = (), traces: bool = True
) -> Graph:
    """The graph of a timm package.

    Args:
        timm: a folder, wheel or sdist of timm; the installed package when ``None``.
        use_cache: read and write the user's cache folder.
        extras: source of the user's own that registers models, as :func:`find_extra` gives.
        traces: join what was seen at run time to it, as far as there are traces of this very source.

    Raises:
        TimmNotFound: no timm is installed.
        TimmSourceError: there is no timm at the path given.
        RequestError: source of the user's own cannot be read.
    """
    tell("looking for timm's source")
    source = find_timm(timm, extras)
    if use_cache:
        # Whoever runs a model and never asks for a graph is spared what reading the cache imports.
        from explorer.introspect.cache import cached_graph

        graph = cached_graph(source, _builder)
    else:
        graph = _builder(source).complete()
    if traces:
        # A graph that held on to itself would be walked by the collector when a command ends.
        itself = weakref.proxy(graph)
        graph.join_traces(lambda: _traces_of(source, itself))
    return graph


def _builder(source: SourceTree) -> "Builder":
    # It brings the evaluator with it, which a graph that is in the cache never needs.
    from explorer.introspect.builder import Builder

    return Builder(source)


def _traces_of(source: SourceTree, graph: Graph) -> Traced | None:
    """The traces of this source; beside the user's own, timm's models are as they are without it."""
    found = traced(source.version, source.digest)
    if not source.extras:
        return found
    added = {node.name for node in graph.nodes(NodeKind.MODEL, NodeKind.ALIAS) if not is_timms(node)}
    return united(traced(source.version, source.timm_digest), found, without=added)
