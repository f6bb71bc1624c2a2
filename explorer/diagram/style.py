"""Colours and strokes: how each kind of node, edge and evidence looks, in light and in dark.

Hues follow Okabe and Ito, "Color Universal Design" (2008), as tints that keep text at 4.5:1 or better.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from explorer.graph.model import EdgeKind, Evidence, NodeKind


@dataclass(frozen=True, slots=True)
class Ink:
    """A colour (``#rrggbb``) for light and for dark surroundings."""

    light: str
    dark: str


@dataclass(frozen=True, slots=True)
class NodeStyle:
    """How a kind of node is drawn; ``radius_px`` rounds the corners, ``None`` the short sides whole."""

    fill: Ink
    stroke: Ink
    radius_px: float | None = 6.0
    dash: str = ""


class Head(Enum):
    """The end of an arrow."""

    SOLID = "solid triangle"
    HOLLOW = "hollow triangle"
    OPEN = "open angle"
    DIAMOND = "diamond"
    DOT = "dot"


@dataclass(frozen=True, slots=True)
class EdgeStyle:
    """How a kind of edge is drawn. ``dash`` is an SVG dash array in px, empty for a solid line."""

    ink: Ink
    dash: str
    head: Head


PAGE = Ink("#ffffff", "#0d1117")
TEXT = Ink("#1f2328", "#e6edf3")
MUTED = Ink("#4d5761", "#b1bac4")
FRAME = Ink("#f6f8fa", "#151b23")
FRAME_LINE = Ink("#c7d0d9", "#3d444d")

NODE_STYLES = {
    NodeKind.MODULE: NodeStyle(Ink("#d8f1e8", "#0d3a2d"), Ink("#00805d", "#2fbf94"), 0.0),
    NodeKind.CLASS: NodeStyle(Ink("#fdeecb", "#42300a"), Ink("#a87400", "#e69f00")),
    NodeKind.FUNCTION: NodeStyle(Ink("#e2f1fb", "#12324a"), Ink("#2a7fb8", "#56b4e9")),
    NodeKind.MODEL: NodeStyle(Ink("#f8e4ef", "#45213a"), Ink("#a94d84", "#cc79a7"), None),
    NodeKind.WEIGHTS: NodeStyle(Ink("#faf6c4", "#3b380c"), Ink("#857c00", "#f0e442"), None),
    NodeKind.ALIAS: NodeStyle(Ink("#fbe2d5", "#4a220b"), Ink("#c25400", "#ec8240"), None, "4 3"),
    NodeKind.PARAMETER: NodeStyle(Ink("#dce5f7", "#17264a"), Ink("#3a5bb0", "#7d9bea"), 0.0),
    NodeKind.EXTERNAL: NodeStyle(Ink("#eceef1", "#262c34"), Ink("#6a737d", "#8b949e"), 6.0, "4 3"),
}

_SLATE = Ink("#57606a", "#9aa5b1")
_PURPLE = Ink("#a3367a", "#e58fc4")
_BLUE = Ink("#0a5c93", "#6cb8ef")
_GREEN = Ink("#00735a", "#45c8a0")

EDGE_STYLES = {
    EdgeKind.CONTAINS: EdgeStyle(_SLATE, "1.5 3", Head.DOT),
    EdgeKind.IMPORTS: EdgeStyle(_SLATE, "1.5 3", Head.OPEN),
    EdgeKind.INHERITS: EdgeStyle(_BLUE, "", Head.HOLLOW),
    EdgeKind.CALLS: EdgeStyle(_SLATE, "", Head.SOLID),
    EdgeKind.REGISTERS: EdgeStyle(_GREEN, "9 3 2 3", Head.OPEN),
    EdgeKind.DISPATCHES: EdgeStyle(_PURPLE, "7 4", Head.SOLID),
    EdgeKind.CONFIGURES: EdgeStyle(_GREEN, "", Head.OPEN),
    EdgeKind.REPLACES: EdgeStyle(_PURPLE, "3 3", Head.OPEN),
    EdgeKind.COMPOSES: EdgeStyle(_BLUE, "", Head.DIAMOND),
    EdgeKind.PASSES: EdgeStyle(_BLUE, "3 3", Head.SOLID),
}

TRACED_INK = Ink("#c04a00", "#ff9d5c")
"""For an edge that was only seen running: source reading missed it."""


def evidence_name(evidence: Collection[Evidence]) -> str:
    """``static``, ``traced`` or ``static + traced``."""
    return " + ".join(str(e) for e in Evidence if e in evidence)


def edge_ink(kind: EdgeKind, evidence: Collection[Evidence]) -> Ink:
    """The colour of an edge: its kind's, unless only a trace knows it."""
    return EDGE_STYLES[kind].ink if Evidence.STATIC in evidence or not evidence else TRACED_INK


def edge_width_px(evidence: Collection[Evidence]) -> float:
    """The stroke of an edge, in px: heavier when it was seen running."""
    return 2.4 if Evidence.TRACED in evidence else 1.4
