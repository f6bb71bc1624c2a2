"""Places for a view that says itself how its boxes stand: in rows and columns, one in the other."""

from collections.abc import Iterator, Mapping, Sequence

from explorer.diagram.geometry import Box, Frame
from explorer.diagram.layout.packing import Packing
from explorer.diagram.style.text_metrics import group_label_size, node_size
from explorer.diagram.view import Stack, View

_MARGIN = 18.0
STRIP_PX = 40.0
"""The room for a frame's label, over what is in it."""

_LABEL_Y = 14.0
"""The middle of a frame's label: below it the head of an arrow that comes from above stays visible."""

_NOTHING = Packing(0.0, 0.0, {}, {})
_SHARE = {"start": 0.0, "middle": 0.5, "end": 1.0}


def stacked(view: View, stack: Stack) -> Packing:
    """Boxes and frames as a stack has them; parts that the view does not have are passed over."""
    sizes = {node.id: node_size(node.label, node.sublabel) for node in view.nodes}
    boxes = {
        i: Packing(size.width, size.height, {i: Box(0, 0, size.width, size.height)}, {}) for i, size in sizes.items()
    }
    labels = {group.id: group.label for group in view.groups}
    return _placed(stack, boxes, labels, 0.0)


def _placed(stack: Stack, boxes: Mapping[str, Packing], labels: Mapping[str, str], room: float) -> Packing:
    framed = stack.frame in labels
    inner = max(room - 2 * _MARGIN * framed, 0.0)
    parts = list(_parts(stack, boxes, labels, 0.0))
    if stack.down:
        inner = max([inner, *(part.width for part in parts)])
        parts = list(_parts(stack, boxes, labels, inner))
    content = (_column if stack.down else _row)(parts, stack, inner)
    return _framed(content, str(stack.frame), labels[str(stack.frame)]) if framed and parts else content


def _parts(stack: Stack, boxes: Mapping[str, Packing], labels: Mapping[str, str], room: float) -> Iterator[Packing]:
    """What a stack holds, with the room that it gives to those that want it."""
    for part in stack.parts:
        if isinstance(part, Stack):
            placed = _placed(part, boxes, labels, room if part.wide else 0.0)
            if placed.nodes or part.least_px:
                yield placed
        elif part in boxes or not part:
            yield boxes.get(part, _NOTHING)


def _column(parts: Sequence[Packing], stack: Stack, room: float) -> Packing:
    width = max([*(part.width for part in parts), room], default=0.0)
    moved, y = [], 0.0
    for part in parts:
        moved.append(_moved(part, (width - part.width) * _SHARE[stack.align], y))
        y += part.height + stack.gap_px
    return _together(moved, width, max(y - stack.gap_px, 0.0))


def _row(parts: Sequence[Packing], stack: Stack, room: float) -> Packing:
    height = max([stack.least_px, *(part.height for part in parts)])
    taken = sum(part.width for part in parts) + stack.gap_px * max(len(parts) - 1, 0)
    spread = max(room - taken, 0.0) / max(len(parts) - 1, 1)
    moved, x = [], 0.0
    for part in parts:
        moved.append(_moved(part, x, (height - part.height) * _SHARE[stack.align]))
        x += part.width + stack.gap_px + spread
    return _together(moved, max(taken, room), height)


def _framed(content: Packing, group: str, label: str) -> Packing:
    width = max(content.width, group_label_size(label).width) + 2 * _MARGIN
    height = content.height + STRIP_PX + _MARGIN
    inside = _moved(content, (width - content.width) / 2, STRIP_PX)
    frame = Frame(Box(0, 0, width, height), _LABEL_Y)
    return Packing(width, height, inside.nodes, {group: frame, **inside.frames})


def _together(parts: Sequence[Packing], width: float, height: float) -> Packing:
    nodes = {node_id: box for part in parts for node_id, box in part.nodes.items()}
    frames = {group: frame for part in parts for group, frame in part.frames.items()}
    return Packing(width, height, nodes, frames)


def _moved(part: Packing, x: float, y: float) -> Packing:
    nodes = {node_id: box.moved(x, y) for node_id, box in part.nodes.items()}
    frames = {group: frame.moved(x, y) for group, frame in part.frames.items()}
    return Packing(part.width, part.height, nodes, frames)
