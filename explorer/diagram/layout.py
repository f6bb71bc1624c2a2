"""Positions for a view, by Graphviz's ``dot``; sizes come from our own metrics, so no font matters to it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from explorer.diagram.geometry import Box, Curve, Frame, Geometry, Point
from explorer.diagram.metrics import Size, edge_label_size, group_label_size, node_size
from explorer.diagram.process import GraphvizProcess
from explorer.diagram.view import View
from explorer.errors import LayoutError
from explorer.graph.model import EdgeKind

_PT_PER_INCH = 72.0
_PAGE_WIDTH_PX = 940.0
_PAGE_HEIGHT_PX = 1400.0


@dataclass(frozen=True, slots=True)
class _Plan:
    """One way to arrange a view.

    ``leaf_rows`` spreads the leaves under one caller over that many ranks; ``ranked_alone`` ranks the members
    of a frame without regard to the rest, which packs closer and lets edges run backwards.
    """

    direction: str
    leaf_rows: int = 1
    ranked_alone: bool = False


_PLANS = (
    *(_Plan("TB", rows) for rows in (1, 2, 3, 4)),
    _Plan("TB", 2, ranked_alone=True),
    _Plan("LR"),
    _Plan("LR", ranked_alone=True),
)
_BACKWARDS_COST = 0.06
"""What an edge against the reading direction costs, in parts of the picture's size."""

_COLLISION_COST = 0.03
_HEAD_PX = 8.0


def lay_out(view: View, time_limit_s: float = 10.0, graphviz: GraphvizProcess | None = None) -> Geometry:
    """Lay a view out in every plan and keep the picture that shrinks least on a page.

    Args:
        view: what to place.
        time_limit_s: for all of it.
        graphviz: a child started earlier; it is used up.

    Raises:
        LayoutError: Graphviz failed, or was still at it after ``time_limit_s``.
    """
    requests = list(dict.fromkeys(_dot(view, plan) for plan in _PLANS))
    answers = (graphviz or GraphvizProcess()).lay_out(requests, time_limit_s)
    try:
        candidates = [_geometry(answer, view) for answer in _documents(answers)]
    except (KeyError, ValueError, IndexError) as error:
        raise LayoutError("Graphviz gave an answer that cannot be read") from error
    return min(candidates, key=_cost)


def _cost(geometry: Geometry) -> tuple[float, float]:
    to_fit = max(geometry.width / _PAGE_WIDTH_PX, geometry.height / _PAGE_HEIGHT_PX, 1.0)
    flaws = _BACKWARDS_COST * _backwards(geometry) + _COLLISION_COST * _collisions(geometry)
    return to_fit + flaws, geometry.width * geometry.height


def _backwards(geometry: Geometry) -> int:
    """Edges that run up a picture read downwards, or left in one read to the right."""
    rises = [(curve.tip[0] - curve.points[0][0], curve.tip[1] - curve.points[0][1]) for curve in geometry.curves]
    return min(sum(x < 0 for x, _ in rises), sum(y < 0 for _, y in rises))


def _collisions(geometry: Geometry) -> int:
    """Arrow heads that lie on another's, counted by the cells of a grid that they share."""
    cells = {(x // _HEAD_PX, y // _HEAD_PX) for x, y in (curve.tip for curve in geometry.curves)}
    return len(geometry.curves) - len(cells)


_SPACING = {"TB": "nodesep=0.32, ranksep=0.5", "LR": "nodesep=0.22, ranksep=0.45"}
"""Room between neighbours and between ranks, in inches."""

# DOT for layout: synthetic names, no text


def _dot(view: View, plan: _Plan) -> str:
    names = {node.id: f"n{i}" for i, node in enumerate(view.nodes)}
    newrank = str(not plan.ranked_alone).lower()
    return " ".join(
        (
            f"digraph view {{ graph [rankdir={plan.direction}, newrank={newrank}, labeljust=l];",
            f"graph [{_SPACING[plan.direction]}];",
            'node [shape=box, fixedsize=true, label=""]; edge [arrowsize=0.9];',
            *_cluster_statements(view, names, plan),
            *(f"{names[n.id]} {_node_size(n.label, n.sublabel)};" for n in view.nodes if n.group is None),
            *_edge_statements(view, names, plan),
            "}",
        )
    )


def _cluster_statements(view: View, names: Mapping[str, str], plan: _Plan) -> Iterator[str]:
    closed = _groups_without_way_out(view) if plan.direction == "TB" else set()
    for i, group in enumerate(view.groups):
        members = (n for n in view.nodes if n.group == group.id)
        boxes = " ".join(f"{names[n.id]} {_node_size(n.label, n.sublabel)};" for n in members)
        label = _blank(group_label_size(group.label))
        side = "b" if group.id in closed else "t"
        yield f"subgraph cluster_{i} {{ graph [margin=16, labelloc={side}, label={label}]; {boxes} }}"


def _groups_without_way_out(view: View) -> set[str]:
    """Groups that edges only lead into: read downwards, none crosses the bottom of their frames."""
    group_of = {node.id: node.group for node in view.nodes}
    left = {group_of[e.source] for e in view.edges if group_of[e.source] != group_of[e.target]}
    entered = {group_of[e.target] for e in view.edges if group_of[e.source] != group_of[e.target]}
    return {group for group in entered - left if group is not None}


def _node_size(label: str, sublabel: str) -> str:
    size = node_size(label, sublabel)
    return f"[width={size.width / _PT_PER_INCH:.4f}, height={size.height / _PT_PER_INCH:.4f}]"


def _edge_statements(view: View, names: Mapping[str, str], plan: _Plan) -> Iterator[str]:
    leaves = _leaf_ranks(view, plan.leaf_rows)
    for i, edge in enumerate(view.edges):
        label = f", label={_blank(_apart(edge_label_size(edge.label)))}" if edge.label else ""
        weight = 8 if edge.kind is EdgeKind.DISPATCHES else 1
        ends = f"{names[edge.source]} -> {names[edge.target]}"
        yield f"{ends} [id=e{i}, weight={weight}, minlen={leaves.get(edge.target, 1)}{label}];"


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


# Graphviz's answer


def _documents(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    text = text.strip()
    while text:
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:].lstrip()


def _geometry(answer: dict[str, Any], view: View) -> Geometry:
    left, low, right, high = _numbers(answer["bb"])
    objects = {o["name"]: o for o in answer.get("objects", ())}
    edges = {e["id"]: e for e in answer.get("edges", ())}
    return Geometry(
        right - left,
        high - low,
        {n.id: _node_box(objects[f"n{i}"], high) for i, n in enumerate(view.nodes)},
        {g.id: _frame(objects[f"cluster_{i}"], high) for i, g in enumerate(view.groups)},
        tuple(_curve(edges[f"e{i}"], high) for i in range(len(view.edges))),
    )


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


def _node_box(node: Mapping[str, str], high: float) -> Box:
    x, y = _point(node["pos"], high)
    width, height = float(node["width"]) * _PT_PER_INCH, float(node["height"]) * _PT_PER_INCH
    return Box(x - width / 2, y - height / 2, width, height)


def _frame(cluster: Mapping[str, str], high: float) -> Frame:
    left, low, right, top = _numbers(cluster["bb"])
    return Frame(Box(left, high - top, right - left, top - low), _point(cluster["lp"], high)[1])


def _curve(edge: Mapping[str, str], high: float) -> Curve:
    """``pos`` is ``e,x,y`` (the arrow's tip) followed by the spline's points."""
    places = edge["pos"].split()
    tips = [_point(p[2:], high) for p in places if p.startswith("e,")]
    points = tuple(_point(p, high) for p in places if p[0] not in "es")
    return Curve(points, tips[0] if tips else points[-1], _point(edge["lp"], high) if "lp" in edge else None)


def _point(text: str, high: float) -> Point:
    x, y = _numbers(text)
    return x, high - y
