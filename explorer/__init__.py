"""A visual explorer of timm: its registry, its code, its models and their speed.

What the command line can do, Python can::

    import explorer

    explorer.list_models("resnet*")                    # names, families, tags
    explorer.show("resnet34")                          # all that timm's source tells
    explorer.path("timm.layers.ConvNormAct")           # how create_model reaches it
    explorer.draw("resnet34", view="architecture")     # a picture, shown in a notebook
    explorer.inspect("resnet34").totals.macs           # built and run once, in a process of its own
    explorer.bench("resnet34", batch_size=8)           # measured, and kept in the results
    explorer.compare(1, 2)                             # two kept runs

Reading the graph takes a tenth of a second each time: load it once with :func:`load_graph`, and hand it to each call as
``graph``. A worker takes seconds to import torch: ``with explorer.Client() as client``, and each call takes ``client``.
Whatever goes wrong is an :class:`ExplorerError` with a ``message`` and a ``hint``.

Everything is loaded on first use, so that ``import explorer`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from explorer.version import __version__ as __version__

if TYPE_CHECKING:
    from explorer.diagram import Picture as Picture
    from explorer.engine.client import Client as Client
    from explorer.errors import ExplorerError as ExplorerError
    from explorer.graph import Edge as Edge
    from explorer.graph import EdgeKind as EdgeKind
    from explorer.graph import Evidence as Evidence
    from explorer.graph import Graph as Graph
    from explorer.graph import Node as Node
    from explorer.graph import NodeKind as NodeKind
    from explorer.introspect import load_graph as load_graph
    from explorer.usecases.benchmarking import bench as bench
    from explorer.usecases.benchmarking import tune as tune
    from explorer.usecases.benchmarking import versus as versus
    from explorer.usecases.drawing import draw as draw
    from explorer.usecases.finding import list_models as list_models
    from explorer.usecases.finding import search as search
    from explorer.usecases.inspecting import inspect as inspect
    from explorer.usecases.reaching import path as path
    from explorer.usecases.recording import compare as compare
    from explorer.usecases.recording import runs as runs
    from explorer.usecases.showing import show as show
    from explorer.usecases.tracing import trace as trace
    from explorer.usecases.verifying import verify as verify

_HOMES = {
    "explorer.diagram": ("Picture",),
    "explorer.engine.client": ("Client",),
    "explorer.errors": ("ExplorerError",),
    "explorer.graph": ("Edge", "EdgeKind", "Evidence", "Graph", "Node", "NodeKind"),
    "explorer.introspect": ("load_graph",),
    "explorer.usecases.benchmarking": ("bench", "tune", "versus"),
    "explorer.usecases.drawing": ("draw",),
    "explorer.usecases.finding": ("list_models", "search"),
    "explorer.usecases.inspecting": ("inspect",),
    "explorer.usecases.reaching": ("path",),
    "explorer.usecases.recording": ("compare", "runs"),
    "explorer.usecases.showing": ("show",),
    "explorer.usecases.tracing": ("trace",),
    "explorer.usecases.verifying": ("verify",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
