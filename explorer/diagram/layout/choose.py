"""Positions for a view: laid out in several ways by Graphviz, in one child process, and the best kept."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from explorer.diagram.geometry import Box, Frame, Geometry
from explorer.diagram.layout.graphviz import PT_PER_INCH, GraphvizProcess, curve, documents, node_box, numbers, point
from explorer.diagram.layout.label_placement import settled
from explorer.diagram.layout.packing import groups_without_way_out, pack, stacked
from explorer.diagram.style import Flow, edge_label_size, group_label_size, node_size
from explorer.diagram.view import Group, View
from explorer.errors import LayoutError
from explorer.graph import EdgeKind

READABLE_WIDTH_PX = 997.0
"""A drawing this wide, with its margins, shows its smallest letters 9 px high when a README scales it to 900 px."""

_WEIGHTS: dict[EdgeKind | Flow, int] = {EdgeKind.DISPATCHES: 8, Flow.TENSORS: 100}
"""How much an edge is kept short and straight: what flows through layers more than what flows past them."""

_SPACING = {"TB": "nodesep=0.32, ranksep=0.5", "LR": "nodesep=0.22, ranksep=0.45"}
"""Room between neighbours and between ranks, in inches."""

_DOWNWARDS = "nodesep=0.45, ranksep=0.6"
"""The same where labels get no room of their own, as a line would bend round it: they stand beside straight ones."""

_IN_HASTE = ", splines=line, mclimit=0.1, nslimit=1, nslimit1=1"
"""Graphviz's limits to the search for few crossings and short edges; lines that bend take most of the time."""

_OFF_LINE_PX = (10.0, 4.0)
"""Width and height that keep a label's background off the line it belongs to."""


@dataclass(frozen=True, slots=True)
class Layered:
    """One way to arrange a view.

    ``leaf_rows`` spreads the leaves under one caller over that many ranks; ``ranked_alone`` ranks the members
    of a frame without regard to the rest, which packs closer and lets edges run backwards. ``straight`` lines, in an
    order that is looked for less long, are drawn in a fraction of the time that curves take.
    """

    direction: str
    leaf_rows: int = 1
    ranked_alone: bool = False
    straight: bool = False

    def request(self, view: View) -> str:
        """The view in DOT, on one line: synthetic names, no text."""
        names = {node.id: f"n{i}" for i, node in enumerate(view.nodes)}
        # With ``newrank`` dot ranks the whole graph at once, without it every cluster alone.
        newrank = str(not self.ranked_alone).lower()
        spacing = _DOWNWARDS if view.downwards else _SPACING[self.direction]
        spacing += _IN_HASTE if self.straight else ""
        return _digraph(
            f"rankdir={self.direction}, newrank={newrank}, labeljust=l, {spacing}",
            *_cluster_statements(view, names, self.direction),
            *(f"{names[n.id]} [{_inches(node_size(n.label, n.sublabel))}];" for n in view.contents[None][1]),
            *_edge_statements(view, names, self.leaf_rows),
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


def _digraph(settings: str, *statements: str) -> str:
    """A graph of boxes without text, on one line."""
    looks = 'node [shape=box, fixedsize=true, label=""]; edge [arrowsize=0.9];'
    return f"digraph view {{ graph [{settings}]; {looks} {' '.join(statements)} }}"


def _cluster_statements(view: View, names: Mapping[str, str], direction: str) -> Iterator[str]:
    closed = groups_without_way_out(view) if direction == "TB" else set()
    indexes = {group.id: i for i, group in enumerate(view.groups)}

    def statement(group: Group) -> str:
        # A cluster's label goes where no edge runs through it: to its bottom where edges only lead in.
        frames, nodes = view.contents[group.id]
        boxes = " ".join(f"{names[n.id]} [{_inches(node_size(n.label, n.sublabel))}];" for n in nodes)
        inner = " ".join(map(statement, frames))
        label = _blank(group_label_size(group.label))
        side = "b" if group.id in closed else "t"
        opened = f"subgraph cluster_{indexes[group.id]} {{ graph [margin=16, labelloc={side}, label={label}];"
        return f"{opened} {boxes} {inner} }}"

    yield from map(statement, view.contents[None][0])


def _inches(box: Box) -> str:
    return f"width={box.width / PT_PER_INCH:.4f}, height={box.height / PT_PER_INCH:.4f}"


def _edge_statements(view: View, names: Mapping[str, str], leaf_rows: int) -> Iterator[str]:
    leaves = _leaf_ranks(view, leaf_rows)
    groups = {node.id: node.group for node in view.nodes}
    for i, edge in enumerate(view.edges):
        weight = _WEIGHTS.get(edge.kind, 1)
        ends = f"{names[edge.source]} -> {names[edge.target]}"
        label, ranks = "", leaves.get(edge.target, 1)
        if edge.label and view.downwards:
            # It stands beside its line, for which there is too little room where a frame begins.
            ranks += groups[edge.source] != groups[edge.target]
        elif edge.label:
            label = f", label={_blank(edge_label_size(edge.label), _OFF_LINE_PX)}"
        yield f"{ends} [id=e{i}, weight={weight}, minlen={ranks}{label}];"


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


def _blank(size: Box, around: tuple[float, float] = (0.0, 0.0)) -> str:
    """An empty label of a fixed size with room around it, in pt.

    Graphviz would measure a text with the fonts of this machine; an empty table is as large everywhere.
    """
    width, height = round(size.width + around[0]), round(size.height + around[1])
    return (
        '<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0" FIXEDSIZE="TRUE" '
        f'WIDTH="{width}" HEIGHT="{height}"><TR><TD></TD></TR></TABLE>>'
    )


def _frame(cluster: Mapping[str, str], high: float) -> Frame:
    left, low, right, top = numbers(cluster["bb"])
    return Frame(Box(left, high - top, right - left, top - low), point(cluster["lp"], high)[1])


@dataclass(frozen=True, slots=True)
class Packed:
    """Everything within a width, and each frame within one of its own; or as the view's stack has it."""

    width_px: float
    frame_px: float
    by_stack: bool = False

    def request(self, view: View) -> str:
        """The view in DOT, on one line: boxes where they are to be, synthetic names, no text."""
        boxes = self._packing(view).nodes
        names = {node_id: f"n{i}" for i, node_id in enumerate(boxes)}
        nodes = (
            f'{names[node_id]} [pos="{box.center[0]:g},{-box.center[1]:g}", {_inches(box)}];'
            for node_id, box in boxes.items()
        )
        edges = (f"{names[e.source]} -> {names[e.target]} [id=e{i}];" for i, e in enumerate(view.edges))
        # ``nop2`` leaves nodes where they are and only routes edges, ``esep`` pt away from boxes.
        return _digraph('layout=nop2, splines=true, esep="+7"', *nodes, *edges)

    def geometry(self, answer: Mapping[str, Any], view: View) -> Geometry:
        """The packing with Graphviz's edges.

        Raises:
            KeyError, ValueError, IndexError: it is no layout of this view.
        """
        packing = self._packing(view)
        if not view.nodes:
            return packing
        # Graphviz moves a drawing so that it begins at 0,0: the first node tells how far.
        first = next(iter(packing.nodes.values())).center
        there = point(next(o for o in answer["objects"] if o["name"] == "n0")["pos"], 0.0)
        shift = first[0] - there[0], first[1] - there[1]
        edges = {e["id"]: e for e in answer.get("edges", ())}
        curves = tuple(curve(edges[f"e{i}"], 0.0).moved(*shift) for i in range(len(view.edges)))
        return replace(packing, curves=curves)

    def _packing(self, view: View) -> Geometry:
        if view.stack and self.by_stack:
            return stacked(view, view.stack)
        return pack(view, self.width_px, self.frame_px)


_PAGE_WIDTH_PX = 940.0
_PAGE_HEIGHT_PX = 1300.0

# A caller with many leaves is wider than a page when they stand in one rank: up to four ranks fold them.
_LAYERED = (
    *(Layered("TB", rows) for rows in (1, 2, 3, 4)),
    Layered("TB", 2, ranked_alone=True),
    Layered("LR"),
    Layered("LR", ranked_alone=True),
)
_PACKED = (Packed(960.0, 960.0), Packed(960.0, 560.0), Packed(760.0, 760.0))

_STRAIGHT = (Layered("TB", straight=True), Layered("LR", straight=True))

_STACKED = Packed(960.0, 960.0, by_stack=True)

_MOST_ROUTED = 64
"""Nodes that edges are routed round at the most: the time for it grows with their cube."""

_MOST_CURVED = 120
"""Edges more than nodes, labelled ones twice, whose lines may bend: the time for it grows with their square."""

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
"""Arrow heads this close to each other look like one."""


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
    # Two ways can ask for the same, such as more ranks of leaves where there are none: it is laid out once.
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
    tried: list[Geometry] = []
    for geometry in geometries:
        tried.append(settled(view, geometry))
        if tried[-1].width <= READABLE_WIDTH_PX:
            return tried[-1]
    return min(tried, key=lambda found: found.width)


def _ways(view: View) -> Iterator[Layered | Packed]:
    """The ways worth trying; those with places of our own last, as ``dot`` stays in that mode once it met one."""
    is_routable = len(view.nodes) <= _MOST_ROUTED
    has_stack = view.stack is not None and is_routable
    if view.stack is None or not has_stack or stacked(view, view.stack).width > _SURELY_FITS_PX:
        layered = _STRAIGHT if _is_thicket(view) else _LAYERED
        yield from (way for way in layered if way.direction == "TB" or not view.downwards)
        yield from _PACKED if is_routable else ()
    if has_stack:
        yield _STACKED


def _is_thicket(view: View) -> bool:
    """Whether there are so many edges that they are drawn straight."""
    labelled = sum(bool(edge.label) for edge in view.edges)
    return (len(view.edges) - len(view.nodes)) * (1 + labelled / max(len(view.edges), 1)) > _MOST_CURVED


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
