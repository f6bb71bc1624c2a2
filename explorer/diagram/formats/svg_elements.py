"""The parts of an SVG picture: escaped text, elements, boxes, lines, arrow heads."""

from html import escape
from math import hypot

from explorer.diagram import style
from explorer.diagram.geometry import Box, Curve, Point
from explorer.diagram.style import Head, Ink, Look
from explorer.graph import NodeKind
from explorer.plain_text import plain_lines

_BREAKS = {ord(c): f"&#{ord(c)};" for c in "\t\n\r"}
"""White space that an attribute would lose."""

_HALF_WIDTH = {Head.SOLID: 3.6, Head.HOLLOW: 5.0, Head.OPEN: 4.2, Head.DIAMOND: 4.2, Head.DOT: 3.0, Head.NONE: 0.0}

_UNTOUCHED = (Head.OPEN, Head.DOT, Head.NONE)
"""Heads that the line runs through: it has to be drawn up to the tip."""

FOCUS_PX = 2.6
"""Stroke of a node that was asked for, in px."""

_STROKE_PX = 1.3
_BASELINE_EM = 0.35
"""How far a baseline is under the middle of its line."""

_TEXT_CLASSES = {style.TEXT: "text", style.MUTED: "muted"}


def text(value: str) -> str:
    """A string as character data or as an attribute's value."""
    return escape(plain_lines(value))


def number(value: float) -> str:
    """A number with at most two decimals and no needless zeros."""
    short = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short


def attributes(**values: str | float | None) -> str:
    """Attributes in the order given, each with a space before it; ``_`` is ``-``, a trailing one is dropped.

    Those that are ``None`` or empty are left out.
    """
    parts = []
    for name, value in values.items():
        if value is None or value == "":
            continue
        shown = value if isinstance(value, str) else number(value)
        parts.append(f' {name.rstrip("_").replace("_", "-")}="{text(shown).translate(_BREAKS)}"')
    return "".join(parts)


def element(tag: str, content: str = "", **values: str | float | None) -> str:
    """An element; ``content`` is already markup."""
    opened = f"<{tag}{attributes(**values)}"
    return f"{opened}>{content}</{tag}>" if content else f"{opened}/>"


def line_path(curve: Curve, head: Head) -> str:
    """The SVG path of the line, without its head."""
    start, *rest = curve.points
    pieces = [f"M{_pair(start)}"]
    pieces += [f"C{' '.join(_pair(p) for p in rest[i : i + 3])}" for i in range(0, len(rest), 3)]
    if head in _UNTOUCHED:
        pieces.append(f"L{_pair(curve.tip)}")
    return "".join(pieces)


def head_path(curve: Curve, head: Head) -> str:
    """The SVG path of the head, from where the spline ends to the tip."""
    base, tip = curve.points[-1], curve.tip
    along_x, along_y = tip[0] - base[0], tip[1] - base[1]
    length = hypot(along_x, along_y) or 1.0
    if head is Head.DOT:
        return _circle(tip, along_x / length, along_y / length)
    side_x, side_y = -along_y / length * _HALF_WIDTH[head], along_x / length * _HALF_WIDTH[head]
    is_diamond = head is Head.DIAMOND
    x, y = ((base[0] + tip[0]) / 2, (base[1] + tip[1]) / 2) if is_diamond else base
    corners = [*([base] if is_diamond else []), (x + side_x, y + side_y), tip, (x - side_x, y - side_y)]
    path = "L".join(map(_pair, corners))
    return f"M{path}" if head is Head.OPEN else f"M{path}Z"


def _circle(tip: Point, unit_x: float, unit_y: float) -> str:
    radius = _HALF_WIDTH[Head.DOT]
    x, y = tip[0] - unit_x * radius, tip[1] - unit_y * radius
    r, d = number(radius), number(2 * radius)
    return f"M{_pair((x - radius, y))}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0Z"


def _pair(point: Point) -> str:
    return f"{number(point[0])},{number(point[1])}"


def ink_class(light: str) -> str:
    """The CSS class of lines in a colour, by its light form (``#rrggbb``)."""
    return f"ink-{light.removeprefix('#')}"


def node_box(kind: NodeKind | Look, box: Box, *, focus: bool = False, shade: float | None = None) -> str:
    """The box of a node."""
    look = style.NODE_STYLES[kind]
    name, fill = f"box-{kind}", look.fill
    if shade is not None:
        level = style.shade_level(shade)
        name, fill = f"{name} shade-{level}", style.SHADES[level]
    stroke, width_px = (style.TEXT, FOCUS_PX) if focus else (look.stroke, _STROKE_PX)
    radius_px = box.height / 2 if look.radius_px is None else look.radius_px
    return plain_box(name, box, fill, stroke, width_px, radius_px, look.dash)


def plain_box(
    name: str, box: Box, fill: Ink, stroke: Ink | None, width_px: float, radius_px: float, dash: str = ""
) -> str:
    """A rectangle of a CSS class of its own."""
    return element(
        "rect",
        class_=name,
        x=box.x,
        y=box.y,
        width=box.width,
        height=box.height,
        rx=radius_px or None,
        fill=fill.light,
        stroke=stroke.light if stroke else None,
        stroke_width=width_px if stroke else None,
        stroke_dasharray=dash,
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


def _head(curve: Curve, ink: Ink, width_px: float, head: Head) -> str:
    look, fill = {Head.HOLLOW: ("hollow", style.PAGE.light), Head.OPEN: ("", "none")}.get(head, ("filled", ink.light))
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
    ink: Ink = style.TEXT,
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
