"""The parts of an SVG picture that stand in the drawing and in its legend alike: boxes, lines, text."""

from explorer.diagram.arrows import head_path, line_path, straight_path
from explorer.diagram.formats.markup import element, text
from explorer.diagram.geometry import Box, Curve, Point
from explorer.diagram.style.colours import MUTED, NODE_STYLES, PAGE, SHADES, TEXT, Head, Ink, Look, shade_level
from explorer.diagram.style.stylesheet import ink_class
from explorer.graph import NodeKind

FOCUS_PX = 2.6
"""Stroke of a node that was asked for, in px."""

_STROKE_PX = 1.3
_BASELINE_EM = 0.35
"""How far a baseline is under the middle of its line."""

_TEXT_CLASSES = {TEXT: "text", MUTED: "muted"}


def node_box(kind: NodeKind | Look, box: Box, *, focus: bool = False, shade: float | None = None) -> str:
    """The box of a node."""
    style = NODE_STYLES[kind]
    shaded = "" if shade is None else f" shade-{shade_level(shade)}"
    radius = box.height / 2 if style.radius_px is None else style.radius_px
    return element(
        "rect",
        class_=f"box-{kind}{shaded}",
        x=box.x,
        y=box.y,
        width=box.width,
        height=box.height,
        rx=radius or None,
        fill=style.fill.light if shade is None else SHADES[shade_level(shade)].light,
        stroke=TEXT.light if focus else style.stroke.light,
        stroke_width=FOCUS_PX if focus else _STROKE_PX,
        stroke_dasharray=style.dash,
    )


def plain_box(name: str, box: Box, fill: Ink, stroke: Ink | None, width_px: float, radius_px: float) -> str:
    """A rectangle of a CSS class of its own."""
    ink = stroke.light if stroke else None
    return element(
        "rect",
        class_=name,
        x=box.x,
        y=box.y,
        width=box.width,
        height=box.height,
        rx=radius_px or None,
        fill=fill.light,
        stroke=ink,
        stroke_width=width_px if stroke else None,
    )


def arrow(curve: Curve, ink: Ink, width_px: float, dash: str, head: Head) -> str:
    """A line and its head."""
    name = ink_class(ink.light)
    line = element(
        "path",
        class_=name,
        d=line_path(curve, head),
        fill="none",
        stroke=ink.light,
        stroke_width=width_px,
        stroke_dasharray=dash,
        stroke_linecap="round" if dash.startswith("1.5") else None,
    )
    return line if head is Head.NONE else line + _head(curve, ink, width_px, head)


def plain_line(start: Point, end: Point, ink: Ink, width_px: float) -> str:
    """A straight line without a head."""
    return element(
        "path",
        class_=ink_class(ink.light),
        d=straight_path(start, end),
        fill="none",
        stroke=ink.light,
        stroke_width=width_px,
    )


def _head(curve: Curve, ink: Ink, width_px: float, head: Head) -> str:
    look, fill = {Head.HOLLOW: ("hollow", PAGE.light), Head.OPEN: ("", "none")}.get(head, ("filled", ink.light))
    return element(
        "path",
        class_=f"{ink_class(ink.light)} {look}".strip(),
        d=head_path(curve, head),
        fill=fill,
        stroke=ink.light,
        stroke_width=width_px if head is Head.OPEN else 1.2,
        stroke_linejoin="round",
    )


def line_of_text(
    value: str,
    x: float,
    middle: float,
    font_px: float,
    *,
    ink: Ink = TEXT,
    centred: bool = False,
    bold: bool = False,
) -> str:
    """Text on one line, its vertical middle at ``middle``; ``x`` is its start, or its centre."""
    return element(
        "text",
        text(value),
        class_=_TEXT_CLASSES.get(ink) or f"{ink_class(ink.light)}-text",
        x=x,
        y=middle + font_px * _BASELINE_EM,
        text_anchor="middle" if centred else None,
        font_size=font_px,
        font_weight="600" if bold else None,
        fill=ink.light,
    )
