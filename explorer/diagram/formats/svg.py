"""A view with positions, written as an SVG document."""

from explorer.diagram import shapes
from explorer.diagram.caption import footer, header, title_width
from explorer.diagram.drawing import drawing
from explorer.diagram.formats.markup import number, text
from explorer.diagram.geometry import Box, Geometry
from explorer.diagram.style.colours import PAGE
from explorer.diagram.style.stylesheet import stylesheet
from explorer.diagram.style.text_metrics import MONO_STACK, SANS_STACK
from explorer.diagram.view import View

_MARGIN = 24.0
_GAP = 18.0
_MIN_WIDTH = 460.0
_MAX_TITLE_WIDTH = 760.0


def svg_of(view: View, geometry: Geometry, styles: str | None = None) -> str:
    """The picture: title, drawing, legend, notes. Text stays text; the same view gives the same bytes.

    Args:
        view: what to draw.
        geometry: where.
        styles: CSS in place of the picture's own, for a page that it is part of.
    """
    width = _page_width(view, geometry)
    above, above_height = header(view, width - 2 * _MARGIN)
    below, below_height = footer(view, width - 2 * _MARGIN)
    drawing_top = _MARGIN + above_height + _GAP
    footer_top = drawing_top + geometry.height + _GAP
    height = float(round(footer_top + below_height + _MARGIN))
    left = (width - geometry.width) / 2
    return "\n".join(
        (
            _opening(width, height, view, stylesheet(view) if styles is None else styles, is_alone=styles is None),
            shapes.plain_box("page", Box(0, 0, width, height), PAGE, None, 0, 8),
            _group("header", _MARGIN, _MARGIN, SANS_STACK),
            *above,
            "</g>",
            _group("drawing", left, drawing_top, MONO_STACK),
            *drawing(view, geometry),
            "</g>",
            _group("legend", _MARGIN, footer_top, SANS_STACK),
            *below,
            "</g>",
            "</svg>\n",
        )
    )


def _page_width(view: View, geometry: Geometry) -> float:
    wanted = max(geometry.width, min(title_width(view), _MAX_TITLE_WIDTH))
    return float(round(max(wanted + 2 * _MARGIN, _MIN_WIDTH)))


def _opening(width: float, height: float, view: View, styles: str, *, is_alone: bool) -> str:
    role = "img" if is_alone else "group"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="{role}">\n'
        f"<title>{text(view.title)}</title>\n<style>{text(styles)}</style>"
    )


def _group(name: str, x: float, y: float, fonts: str) -> str:
    return f'<g class="{name}" transform="translate({number(x)},{number(y)})" font-family="{text(fonts)}">'
