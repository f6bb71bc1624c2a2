"""An SVG picture as PNG, on white, at twice its size."""

import re
from math import sqrt
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import reportlab
import resvg_py

from explorer.diagram.style import MONO_STACK, SANS_STACK
from explorer.errors import OutputError

_SCALE = 2
"""Letters of 9 px are not readable in a bitmap of the picture's own size."""
_MOST_PX = 60e6
"""Pixels of a bitmap, 4 bytes each: of more, viewers and browsers show nothing."""
_SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)" height="([\d.]+)"')
_PROBE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16">'
    '<text x="1" y="13" font-size="14" font-family="{family}">{text}</text></svg>'
)
_SHIPPED = Path(reportlab.__file__).with_name("fonts") / "Vera.ttf"
_SHIPPED_FAMILY = "Bitstream Vera Sans"


def png_of(svg: str, *, system_fonts: bool = True) -> bytes:
    """The picture as PNG.

    The system's fonts are used, or, on a machine without those that our pictures name, the one that reportlab ships.

    Args:
        svg: a whole document.
        system_fonts: ``False`` looks for no font on this machine.

    Raises:
        OutputError: there is no font at all, or the renderer failed.
    """
    if system_fonts and all(map(_draws, (SANS_STACK, MONO_STACK))):
        return _rendered(svg)
    return _rendered_with_shipped_font(svg)


def _draws(family: str) -> bool:
    """Whether one of some fonts is there, with letters that our pictures need: resvg leaves text out, or draws boxes.

    It knows no font by the names ``sans-serif`` and ``monospace`` but those that other systems come with.
    """
    written, unassigned, empty = (
        bytes(resvg_py.svg_to_bytes(svg_string=_PROBE.format(family=escape(family, {'"': "&quot;"}), text=text)))
        for text in ("×", "\u0378", "")
    )
    return written not in (unassigned, empty)


def _rendered_with_shipped_font(svg: str) -> bytes:
    if not _SHIPPED.is_file():
        raise OutputError("there is no font on this machine to draw a PNG with", "install a font, or ask for .svg")
    return _rendered(
        svg.replace("→", "-&gt;"),  # which it lacks
        skip_system_fonts=True,
        font_files=[str(_SHIPPED)],
        font_family=_SHIPPED_FAMILY,
        sans_serif_family=_SHIPPED_FAMILY,
        monospace_family=_SHIPPED_FAMILY,
    )


def _rendered(svg: str, **options: Any) -> bytes:
    try:
        return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=_scale(svg), background="#ffffff", **options))
    except ValueError as error:
        raise OutputError(f"the picture could not be drawn as PNG: {error}") from error


def _scale(svg: str) -> float:
    """Twice its size, or what keeps a very large picture within :data:`_MOST_PX`."""
    size = _SIZE.search(svg)
    area = float(size[1]) * float(size[2]) if size else 1.0
    return min(_SCALE, sqrt(_MOST_PX / area))
