"""Layouts by Graphviz's ``dot``: ranks along the edges. Sizes come from our own metrics, so no font matters to it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from explorer.diagram.geometry import Box, Frame, Geometry
from explorer.diagram.layout.graphviz_json import PT_PER_INCH, curve, node_box, numbers, point
from explorer.diagram.layout.order import groups_without_way_out
from explorer.diagram.style.colours import Flow
from explorer.diagram.style.text_metrics import Size, edge_label_size, group_label_size, node_size
from explorer.diagram.view import Group, View, ViewEdge
from explorer.graph import EdgeKind

_SPACING = {"TB": "nodesep=0.32, ranksep=0.5", "LR": "nodesep=0.22, ranksep=0.45"}
"""Room between neighbours and between ranks, in inches."""

_DOWNWARDS = "nodesep=0.45, ranksep=0.6"
"""The same where labels get no room of their own, as a line would bend round it: they stand beside straight ones."""


@dataclass(frozen=True, slots=True)
class Layered:
    """One way to arrange a view.

    ``leaf_rows`` spreads the leaves under one caller over that many ranks; ``ranked_alone`` ranks the members
    of a frame without regard to the rest, which packs closer and lets edges run backwards.
    """

    direction: str
    leaf_rows: int = 1
    ranked_alone: bool = False

    def request(self, view: View) -> str:
        """The view in DOT, on one line: synthetic names, no text."""
        names = {node.id: f"n{i}" for i, node in enumerate(view.nodes)}
        newrank = str(not self.ranked_alone).lower()
        return " ".join(
            (
                f"digraph view {{ graph [rankdir={self.direction}, newrank={newrank}, labeljust=l];",
                f"graph [{_DOWNWARDS if view.downwards else _SPACING[self.direction]}];",
                'node [shape=box, fixedsize=true, label=""]; edge [arrowsize=0.9];',
                *_cluster_statements(view, names, self.direction),
                *(f"{names[n.id]} {_node_size(n.label, n.sublabel)};" for n in view.nodes if n.group is None),
                *_edge_statements(view, names, self.leaf_rows),
                "}",
            )
        )

    def geometry(self, answer: Mapping[str, Any], view: View) -> Geometry:
        """Graphviz's answer as positions.

        Raises:
            KeyError, ValueError, IndexError: it is no layout of this view.
        """
        left, low, right, high = numbers(answer["bb"])
        objects = {o["name"]: o for o in answer.get("objects", ())}
        edges = {e["id"]: e for e in answer.get("edges", ())}
        return Geometry(
            right - left,
            high - low,
            {n.id: node_box(objects[f"n{i}"], high) for i, n in enumerate(view.nodes)},
            {g.id: _frame(objects[f"cluster_{i}"], high) for i, g in enumerate(view.groups)},
            tuple(curve(edges[f"e{i}"], high) for i in range(len(view.edges))),
        )


def _cluster_statements(view: View, names: Mapping[str, str], direction: str) -> Iterator[str]:
    closed = groups_without_way_out(view) if direction == "TB" else set()
    indexes = {group.id: i for i, group in enumerate(view.groups)}

    def statement(group: Group) -> str:
        members = (n for n in view.nodes if n.group == group.id)
        boxes = " ".join(f"{names[n.id]} {_node_size(n.label, n.sublabel)};" for n in members)
        inner = " ".join(statement(g) for g in view.groups if g.parent == group.id)
        label = _blank(group_label_size(group.label))
        side = "b" if group.id in closed else "t"
        opened = f"subgraph cluster_{indexes[group.id]} {{ graph [margin=16, labelloc={side}, label={label}];"
        return f"{opened} {boxes} {inner} }}"

    yield from (statement(group) for group in view.groups if group.parent is None)


def _node_size(label: str, sublabel: str) -> str:
    size = node_size(label, sublabel)
    return f"[width={size.width / PT_PER_INCH:.4f}, height={size.height / PT_PER_INCH:.4f}]"


_WEIGHTS: dict[EdgeKind | Flow, int] = {EdgeKind.DISPATCHES: 8, Flow.TENSORS: 100}
"""How much an edge is kept short and straight: what flows through layers more than what flows past them."""


def _edge_statements(view: View, names: Mapping[str, str], leaf_rows: int) -> Iterator[str]:
    leaves = _leaf_ranks(view, leaf_rows)
    groups = {node.id: node.group for node in view.nodes}
    for i, edge in enumerate(view.edges):
        weight = _WEIGHTS.get(edge.kind, 1)
        ends = f"{names[edge.source]} -> {names[edge.target]}"
        label, ranks = _label(edge), leaves.get(edge.target, 1)
        if view.downwards and label:
            # It stands beside its line, for which there is too little room where a frame begins.
            label, ranks = "", ranks + (groups[edge.source] != groups[edge.target])
        yield f"{ends} [id=e{i}, weight={weight}, minlen={ranks}{label}];"


def _label(edge: ViewEdge) -> str:
    return f", label={_blank(_apart(edge_label_size(edge.label)))}" if edge.label else ""


def _leaf_ranks(view: View, rows: int) -> dict[str, int]:
    """How many ranks below its only caller each leaf goes."""
    reached = Counter(edge.target for edge in view.edges)
    callers = {edge.source for edge in view.edges}
    leaves_of: Counter[str] = Counter()
    ranks = {}
    for edge in view.edges:
        if reached[edge.target] == 1 and edge.target not in callers:
            ranks[edge.target] = 1 + leaves_of[edge.source] % rows
            leaves_of[edge.source] += 1
    return ranks


def _apart(size: Size) -> Size:
    """Room that keeps a label's background off the line it belongs to."""
    return Size(size.width + 10.0, size.height + 4.0)


def _blank(size: Size) -> str:
    """An empty label of a fixed size, in pt."""
    width, height = round(size.width), round(size.height)
    return (
        '<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0" FIXEDSIZE="TRUE" '
        f'WIDTH="{width}" HEIGHT="{height}"><TR><TD></TD></TR></TABLE>>'
    )


def _frame(cluster: Mapping[str, str], high: float) -> Frame:
    left, low, right, top = numbers(cluster["bb"])
    return Frame(Box(left, high - top, right - left, top - low), point(cluster["lp"], high)[1])
