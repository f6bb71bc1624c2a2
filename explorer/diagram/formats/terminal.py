"""A slice of the graph as an indented tree of plain lines, for terminals and pipes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from explorer.diagram.view import View, edge_label_of, sublabel_of
from explorer.graph import Edge, EdgeKind, Graph, Node, NodeKind
from explorer.report.wording import EDGE_MARKS, REPEATED

_MARKED = (EdgeKind.CALLS, EdgeKind.DISPATCHES)
"""Kinds of edges that a mark stands for; a pipe has no legend, so that others are written out: ``inherits →``."""

_SOURCE = (NodeKind.MODULE, NodeKind.CLASS, NodeKind.FUNCTION)


@dataclass(frozen=True, slots=True)
class _Step:
    """A node to write: the edge that leads to it, and the guides before it."""

    node_id: str
    edge: Edge | None
    guide: str
    below: str


def tree_lines(graph: Graph, root: str) -> list[str]:
    """The slice from ``root`` down, then what ``root`` does not reach; each node once in full.

    Raises:
        KeyError: ``root`` is not in the slice.
    """
    graph.node(root)
    written: set[str] = set()
    lines: list[str] = []
    for start in (root, *_other_roots(graph), *graph.ids()):
        if start not in written:
            lines += _tree(graph, start, written)
    return lines


def _other_roots(graph: Graph) -> Iterator[str]:
    return (node_id for node_id in graph.ids() if not any(graph.in_edges(node_id)))


def _tree(graph: Graph, start: str, written: set[str]) -> Iterator[str]:
    steps = [_Step(start, None, "", "")]
    while steps:
        step = steps.pop()
        yield _line(graph, step, step.node_id in written)
        if step.node_id not in written:
            written.add(step.node_id)
            steps += reversed(_below(graph, step))


def _below(graph: Graph, step: _Step) -> list[_Step]:
    edges = list(graph.out_edges(step.node_id))
    last = len(edges) - 1
    return [
        _Step(
            edge.target,
            edge,
            f"{step.below}{'└─' if i == last else '├─'}",
            f"{step.below}{'   ' if i == last else '│  '}",
        )
        for i, edge in enumerate(edges)
    ]


def _line(graph: Graph, step: _Step, repeated: bool) -> str:
    node = graph.node(step.node_id)
    mark = _mark(step.edge) if step.edge else ""
    about = REPEATED if repeated else _about(node)
    how = edge_label_of(step.edge, node) if step.edge and not repeated else ""
    parts = filter(None, (_printable(node.name or node.id), _printable(about), _printable(how)))
    return f"{step.guide}{mark}{'  '.join(parts)}"


def _mark(edge: Edge) -> str:
    return f"{EDGE_MARKS[edge.kind]} " if edge.kind in _MARKED else f"{edge.kind} → "


def _about(node: Node) -> str:
    if node.kind not in _SOURCE or not node.file:
        return sublabel_of(node)
    return f"{node.file}:{node.line}" if node.line else node.file


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def view_lines(view: View) -> list[str]:
    """A view as a tree of frames and boxes, each box with what it leads to."""
    names = {node.id: node.label for node in view.nodes}
    lines = [view.title, view.subtitle]
    lines += _members(view, None, "", names)
    return [_printable(line) for line in (*lines, *view.notes) if line]


def _members(view: View, group: str | None, guide: str, names: Mapping[str, str]) -> Iterator[str]:
    frames = [frame for frame in view.groups if frame.parent == group]
    nodes = [node for node in view.nodes if node.group == group]
    last = len(frames) + len(nodes) - 1
    for i, frame in enumerate(frames):
        yield f"{guide}{'└─' if i == last else '├─'} {frame.label}"
        yield from _members(view, frame.id, f"{guide}{'   ' if i == last else '│  '}", names)
    for i, node in enumerate(nodes, len(frames)):
        leads = dict.fromkeys(names[edge.target] for edge in view.edges if edge.source == node.id)
        way = f"→ {', '.join(leads)}" if leads else ""
        parts = filter(None, (node.label, node.sublabel, way))
        yield f"{guide}{'└─' if i == last else '├─'} {'  '.join(parts)}"
