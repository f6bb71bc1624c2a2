"""A view written in one format each, from SVG to lines for a terminal."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def writer_of(fmt: str) -> Callable[..., Any]:
    """The function that writes a format; only that format's module is imported, as one picture needs one of them.

    The module has the format's name, the function too: ``svg.svg_of``. Formats that are data are made by
    ``interchange``.
    """
    name = "mermaid" if fmt == "mmd" else fmt
    writer: Callable[..., Any] = getattr(import_module(f"{__name__}.{name}"), f"{name}_of")
    return writer
