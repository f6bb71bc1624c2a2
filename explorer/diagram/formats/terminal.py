"""A slice of the graph as an indented tree of plain lines, for terminals and pipes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from explorer.diagram.view import Group, View, ViewNode, edge_label_of, place_of, sublabel_of
from explorer.graph import Edge, EdgeKind, Graph, Node, NodeKind
from explorer.plain_text import plain_line
from explorer.report.wording import EDGE_MARKS, REPEATED

T = TypeVar("T")

_MARKED = (EdgeKind.CALLS, EdgeKind.DISPATCHES)
"""Kinds of edges that a mark stands for; a pipe has no legend, so that others are written out: ``inherits →``."""

_SOURCE = (NodeKind.MODULE, NodeKind.CLASS, NodeKind.FUNCTION)


def tree_lines(graph: Graph, root: str) -> list[str]:
    """The slice from ``root`` down, then what ``root`` does not reach; each node once in full.

    Raises:
        KeyError: ``root`` is not in the slice.
    """
    graph.node(root)
    written: set[str] = set()
    lines: list[str] = []
    # What has no caller comes before what is left, which is in cycles that nothing leads into.
    other_roots = (node_id for node_id in graph.ids() if not any(graph.in_edges(node_id)))
    for start in (root, *other_roots, *graph.ids()):
        if start not in written:
            lines += _tree(graph, start, written)
    return lines


def _tree(graph: Graph, start: str, written: set[str]) -> Iterator[str]:
    # A list of what is still to write, and no recursion: calls of other people's code may be nested very deep.
    waiting: list[tuple[str, Edge | None, str, str]] = [(start, None, "", "")]
    while waiting:
        node_id, edge, guide, below = waiting.pop()
        is_repeated = node_id in written
        yield guide + _line(graph.node(node_id), edge, is_repeated)
        if not is_repeated:
            written.add(node_id)
            branches = _branches(list(graph.out_edges(node_id)), below)
            waiting += reversed([(edge.target, edge, guide, inner) for edge, guide, inner in branches])


def _branches(items: Sequence[T], guide: str) -> Iterator[tuple[T, str, str]]:
    """Things under one other, each with the guide before it, and the one before what is under it."""
    for item in items[:-1]:
        yield item, f"{guide}├─", f"{guide}│  "
    for item in items[-1:]:
        yield item, f"{guide}└─", f"{guide}   "


def _line(node: Node, edge: Edge | None, is_repeated: bool) -> str:
    place = place_of(node) if node.kind in _SOURCE and node.file else sublabel_of(node)
    how = edge_label_of(edge, node) if edge and not is_repeated else ""
    parts = filter(None, (node.name or node.id, REPEATED if is_repeated else place, how))
    return (_mark(edge) if edge else "") + "  ".join(map(plain_line, parts))


def _mark(edge: Edge) -> str:
    return f"{EDGE_MARKS[edge.kind]} " if edge.kind in _MARKED else f"{edge.kind} → "


def view_lines(view: View) -> list[str]:
    """A view as a tree of frames and boxes, each box with what it leads to."""
    names = {node.id: node.label for node in view.nodes}
    lines = [view.title, view.subtitle]
    lines += _members(view, None, "", names)
    return [plain_line(line) for line in (*lines, *view.notes) if line]


def _members(view: View, group: str | None, guide: str, names: Mapping[str, str]) -> Iterator[str]:
    frames, nodes = view.contents[group]
    members: list[Group | ViewNode] = [*frames, *nodes]
    for member, before, below in _branches(members, guide):
        if isinstance(member, Group):
            yield f"{before} {member.label}"
            yield from _members(view, member.id, below, names)
            continue
        leads = dict.fromkeys(names[edge.target] for edge in view.edges if edge.source == member.id)
        way = f"→ {', '.join(leads)}" if leads else ""
        yield f"{before} {'  '.join(filter(None, (member.label, member.sublabel, way)))}"
