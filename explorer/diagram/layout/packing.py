"""Where boxes and frames stand when we place them ourselves: packed into a width, or as a view says."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from explorer.diagram.geometry import Box, Frame, Geometry
from explorer.diagram.style import group_label_size, node_size
from explorer.diagram.view import Group, Stack, View, ViewEdge

_GAP_X = 28.0
_GAP_Y = 44.0
_MARGIN = 18.0
STRIP_PX = 40.0
"""The room for a frame's label over what is in it, and for the head of an arrow that comes in from above."""

_NARROW_STRIP_PX = 28.0
"""The same without room for a head: a packing puts the label below where edges only lead in."""

_LABEL_Y = 14.0
"""From the side of a frame to the middle of its label."""

_SHARE = {"start": 0.0, "middle": 0.5, "end": 1.0}
"""How much of the room left over stands before a part, by its alignment."""


def forward_edges(view: View) -> list[ViewEdge]:
    """The edges without those that close a cycle, as found from the first node on."""
    out: dict[str, list[ViewEdge]] = {}
    for edge in view.edges:
        out.setdefault(edge.source, []).append(edge)
    targets = {edge.target for edge in view.edges}
    roots = [node.id for node in view.nodes if node.id not in targets]
    closing: set[int] = set()
    done: set[str] = set()
    for root in (*roots, *(node.id for node in view.nodes)):
        closing.update(_closing_edges(root, out, done))
    return [edge for edge in view.edges if id(edge) not in closing]


def depths_of(nodes: Iterable[str], edges: Sequence[ViewEdge]) -> dict[str, int]:
    """The longest way to each node, in edges that close no cycle."""
    before: dict[str, list[str]] = {node_id: [] for node_id in nodes}
    for edge in edges:
        before[edge.target].append(edge.source)
    depths: dict[str, int] = {}
    for node_id in TopologicalSorter(before).static_order():
        depths[node_id] = max((depths[source] + 1 for source in before[node_id]), default=0)
    return depths


def _closing_edges(
    here: str, out: Mapping[str, list[ViewEdge]], done: set[str], way: tuple[str, ...] = ()
) -> Iterator[int]:
    """Edges back to a node on the way to them, by identity; what is passed is ``done`` afterwards."""
    if here in done:
        return
    for edge in out.get(here, ()):
        if edge.target in (*way, here):
            yield id(edge)
        else:
            yield from _closing_edges(edge.target, out, done, (*way, here))
    done.add(here)


def groups_without_way_out(view: View) -> set[str]:
    """Groups that edges only lead into: read downwards, none crosses the bottom of their frames.

    Of nested frames only those that hold nodes alone count.
    """
    group_of = {node.id: node.group for node in view.nodes}
    left = {group_of[e.source] for e in view.edges if group_of[e.source] != group_of[e.target]}
    entered = {group_of[e.target] for e in view.edges if group_of[e.source] != group_of[e.target]}
    parents = {group.parent for group in view.groups}
    return {group for group in entered - left - parents if group is not None}


def pack(view: View, width: float, frame_width: float) -> Geometry:
    """Place all nodes and frames of a view within a width, unless a single one is wider than that.

    Args:
        view: what to place.
        width: of the whole, in px.
        frame_width: of a frame at the most, in px, so that several may stand side by side.
    """
    edges = forward_edges(view)
    depths = depths_of([node.id for node in view.nodes], edges)
    return _Packer(view, _boxes(view), edges, depths, groups_without_way_out(view), frame_width).packed(None, width)


@dataclass(frozen=True, slots=True)
class _Packer:
    view: View
    boxes: Mapping[str, Geometry]
    edges: Sequence[ViewEdge]
    depths: Mapping[str, int]
    closed: Collection[str]
    frame_width: float

    def packed(self, group: Group | None, width: float) -> Geometry:
        """A frame with all it holds, the whole picture when ``None``."""
        inner = min(width, self.frame_width) - 2 * _MARGIN if group else width
        frames, nodes = self.view.contents[group.id if group else None]
        parts = [*(self.boxes[node.id] for node in nodes), *(self.packed(frame, inner) for frame in frames)]
        content = self._stacked(sorted((part for part in parts if part.nodes), key=self._turn), inner)
        return _in_frame(content, group, _NARROW_STRIP_PX, below=group.id in self.closed) if group else content

    def _turn(self, part: Geometry) -> tuple[int, bool]:
        """Callers first, and those that call before those that do not."""
        calls = any(edge.source in part.nodes and edge.target not in part.nodes for edge in self.edges)
        return min(self.depths[node_id] for node_id in part.nodes), not calls

    def _stacked(self, parts: Sequence[Geometry], width: float) -> Geometry:
        placed: list[tuple[Geometry, Box]] = []
        for part in parts:
            above = [(other, box) for other, box in placed if self._joined(other, part)]
            start = max((box.bottom + _GAP_Y for _, box in above), default=0.0)
            wish = sum(box.center[0] for _, box in above) / len(above) if above else 0.0
            placed.append((part, _free_place(part, [box for _, box in placed], start, wish, width)))
        left = min((box.x for _, box in placed), default=0.0)
        right = max((box.right for _, box in placed), default=0.0)
        height = max((box.bottom for _, box in placed), default=0.0)
        whole = _united([part.moved(box.x, box.y) for part, box in placed], right - left, height)
        return whole.moved(-left, 0)

    def _joined(self, upper: Geometry, lower: Geometry) -> bool:
        return any(edge.source in upper.nodes and edge.target in lower.nodes for edge in self.edges)


def _free_place(part: Geometry, taken: Sequence[Box], start: float, wish: float, width: float) -> Box:
    """The highest place from ``start`` on, and of those the nearest to ``wish``."""
    # A part can only begin at the top of the room, or below something: between these nothing changes.
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


def _united(parts: Sequence[Geometry], width: float, height: float) -> Geometry:
    """Parts that stand where they are, as one of this size."""
    nodes = {node_id: box for part in parts for node_id, box in part.nodes.items()}
    frames = {group: frame for part in parts for group, frame in part.frames.items()}
    return Geometry(width, height, nodes, frames)


_NOTHING = Geometry(0.0, 0.0, {}, {})


def stacked(view: View, stack: Stack) -> Geometry:
    """Boxes and frames as a stack has them; parts that the view does not have are passed over."""
    return _placed(stack, _boxes(view), {group.id: group for group in view.groups}, 0.0)


def _boxes(view: View) -> dict[str, Geometry]:
    """Every node alone."""
    boxes = {node.id: node_size(node.label, node.sublabel) for node in view.nodes}
    return {name: Geometry(box.width, box.height, {name: box}, {}) for name, box in boxes.items()}


def _placed(stack: Stack, boxes: Mapping[str, Geometry], groups: Mapping[str, Group], room: float) -> Geometry:
    # Parts are placed twice: how wide a column is shows only when all in it are placed, and ``wide`` parts fill it.
    frame = groups.get(stack.frame or "")
    inner = max(room - 2 * _MARGIN * bool(frame), 0.0)
    parts = list(_parts(stack, boxes, groups, 0.0))
    if stack.down:
        inner = max([inner, *(part.width for part in parts)])
        parts = list(_parts(stack, boxes, groups, inner))
    content = (_column if stack.down else _row)(parts, stack, inner)
    return _in_frame(content, frame, STRIP_PX) if frame and parts else content


def _parts(stack: Stack, boxes: Mapping[str, Geometry], groups: Mapping[str, Group], room: float) -> Iterator[Geometry]:
    """What a stack holds, with the room that it gives to those that want it."""
    for part in stack.parts:
        if isinstance(part, Stack):
            placed = _placed(part, boxes, groups, room if part.wide else 0.0)
            if placed.nodes or part.least_px:
                yield placed
        elif part in boxes or not part:
            yield boxes.get(part, _NOTHING)


def _column(parts: Sequence[Geometry], stack: Stack, room: float) -> Geometry:
    width = max([*(part.width for part in parts), room], default=0.0)
    moved, y = [], 0.0
    for part in parts:
        moved.append(part.moved((width - part.width) * _SHARE[stack.align], y))
        y += part.height + stack.gap_px
    return _united(moved, width, max(y - stack.gap_px, 0.0))


def _row(parts: Sequence[Geometry], stack: Stack, room: float) -> Geometry:
    height = max([stack.least_px, *(part.height for part in parts)])
    taken = sum(part.width for part in parts) + stack.gap_px * max(len(parts) - 1, 0)
    spread = max(room - taken, 0.0) / max(len(parts) - 1, 1)
    moved, x = [], 0.0
    for part in parts:
        moved.append(part.moved(x, (height - part.height) * _SHARE[stack.align]))
        x += part.width + stack.gap_px + spread
    return _united(moved, max(taken, room), height)


def _in_frame(content: Geometry, group: Group, strip_px: float, *, below: bool = False) -> Geometry:
    """A frame around what it holds, with a strip for its label over that, or ``below`` it."""
    width = max(content.width, group_label_size(group.label).width) + 2 * _MARGIN
    height = content.height + strip_px + _MARGIN
    inside = content.moved((width - content.width) / 2, _MARGIN if below else strip_px)
    frame = Frame(Box(0, 0, width, height), height - _LABEL_Y if below else _LABEL_Y)
    return Geometry(width, height, inside.nodes, {group.id: frame, **inside.frames})
