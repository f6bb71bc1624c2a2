"""timm's source -> graph. Reads text; imports neither timm nor torch."""

from pathlib import Path
from typing import TYPE_CHECKING

from explorer.graph import Graph

if TYPE_CHECKING:
    from explorer.introspect.source import SourceTree

__all__ = ["load_graph"]


def load_graph(timm: Path | None = None, *, use_cache: bool = True) -> Graph:
    """The graph of a timm package.

    Args:
        timm: a folder, wheel or sdist of timm; the installed package when ``None``.
        use_cache: read and write the user's cache folder.

    Raises:
        TimmNotFound: no timm is installed.
        TimmSourceError: there is no timm at the path given.
    """
    from explorer.introspect.source import find_timm

    source = find_timm(timm)
    if not use_cache:
        return _build(source)
    from explorer.introspect.cache import cached_graph

    return cached_graph(source, _build)


def _build(source: "SourceTree") -> Graph:
    from explorer.introspect.build import build_graph

    return build_graph(source)
