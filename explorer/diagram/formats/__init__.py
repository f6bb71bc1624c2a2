"""A view written in one format each, from SVG to lines for a terminal."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

_WRITERS = {
    "svg": ("svg", "svg_of"),
    "html": ("html", "html_of"),
    "png": ("png", "png_of"),
    "pdf": ("pdf", "pdf_of"),
    "dot": ("dot", "dot_of"),
    "mmd": ("mermaid", "mermaid_of"),
}
"""The module and the function of each format. Formats that are data are made by ``interchange``."""


def writer_of(fmt: str) -> Callable[..., Any]:
    """The function that writes a format; only that format's module is imported, as one picture needs one of them.

    Raises:
        KeyError: there is no such format.
    """
    module, function = _WRITERS[fmt]
    writer: Callable[..., Any] = getattr(import_module(f"{__name__}.{module}"), function)
    return writer
