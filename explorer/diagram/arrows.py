"""Arrow shapes: the path of a spline and the head at its end, in px."""

from math import hypot

from explorer.diagram.formats.markup import number
from explorer.diagram.geometry import Curve, Point
from explorer.diagram.style.colours import Head

_HALF_WIDTH = {Head.SOLID: 3.6, Head.HOLLOW: 5.0, Head.OPEN: 4.2, Head.DIAMOND: 4.2, Head.DOT: 3.0, Head.NONE: 0.0}

_UNTOUCHED = (Head.OPEN, Head.DOT, Head.NONE)
"""Heads that the line runs through: it has to be drawn up to the tip."""


def line_path(curve: Curve, head: Head) -> str:
    """The SVG path of the line, without its head."""
    start, *rest = curve.points
    pieces = [f"M{_pair(start)}"]
    pieces += [f"C{' '.join(_pair(p) for p in rest[i : i + 3])}" for i in range(0, len(rest), 3)]
    if head in _UNTOUCHED:
        pieces.append(f"L{_pair(curve.tip)}")
    return "".join(pieces)


def straight_path(start: Point, end: Point) -> str:
    """The SVG path of a straight line."""
    return f"M{_pair(start)}L{_pair(end)}"


def head_path(curve: Curve, head: Head) -> str:
    """The SVG path of the head, from where the spline ends to the tip."""
    base, tip = curve.points[-1], curve.tip
    along_x, along_y = tip[0] - base[0], tip[1] - base[1]
    length = hypot(along_x, along_y) or 1.0
    side_x, side_y = -along_y / length * _HALF_WIDTH[head], along_x / length * _HALF_WIDTH[head]
    left, right = (base[0] + side_x, base[1] + side_y), (base[0] - side_x, base[1] - side_y)
    if head is Head.OPEN:
        return f"M{_pair(left)}L{_pair(tip)}L{_pair(right)}"
    if head is Head.DIAMOND:
        middle = ((base[0] + tip[0]) / 2, (base[1] + tip[1]) / 2)
        left, right = (middle[0] + side_x, middle[1] + side_y), (middle[0] - side_x, middle[1] - side_y)
        return f"M{_pair(base)}L{_pair(left)}L{_pair(tip)}L{_pair(right)}Z"
    if head is Head.DOT:
        return _circle(tip, along_x / length, along_y / length)
    return f"M{_pair(left)}L{_pair(tip)}L{_pair(right)}Z"


def _circle(tip: Point, unit_x: float, unit_y: float) -> str:
    radius = _HALF_WIDTH[Head.DOT]
    x, y = tip[0] - unit_x * radius, tip[1] - unit_y * radius
    r, d = number(radius), number(2 * radius)
    return f"M{_pair((x - radius, y))}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0Z"


def _pair(point: Point) -> str:
    return f"{number(point[0])},{number(point[1])}"
