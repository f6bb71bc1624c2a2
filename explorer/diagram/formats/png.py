"""An SVG picture as PNG, on white, at twice its size."""

import re
from contextlib import suppress
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import resvg_py

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


def png_of(svg: str, *, system_fonts: bool = True) -> bytes:
    """The picture as PNG.

    The system's fonts are used, or, on a machine without any, the one that Pillow ships.

    Args:
        svg: a whole document.
        system_fonts: ``False`` looks for no font on this machine.

    Raises:
        OutputError: there is no font at all, or the renderer failed.
    """
    if system_fonts and _draws_text():
        return _rendered(svg)
    return _rendered_with_shipped_font(svg)


def _draws_text() -> bool:
    """Whether there is a font: without any, resvg leaves text out and says nothing."""
    with_text, without = (
        resvg_py.svg_to_bytes(svg_string=_PROBE.format(family="monospace", text=text)) for text in ("M", "")
    )
    return bytes(with_text) != bytes(without)


def _rendered_with_shipped_font(svg: str) -> bytes:
    font, family = _shipped_font()
    with TemporaryDirectory(prefix="explorer-") as folder:
        file = Path(folder, "font.ttf")
        file.write_bytes(font)
        return _rendered(
            svg,
            skip_system_fonts=True,
            font_files=[str(file)],
            font_family=family,
            sans_serif_family=family,
            monospace_family=family,
        )


def _shipped_font() -> tuple[bytes, str]:
    font: Any = None
    with suppress(ImportError):
        from PIL import ImageFont

        font = ImageFont.load_default(size=12)
    data = getattr(font, "font_bytes", b"")
    if not data:
        raise OutputError("there is no font on this machine to draw a PNG with", "install a font, or ask for .svg")
    return data, font.getname()[0] or "sans-serif"


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
