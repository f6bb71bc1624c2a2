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


@dataclass(frozen=True, slots=True)
class Frame:
    """A group's rectangle; ``label_y`` is the middle of the strip for its label, at its top or bottom."""

    box: Box
    label_y: float


@dataclass(frozen=True, slots=True)
class Curve:
    """An arrow: cubic Bézier points (a start, then three a piece), its tip, the middle of its label."""

    points: tuple[Point, ...]
    tip: Point
    label: Point | None = None


@dataclass(frozen=True, slots=True)
class Geometry:
    """Positions for a view: boxes by node id, frames by group id, curves in the order of the view's edges."""

    width: float
    height: float
    nodes: Mapping[str, Box]
    frames: Mapping[str, Frame]
    curves: tuple[Curve, ...]
