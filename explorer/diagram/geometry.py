"""Where things are in a picture: px from its top left corner, y downwards."""

from collections.abc import Mapping
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def center(self) -> Point:
        """The middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def right(self) -> float:
        """x of the right side."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """y of the lower side."""
        return self.y + self.height

    def moved(self, x: float, y: float) -> "Box":
        """The same rectangle elsewhere."""
        return Box(self.x + x, self.y + y, self.width, self.height)


def overlap(one: Box, other: Box) -> bool:
    """Whether two rectangles share more than a border."""
    beside = one.x >= other.right or other.x >= one.right
    return not (beside or one.y >= other.bottom or other.y >= one.bottom)


@dataclass(frozen=True, slots=True)
class Frame:
    """A group's rectangle; ``label_y`` is the middle of the strip for its label, at its top or bottom."""

    box: Box
    label_y: float

    def moved(self, x: float, y: float) -> "Frame":
        """The same frame elsewhere."""
        return Frame(self.box.moved(x, y), self.label_y + y)


@dataclass(frozen=True, slots=True)
class Curve:
    """An arrow: cubic Bézier points (a start, then three a piece), its tip, the middle of its label."""

    points: tuple[Point, ...]
    tip: Point
    label: Point | None = None

    def moved(self, x: float, y: float) -> "Curve":
        """The same arrow elsewhere."""
        points = tuple((px + x, py + y) for px, py in self.points)
        label = (self.label[0] + x, self.label[1] + y) if self.label else None
        return Curve(points, (self.tip[0] + x, self.tip[1] + y), label)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Positions for a view: boxes by node id, frames by group id, curves in the order of the view's edges.

    A packing has no curves: its edges are routed later.
    """

    width: float
    height: float
    nodes: Mapping[str, Box]
    frames: Mapping[str, Frame]
    curves: tuple[Curve, ...] = ()

    def moved(self, x: float, y: float) -> "Geometry":
        """The same layout elsewhere."""
        return Geometry(
            self.width,
            self.height,
            {node_id: box.moved(x, y) for node_id, box in self.nodes.items()},
            {group: frame.moved(x, y) for group, frame in self.frames.items()},
            tuple(curve.moved(x, y) for curve in self.curves),
        )
