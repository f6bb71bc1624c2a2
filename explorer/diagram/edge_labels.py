"""The labels of edges: each beside nothing but its line, moved along it where it has to, or left to the tooltip."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from explorer.diagram.frames import course_of, first_place
from explorer.diagram.geometry import Box, Curve, Geometry, Point, overlap
from explorer.diagram.style.text_metrics import edge_label_size
from explorer.diagram.view import View, ViewEdge

_TRIES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82)
"""Where along its line a label may stand, the best first."""

_CLEAR = 2.0
_BESIDE = 4.0
_SIDE_STEP = 8.0


def settled(view: View, geometry: Geometry) -> Geometry:
    """The layout with labels that lie on no box and on no other label, and room for all lines."""
    curves = tuple(_labelled(view, geometry))
    return _within(replace(geometry, curves=curves), view)


def _labelled(view: View, geometry: Geometry) -> Iterator[Curve]:
    taken = [*geometry.nodes.values(), *(first_place(g.label, geometry.frames[g.id]) for g in view.groups)]
    courses = [course_of(curve) for curve in geometry.curves]
    borders = [side for frame in geometry.frames.values() for side in _sides(frame.box)]
    for i, (edge, curve) in enumerate(zip(view.edges, geometry.curves, strict=True)):
        others = [course for j, course in enumerate(courses) if j != i]
        places = list(_places(edge, curve, is_beside=view.downwards)) if edge.label else []
        place = _place(edge, places, taken, [*others, *borders])
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
    return Box(middle[0] - size.width / 2, middle[1] - size.height / 2, size.width, size.height)


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


def _place(
    edge: ViewEdge, places: Sequence[Point], taken: Sequence[Box], others: Sequence[Sequence[Point]]
) -> Point | None:
    """Of the places that nothing else has, the first that hides least of other lines."""
    free = []
    for place in places:
        box = label_box(edge, place)
        around = Box(box.x - _CLEAR, box.y - _CLEAR, box.width + 2 * _CLEAR, box.height + 2 * _CLEAR)
        if not any(overlap(around, other) for other in taken):
            free.append((_hidden(around, others), place))
    return min(free, key=lambda found: found[0])[1] if free else None


def _hidden(box: Box, courses: Sequence[Sequence[Point]]) -> int:
    """Points of lines under a box; an arrow's tip counts for many."""

    def inside(place: Point) -> bool:
        return box.x <= place[0] <= box.right and box.y <= place[1] <= box.bottom

    return sum(inside(place) for course in courses for place in course) + 9 * sum(inside(c[-1]) for c in courses)


def _within(geometry: Geometry, view: View) -> Geometry:
    """The layout moved and enlarged so that lines and labels too are in it."""
    boxes = [label_box(e, c.label) for e, c in zip(view.edges, geometry.curves, strict=True) if c.label]
    points = [place for curve in geometry.curves for place in course_of(curve)]
    left = min((0.0, *(box.x for box in boxes), *(x for x, _ in points)))
    top = min((0.0, *(box.y for box in boxes), *(y for _, y in points)))
    right = max((geometry.width, *(box.right for box in boxes), *(x for x, _ in points)))
    bottom = max((geometry.height, *(box.bottom for box in boxes), *(y for _, y in points)))
    if (left, top) == (0.0, 0.0):
        return replace(geometry, width=right, height=bottom)
    return geometry.moved(-left, -top, right - left, bottom - top)
