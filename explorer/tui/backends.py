"""What the app stands on, imported when it is first needed: the graph's loader and the worker's client."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.engine.async_client import AsyncClient
    from explorer.errors import ExplorerError
    from explorer.graph import Graph
    from explorer.introspect.reading.source import Extra
    from explorer.protocol import BenchRequest, BenchResult


def graph_loader(timm: Path | None, extras: "Sequence[Extra]" = ()) -> "Callable[[], Graph]":
    """A function that loads the graph of this timm, the installed one when ``None``, whole into memory.

    ``extras`` are source of the user's own that registers models into it.
    """

    def load() -> "Graph":
        from explorer.graph import EdgeKind
        from explorer.introspect import load_graph

        with _kept_from_collector():
            graph = load_graph(timm, extras=extras)
            for _ in graph.sections():
                pass
            for kind in EdgeKind:
                next(graph.in_edges("", kind), None)
        return graph

    return load


@contextmanager
def _kept_from_collector() -> Iterator[None]:
    """Keep what is made here out of garbage collection for good.

    A graph is some hundred thousand objects, none of which ever becomes garbage; walking them all would stop the
    screen for a fifth of a second now and then.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def bench_client() -> "AsyncClient":
    """A client whose worker starts with its first request."""
    from explorer.engine.async_client import AsyncClient

    return AsyncClient()


def keep_bench(request: "BenchRequest", outcome: "BenchResult | ExplorerError") -> None:
    """Put a measurement into the user's results file.

    Raises:
        StoreError: it cannot be kept.
    """
    from explorer.results.store import Store

    Store().keep(request, outcome)
