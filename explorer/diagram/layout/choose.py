"""Positions for a view: laid out in several ways by Graphviz, in one child process, and the best kept."""

from collections.abc import Iterator, Sequence

from explorer.diagram.edge_labels import settled
from explorer.diagram.geometry import Geometry
from explorer.diagram.layout.graphviz_json import documents
from explorer.diagram.layout.layered import Layered
from explorer.diagram.layout.packed import Packed
from explorer.diagram.layout.process import GraphvizProcess
from explorer.diagram.layout.stacking import stacked
from explorer.diagram.view import View
from explorer.errors import LayoutError

READABLE_WIDTH_PX = 997.0
"""A drawing this wide, with its margins, shows its smallest letters 9 px high when a README scales it to 900 px."""

_PAGE_WIDTH_PX = 940.0
_PAGE_HEIGHT_PX = 1300.0

_LAYERED = (
    *(Layered("TB", rows) for rows in (1, 2, 3, 4)),
    Layered("TB", 2, ranked_alone=True),
    Layered("LR"),
    Layered("LR", ranked_alone=True),
)
_PACKED = (Packed(960.0, 960.0), Packed(960.0, 560.0), Packed(760.0, 760.0))

_STACKED = Packed(960.0, 960.0, by_stack=True)

_MOST_ROUTED = 64
"""Nodes that edges are routed round at the most: the time for it grows with their cube."""

_TOO_WIDE_COST = 3.0
"""What width beyond a readable one costs, in parts of it."""

_BACKWARDS_COST = 0.06
"""What an edge against the reading direction costs, in parts of the picture's size."""

_COLLISION_COST = 0.03
_PACKED_COST = 0.2
"""What a packing costs: its edges share ways, and bend more."""

_WISHED_GAIN = 9.0
"""What it is worth that a view says itself how it stands."""

_SURELY_FITS_PX = 880.0
"""A stack this wide leaves room on a page for the edges that run outside of it."""

_HEAD_PX = 8.0


def lay_out(view: View, time_limit_s: float = 10.0, graphviz: GraphvizProcess | None = None) -> Geometry:
    """Lay a view out in every way there is and keep the picture that shrinks least on a page.

    Args:
        view: what to place.
        time_limit_s: for all of it.
        graphviz: a child started earlier; it is used up.

    Raises:
        LayoutTimeout: Graphviz was still at it after ``time_limit_s``.
        LayoutError: it failed.
    """
    asked: dict[str, Layered | Packed] = {}
    for way in _ways(view):
        asked.setdefault(way.request(view), way)
    answers = (graphviz or GraphvizProcess()).lay_out(list(asked), time_limit_s)
    try:
        found = [(way, way.geometry(a, view)) for way, a in zip(asked.values(), documents(answers), strict=True)]
    except (KeyError, ValueError, IndexError, StopIteration) as error:
        raise LayoutError("Graphviz gave an answer that cannot be read") from error
    return _first_that_fits([geometry for _, geometry in sorted(found, key=lambda pair: _cost(*pair))], view)


def _first_that_fits(geometries: Sequence[Geometry], view: View) -> Geometry:
    """The best whose lines too stay within a page, else the narrowest; labels are in place."""
    narrowest = None
    for geometry in geometries:
        found = settled(view, geometry)
        if found.width <= READABLE_WIDTH_PX:
            return found
        if narrowest is None or found.width < narrowest.width:
            narrowest = found
    if narrowest is None:
        raise LayoutError("Graphviz laid nothing out")
    return narrowest


def _ways(view: View) -> Iterator[Layered | Packed]:
    """The ways worth trying; those with places of our own last, as ``dot`` stays in that mode once it met one."""
    is_routable = len(view.nodes) <= _MOST_ROUTED
    has_stack = view.stack is not None and is_routable
    if view.stack is None or not has_stack or stacked(view, view.stack).width > _SURELY_FITS_PX:
        yield from (way for way in _LAYERED if way.direction == "TB" or not view.downwards)
        yield from _PACKED if is_routable else ()
    if has_stack:
        yield _STACKED


def _cost(way: Layered | Packed, geometry: Geometry) -> tuple[float, float]:
    to_fit = max(geometry.width / _PAGE_WIDTH_PX, geometry.height / _PAGE_HEIGHT_PX, 1.0)
    flaws = _BACKWARDS_COST * _backwards(geometry) + _COLLISION_COST * _collisions(geometry)
    flaws += _TOO_WIDE_COST * max(geometry.width / READABLE_WIDTH_PX - 1, 0.0)
    flaws += _PACKED_COST * isinstance(way, Packed) - _WISHED_GAIN * (way is _STACKED)
    return to_fit + flaws, geometry.width * geometry.height


def _backwards(geometry: Geometry) -> int:
    """Edges that run up a picture read downwards, or left in one read to the right."""
    rises = [(curve.tip[0] - curve.points[0][0], curve.tip[1] - curve.points[0][1]) for curve in geometry.curves]
    return min(sum(x < 0 for x, _ in rises), sum(y < 0 for _, y in rises))


def _collisions(geometry: Geometry) -> int:
    """Arrow heads that lie on another's, counted by the cells of a grid that they share."""
    cells = {(x // _HEAD_PX, y // _HEAD_PX) for x, y in (curve.tip for curve in geometry.curves)}
    return len(geometry.curves) - len(cells)
