"""Where a frame's label stands: in the strip kept for it, beside the edges that cross it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from explorer.diagram.geometry import Box, Curve, Frame, Point
from explorer.diagram.style.text_metrics import group_label_size

_INSET = 7.0
_STEP = 4.0
_CLEARANCE = 3.0
_SAMPLES = 12


@dataclass(frozen=True, slots=True)
class Track:
    """An edge's course as a chain of straight pieces, with the highest and the lowest of its points."""

    points: tuple[Point, ...]
    top: float
    bottom: float


def course_of(curve: Curve) -> tuple[Point, ...]:
    """Points of a curve, from its start to its tip, close to each other."""
    return (*_sampled(curve), curve.tip)


def track_of(curve: Curve) -> Track:
    """The course of a curve, to its tip."""
    points = course_of(curve)
    heights = [y for _, y in points]
    return Track(points, min(heights), max(heights))


def frame_label_box(label: str, frame: Frame, tracks: Sequence[Track], taken: Sequence[Box]) -> Box:
    """The leftmost place in the strip that nothing crosses, or its left end when there is none.

    Args:
        label: the frame's label, whole.
        frame: the frame.
        tracks: every edge of the picture.
        taken: boxes to stay off: the labels of edges.
    """
    first, box = first_place(label, frame), frame.box
    crossed = list(_crossings(Box(box.x, first.y, box.width, first.height), tracks, taken))
    x = first.x
    while x + first.width <= box.right - _INSET / 2:
        if not any(low < x + first.width and high > x for low, high in crossed):
            return replace(first, x=x)
        x += _STEP
    return first


def first_place(label: str, frame: Frame) -> Box:
    """The left end of the strip, where a frame's label stands when nothing else is there."""
    size = group_label_size(label)
    return Box(frame.box.x + _INSET, frame.label_y - size.height / 2, size.width, size.height)


def _crossings(strip: Box, tracks: Sequence[Track], taken: Sequence[Box]) -> Iterator[tuple[float, float]]:
    """Stretches of x where something lies in the strip."""
    for track in tracks:
        if track.bottom < strip.y or track.top > strip.bottom:
            continue
        for (x, y), (to_x, to_y) in pairwise(track.points):
            if max(y, to_y) >= strip.y and min(y, to_y) <= strip.bottom:
                yield min(x, to_x) - _CLEARANCE, max(x, to_x) + _CLEARANCE
    for box in taken:
        if box.bottom >= strip.y and box.y <= strip.bottom:
            yield box.x, box.right


def _sampled(curve: Curve) -> Iterator[Point]:
    points = curve.points
    for i in range(0, len(points) - 3, 3):
        yield from (_bezier(points[i : i + 4], step / _SAMPLES) for step in range(_SAMPLES + 1))


def _bezier(points: Sequence[Point], t: float) -> Point:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    return (
        sum(w * x for w, (x, _) in zip(weights, points, strict=True)),
        sum(w * y for w, (_, y) in zip(weights, points, strict=True)),
    )
