"""Where labels stand: of frames in the strip kept for them, of edges beside nothing but their own line."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product

from explorer.diagram.geometry import Box, Curve, Frame, Geometry, Point, overlap
from explorer.diagram.style import edge_label_size, group_label_size
from explorer.diagram.view import View, ViewEdge

_INSET = 7.0
_STEP = 4.0
_CLEARANCE = 3.0
_SAMPLES = 12
"""Points on a piece of a curve: closer to each other than a label is high, on all but the longest."""

_TRIES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82)
"""Where along its line a label may stand, the best first."""

_CLEAR = 2.0
_BESIDE = 4.0
_SIDE_STEP = 8.0
_CELL_PX = 64.0


def course_of(curve: Curve) -> tuple[Point, ...]:
    """Points of a curve, from its start to its tip, close to each other."""
    pieces = (curve.points[i : i + 4] for i in range(0, len(curve.points) - 3, 3))
    return (*(_bezier(piece, step / _SAMPLES) for piece in pieces for step in range(_SAMPLES + 1)), curve.tip)


def pieces_of(curve: Curve) -> Iterator[Box]:
    """The straight pieces of a curve's course, each with some room on both sides."""
    for (x, y), (to_x, to_y) in pairwise(course_of(curve)):
        yield Box(min(x, to_x) - _CLEARANCE, min(y, to_y), abs(to_x - x) + 2 * _CLEARANCE, abs(to_y - y))


def frame_label_box(label: str, frame: Frame, taken: Sequence[Box]) -> Box:
    """The leftmost place in the strip that nothing crosses, or its left end when there is none.

    Args:
        label: the frame's label, whole.
        frame: the frame.
        taken: boxes to stay off: the pieces of edges, and their labels.
    """
    first, box = first_place(label, frame), frame.box
    crossed = [(other.x, other.right) for other in taken if other.bottom >= first.y and other.y <= first.bottom]
    x = first.x
    while x + first.width <= box.right - _INSET / 2:
        if not any(low < x + first.width and high > x for low, high in crossed):
            return replace(first, x=x)
        x += _STEP
    return first


def first_place(label: str, frame: Frame) -> Box:
    """The left end of the strip, where a frame's label stands when nothing else is there."""
    size = group_label_size(label)
    return size.moved(frame.box.x + _INSET, frame.label_y - size.height / 2)


def _bezier(points: Sequence[Point], t: float) -> Point:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    return (
        sum(w * x for w, (x, _) in zip(weights, points, strict=True)),
        sum(w * y for w, (_, y) in zip(weights, points, strict=True)),
    )


def settled(view: View, geometry: Geometry) -> Geometry:
    """The layout with labels that lie on no box and on no other label, and room for all lines."""
    curves = tuple(_labelled(view, geometry))
    return _within(replace(geometry, curves=curves), view)


def _labelled(view: View, geometry: Geometry) -> Iterator[Curve]:
    taken = [*geometry.nodes.values(), *(first_place(g.label, geometry.frames[g.id]) for g in view.groups)]
    lines = _Lines()
    for i, curve in enumerate(geometry.curves if any(edge.label for edge in view.edges) else ()):
        lines.add(course_of(curve), i)
    for frame in geometry.frames.values():
        for side in _sides(frame.box):
            lines.add(side, None)
    for i, (edge, curve) in enumerate(zip(view.edges, geometry.curves, strict=True)):
        places = list(_places(edge, curve, is_beside=view.downwards)) if edge.label else []
        place = _place(edge, places, taken, lines, i)
        if place is not None:
            taken.append(label_box(edge, place))
        yield replace(curve, label=place)


def _sides(box: Box) -> Iterator[list[Point]]:
    """A frame's upper and lower side as points a few px apart; its corners are nobody's tip."""
    steps = [box.x + _SIDE_STEP * i for i in range(int(box.width / _SIDE_STEP) + 1)]
    yield from ([(x, y) for x in steps] for y in (box.y, box.bottom))


def label_box(edge: ViewEdge, middle: Point) -> Box:
    """The background of an edge's label."""
    size = edge_label_size(edge.label)
    return size.moved(middle[0] - size.width / 2, middle[1] - size.height / 2)


def _places(edge: ViewEdge, curve: Curve, *, is_beside: bool) -> Iterator[Point]:
    """Where a label may stand, the best first: where the layout has it, beside its line, or on it."""
    if curve.label:
        yield curve.label
    course = course_of(curve)
    on_line = [course[round(part * (len(course) - 1))] for part in _TRIES]
    if is_beside:
        aside = edge_label_size(edge.label).width / 2 + _BESIDE
        yield from ((x + aside, y) for x, y in on_line)
        yield from ((x - aside, y) for x, y in on_line)
    yield from on_line


def _place(edge: ViewEdge, places: Sequence[Point], taken: Sequence[Box], lines: "_Lines", own: int) -> Point | None:
    """Of the places that nothing else has, the first that hides least of other lines."""
    free = []
    for place in places:
        box = label_box(edge, place)
        around = Box(box.x - _CLEAR, box.y - _CLEAR, box.width + 2 * _CLEAR, box.height + 2 * _CLEAR)
        if not any(overlap(around, other) for other in taken):
            free.append((lines.hidden(around, own), place))
    return min(free, key=lambda found: found[0])[1] if free else None


class _Lines:
    """Points of lines by the cells of a grid, so that those under a box are found without looking at all."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[tuple[float, float, int | None, int]]] = {}

    def add(self, course: Sequence[Point], number: int | None) -> None:
        """A line by its points; ``None`` is no edge's."""
        last = len(course) - 1
        for i, (x, y) in enumerate(course):
            # A head tells the direction: a label over it costs more than one over any stretch of lines.
            weight = 10 if i == last else 1
            self._cells.setdefault((int(x // _CELL_PX), int(y // _CELL_PX)), []).append((x, y, number, weight))

    def hidden(self, box: Box, own: int) -> int:
        """Points of lines but this one that are under a box; an arrow's tip counts for many."""
        columns = range(int(box.x // _CELL_PX), int(box.right // _CELL_PX) + 1)
        rows = range(int(box.y // _CELL_PX), int(box.bottom // _CELL_PX) + 1)
        return sum(
            weight
            for cell in product(columns, rows)
            for x, y, number, weight in self._cells.get(cell, ())
            if number != own and box.x <= x <= box.right and box.y <= y <= box.bottom
        )


def _within(geometry: Geometry, view: View) -> Geometry:
    """The layout moved and enlarged so that lines and labels too are in it."""
    boxes = [label_box(e, c.label) for e, c in zip(view.edges, geometry.curves, strict=True) if c.label]
    corners = [corner for box in boxes for corner in ((box.x, box.y), (box.right, box.bottom))]
    points = [place for curve in geometry.curves for place in course_of(curve)]
    xs, ys = zip((0.0, 0.0), (geometry.width, geometry.height), *corners, *points, strict=True)
    return replace(geometry.moved(-min(xs), -min(ys)), width=max(xs) - min(xs), height=max(ys) - min(ys))
