"""A visual explorer of timm: its registry, its code, its models and their speed.

The public API is loaded on first use, so that ``import explorer`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.errors import ExplorerError as ExplorerError
    from explorer.graph import Edge as Edge
    from explorer.graph import EdgeKind as EdgeKind
    from explorer.graph import Evidence as Evidence
    from explorer.graph import Graph as Graph
    from explorer.graph import Node as Node
    from explorer.graph import NodeKind as NodeKind
    from explorer.introspect import load_graph as load_graph

__version__ = "0.1.0"

_HOMES = {
    "Edge": "explorer.graph",
    "EdgeKind": "explorer.graph",
    "Evidence": "explorer.graph",
    "ExplorerError": "explorer.errors",
    "Graph": "explorer.graph",
    "Node": "explorer.graph",
    "NodeKind": "explorer.graph",
    "load_graph": "explorer.introspect",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
