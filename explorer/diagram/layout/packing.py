"""Places for a picture that has to be narrow: what is called stands below what calls it, as far up as there is room.

Graphviz places for short and straight edges, and lets a drawing be as wide as that takes. Here boxes and frames are
packed into a given width; how edges run between them is left to Graphviz.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from explorer.diagram.geometry import Box, Frame
from explorer.diagram.layout.order import depths_of, forward_edges, groups_without_way_out
from explorer.diagram.style.text_metrics import group_label_size, node_size
from explorer.diagram.view import View, ViewEdge

_GAP_X = 28.0
_GAP_Y = 44.0
_MARGIN = 18.0
_STRIP = 28.0
"""The room for a frame's label, over what is in it, or under it where edges only lead in."""


@dataclass(frozen=True, slots=True)
class Packing:
    """Boxes by node id and frames by group id, from the top left corner of the whole."""

    width: float
    height: float
    nodes: Mapping[str, Box]
    frames: Mapping[str, Frame]


def pack(view: View, width: float, frame_width: float) -> Packing:
    """Place all nodes and frames of a view within a width, unless a single one is wider than that.

    Args:
        view: what to place.
        width: of the whole, in px.
        frame_width: of a frame at the most, in px, so that several may stand side by side.
    """
    edges = forward_edges(view)
    depths = depths_of([node.id for node in view.nodes], edges)
    return _Packer(view, edges, depths, groups_without_way_out(view), frame_width).packed(None, width)


@dataclass(frozen=True, slots=True)
class _Packer:
    view: View
    edges: Sequence[ViewEdge]
    depths: Mapping[str, int]
    closed: Collection[str]
    frame_width: float

    def packed(self, group: str | None, width: float) -> Packing:
        """A frame with all it holds, the whole picture when ``None``."""
        inner = width if group is None else min(width, self.frame_width) - 2 * _MARGIN
        parts = [self._box(node.id) for node in self.view.nodes if node.group == group]
        parts += [self.packed(frame.id, inner) for frame in self.view.groups if frame.parent == group]
        parts = sorted((part for part in parts if part.nodes), key=self._turn)
        content = self._stacked(parts, inner)
        return content if group is None else self._framed(content, group)

    def _box(self, node_id: str) -> Packing:
        node = next(node for node in self.view.nodes if node.id == node_id)
        size = node_size(node.label, node.sublabel)
        return Packing(size.width, size.height, {node_id: Box(0, 0, size.width, size.height)}, {})

    def _turn(self, part: Packing) -> tuple[int, bool]:
        """Callers first, and those that call before those that do not."""
        calls = any(edge.source in part.nodes and edge.target not in part.nodes for edge in self.edges)
        return min(self.depths[node_id] for node_id in part.nodes), not calls

    def _framed(self, content: Packing, group: str) -> Packing:
        label = next(frame.label for frame in self.view.groups if frame.id == group)
        width = max(content.width, group_label_size(label).width) + 2 * _MARGIN
        below = group in self.closed
        inside = _moved(content, (width - content.width) / 2, _MARGIN if below else _STRIP)
        height = content.height + _STRIP + _MARGIN
        frame = Frame(Box(0, 0, width, height), height - _STRIP / 2 if below else _STRIP / 2)
        return Packing(width, height, inside.nodes, {group: frame, **inside.frames})

    def _stacked(self, parts: Sequence[Packing], width: float) -> Packing:
        placed: list[tuple[Packing, Box]] = []
        for part in parts:
            above = [(other, box) for other, box in placed if self._joined(other, part)]
            start = max((box.bottom + _GAP_Y for _, box in above), default=0.0)
            wish = sum(box.center[0] for _, box in above) / len(above) if above else 0.0
            placed.append((part, _free_place(part, [box for _, box in placed], start, wish, width)))
        return _together([_moved(part, box.x, box.y) for part, box in placed], [box for _, box in placed])

    def _joined(self, upper: Packing, lower: Packing) -> bool:
        return any(edge.source in upper.nodes and edge.target in lower.nodes for edge in self.edges)


def _free_place(part: Packing, taken: Sequence[Box], start: float, wish: float, width: float) -> Box:
    """The highest place from ``start`` on, and of those the nearest to ``wish``."""
    levels = sorted({start, *(box.bottom + _GAP_Y for box in taken if box.bottom + _GAP_Y > start)})
    for y in levels:
        beside = [box for box in taken if box.y < y + part.height + _GAP_Y and box.bottom + _GAP_Y > y]
        places = list(_gaps(beside, part.width, width))
        if places or not beside:
            left = wish - part.width / 2
            nearest = (min(max(left, low), high) for low, high in places or [(0.0, 0.0)])
            return Box(min(nearest, key=lambda x: abs(x - left)), y, part.width, part.height)
    return Box(0.0, levels[-1], part.width, part.height)


def _gaps(beside: Sequence[Box], wanted: float, width: float) -> Iterator[tuple[float, float]]:
    """Ranges of x where something of a width fits between boxes."""
    left = 0.0
    for box in sorted(beside, key=lambda box: box.x):
        if box.x - _GAP_X - left >= wanted:
            yield left, box.x - _GAP_X - wanted
        left = max(left, box.right + _GAP_X)
    if width - left >= wanted:
        yield left, width - wanted


def _moved(part: Packing, x: float, y: float) -> Packing:
    nodes = {node_id: box.moved(x, y) for node_id, box in part.nodes.items()}
    frames = {group: frame.moved(x, y) for group, frame in part.frames.items()}
    return Packing(part.width, part.height, nodes, frames)


def _together(parts: Sequence[Packing], boxes: Sequence[Box]) -> Packing:
    left = min((box.x for box in boxes), default=0.0)
    width = max((box.right for box in boxes), default=0.0) - left
    height = max((box.bottom for box in boxes), default=0.0)
    moved = [_moved(part, -left, 0) for part in parts]
    nodes = {node_id: box for part in moved for node_id, box in part.nodes.items()}
    frames = {group: frame for part in moved for group, frame in part.frames.items()}
    return Packing(width, height, nodes, frames)
