"""Model names, judged before a worker is started for them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from explorer.errors import TimmNotFound

if TYPE_CHECKING:
    from explorer.graph import Graph


def check_name(name: str) -> None:
    """Refuse an unknown name at once, from timm's source, before the worker spends seconds on importing torch.

    Names with a source are the worker's to judge, and so is every name on a machine that lacks what the graph needs.
    """
    if ":" in name:
        return
    with suppress(ImportError, TimmNotFound):
        from explorer.graph.names import find_model
        from explorer.introspect import load_graph

        find_model(load_graph(), name)


def model_names(graph: "Graph", patterns: Sequence[str]) -> list[str]:
    """Registered models that are like one of the patterns, deprecated names among them, but not those timm removed.

    Raises:
        RequestError: none is.
    """
    from explorer.cli.options import nothing_matches
    from explorer.graph.models import list_models

    entries = list_models(graph, patterns, include_tags=False, deprecated=True)
    names = [entry.name for entry in entries if entry.replaced_by or not entry.deprecated]
    if not names:
        raise nothing_matches(graph, patterns)
    return names
