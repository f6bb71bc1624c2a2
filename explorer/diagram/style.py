"""How things look, in light and in dark, and how much room their words need."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from itertools import accumulate
from unicodedata import east_asian_width

from explorer.diagram.geometry import Box
from explorer.graph import EdgeKind, Evidence, NodeKind
from explorer.plain_text import plain_line


@dataclass(frozen=True, slots=True)
class Ink:
    """A colour (``#rrggbb``) for light and for dark surroundings."""

    light: str
    dark: str


class Look(StrEnum):
    """What a picture shows besides nodes of the graph."""

    GROUP = "group"
    """Several things folded into one box."""
    LAYER = "layer"
    """A module of a built model."""
    OPERATOR = "operator"
    """An operation on tensors."""
    TENSOR = "tensor"
    """What goes into a model, or comes out."""
    NODE = "node"
    """Something in a drawing that is not ours."""


class Flow(StrEnum):
    """How things in a picture are joined besides by edges of the graph."""

    TENSORS = "tensors"
    """What one gives, the other takes."""
    RESIDUAL = "residual"
    """The same, past what stands between the two."""
    LEADS = "leads to"
    """One comes after the other."""
    USES = "uses"
    """One is made with the other, perhaps by way of what is not shown."""
    JOINS = "joined"
    """The two belong together, neither comes first."""


@dataclass(frozen=True, slots=True)
class NodeStyle:
    """How a kind of node is drawn; ``radius_px`` rounds the corners, ``None`` the short sides whole."""

    fill: Ink
    stroke: Ink
    radius_px: float | None = 6.0
    dash: str = ""


class Head(Enum):
    """The end of an arrow, by its name in DOT."""

    SOLID = "normal"
    HOLLOW = "empty"
    OPEN = "vee"
    DIAMOND = "diamond"
    DOT = "dot"
    NONE = "none"


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

NODE_STYLES: dict[NodeKind | Look, NodeStyle] = {
    NodeKind.MODULE: NodeStyle(Ink("#d8f1e8", "#0d3a2d"), Ink("#00805d", "#2fbf94"), 0.0),
    NodeKind.CLASS: NodeStyle(Ink("#fdeecb", "#42300a"), Ink("#a87400", "#e69f00")),
    NodeKind.FUNCTION: NodeStyle(Ink("#e2f1fb", "#12324a"), Ink("#2a7fb8", "#56b4e9")),
    NodeKind.MODEL: NodeStyle(Ink("#f8e4ef", "#45213a"), Ink("#a94d84", "#cc79a7"), None),
    NodeKind.WEIGHTS: NodeStyle(Ink("#faf6c4", "#3b380c"), Ink("#857c00", "#f0e442"), None),
    NodeKind.ALIAS: NodeStyle(Ink("#fbe2d5", "#4a220b"), Ink("#c25400", "#ec8240"), None, "4 3"),
    NodeKind.PARAMETER: NodeStyle(Ink("#dce5f7", "#17264a"), Ink("#3a5bb0", "#7d9bea"), 0.0),
    NodeKind.EXTERNAL: NodeStyle(Ink("#eceef1", "#262c34"), Ink("#6a737d", "#8b949e"), 6.0, "4 3"),
    Look.GROUP: NodeStyle(Ink("#eef0f4", "#20262e"), Ink("#57606a", "#9aa5b1"), 2.0),
    Look.LAYER: NodeStyle(Ink("#e2f1fb", "#12324a"), Ink("#2a7fb8", "#56b4e9"), 4.0),
    Look.OPERATOR: NodeStyle(Ink("#fdeecb", "#42300a"), Ink("#a87400", "#e69f00"), None),
    Look.NODE: NodeStyle(Ink("#eef0f4", "#20262e"), Ink("#57606a", "#9aa5b1")),
    Look.TENSOR: NodeStyle(Ink("#f8e4ef", "#45213a"), Ink("#a94d84", "#cc79a7"), None),
}

_SLATE = Ink("#57606a", "#9aa5b1")
_PURPLE = Ink("#a3367a", "#e58fc4")
_BLUE = Ink("#0a5c93", "#6cb8ef")
_GREEN = Ink("#00735a", "#45c8a0")

# Lines that meet in one picture differ in dash or head too: colour alone does not reach everybody, nor a printer.
EDGE_STYLES: dict[EdgeKind | Flow, EdgeStyle] = {
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
    Flow.TENSORS: EdgeStyle(_SLATE, "", Head.SOLID),
    Flow.RESIDUAL: EdgeStyle(_PURPLE, "8 3", Head.SOLID),
    Flow.LEADS: EdgeStyle(_SLATE, "", Head.OPEN),
    Flow.JOINS: EdgeStyle(_SLATE, "", Head.NONE),
    Flow.USES: EdgeStyle(_BLUE, "4 3", Head.SOLID),
}

SHADES = (
    Ink("#fff9f1", "#1d1710"),
    Ink("#ffebd0", "#33250f"),
    Ink("#ffdaa8", "#4a330e"),
    Ink("#ffc980", "#5f3f0b"),
)
"""Fills from little to much of what a picture shades by, in equal steps."""


def shade_level(shade: float) -> int:
    """Which of :data:`SHADES` a part of 0 to 1 has."""
    return min(int(shade * len(SHADES)), len(SHADES) - 1)


TRACED_INK = Ink("#c04a00", "#ff9d5c")
"""For an edge that was only seen running: source reading missed it."""


def evidence_name(evidence: Collection[Evidence]) -> str:
    """``static``, ``traced`` or ``static + traced``."""
    return " + ".join(str(e) for e in Evidence if e in evidence)


def edge_ink(kind: EdgeKind | Flow, evidence: Collection[Evidence]) -> Ink:
    """The colour of an edge: its kind's, unless only a trace knows it."""
    return EDGE_STYLES[kind].ink if Evidence.STATIC in evidence or not evidence else TRACED_INK


def edge_width_px(evidence: Collection[Evidence]) -> float:
    """The stroke of an edge, in px: heavier when it was seen running."""
    return 2.4 if Evidence.TRACED in evidence else 1.4


MONO_STACK = (
    "ui-monospace, SFMono-Regular, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', "
    "'Noto Sans Mono', 'Ubuntu Mono', monospace"
)
SANS_STACK = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"

MONO_EM = 0.62
"""Width of one cell of the monospace stack, in em."""

SANS_EM = 0.66
"""Mean width of a character of the sans stack, in em: DejaVu Sans, the widest of them, stays under it."""

LABEL_PX = 13.0
SUBLABEL_PX = 10.5
EDGE_LABEL_PX = 10.5
GROUP_LABEL_PX = 11.0

LABEL_CELLS = 34
"""Longest label shown whole, in cells; a longer one is elided and its tooltip holds it."""

SUBLABEL_CELLS = 42
EDGE_LABEL_CELLS = 44
GROUP_LABEL_CELLS = 60

_PAD_X = 14.0
_ONE_LINE_HEIGHT = 34.0
_TWO_LINE_HEIGHT = 46.0
_STEP_X = 8.0


def cells(text: str) -> int:
    """Cells a text takes: one a character, two where a font may draw it double (CJK, emoji, arrows)."""
    if text.isascii():
        return len(text)
    classes = ((character, east_asian_width(character)) for character in text)
    return sum(2 if width in "WF" or (width == "A" and character > "\xff") else 1 for character, width in classes)


def mono_width(text: str, font_px: float) -> float:
    """Room for a text in the monospace stack, in px."""
    return cells(text) * MONO_EM * font_px


def sans_width(text: str, font_px: float) -> float:
    """Room for a text in the sans stack, in px."""
    return cells(text) * SANS_EM * font_px


def elide(text: str, max_cells: int) -> str:
    """The text, or its two ends around ``…`` when it takes more than ``max_cells``; always one line."""
    text = plain_line(" ".join(text.split()))
    if cells(text) <= max_cells:
        return text
    room = max_cells - cells("…")
    head = _prefix(text, (room + 1) // 2)
    tail = _prefix(text[::-1], room - (room + 1) // 2)[::-1]
    return f"{head}…{tail}"


def _prefix(text: str, max_cells: int) -> str:
    return text[: sum(taken <= max_cells for taken in accumulate(map(cells, text)))]


def wrap(text: str, max_cells: int) -> Iterator[str]:
    """Lines of a text, broken between words; a word longer than a line is elided."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}".lstrip()
        if line and cells(longer) > max_cells:
            yield elide(line, max_cells)
            longer = word
        line = longer
    if line:
        yield elide(line, max_cells)


def node_lines(label: str, sublabel: str) -> tuple[str, str]:
    """A node's two lines as they are drawn."""
    return elide(label, LABEL_CELLS), elide(sublabel, SUBLABEL_CELLS)


def node_size(label: str, sublabel: str) -> Box:
    """The box for a node's two lines; widths come in steps so that boxes stacked on each other align."""
    first, second = node_lines(label, sublabel)
    text = max(mono_width(first, LABEL_PX), mono_width(second, SUBLABEL_PX))
    steps = -(-(text + 2 * _PAD_X) // _STEP_X)
    return Box(0, 0, max(steps * _STEP_X, 64.0), _TWO_LINE_HEIGHT if second else _ONE_LINE_HEIGHT)


def edge_label_size(label: str) -> Box:
    """The background for an edge's label."""
    return Box(0, 0, mono_width(elide(label, EDGE_LABEL_CELLS), EDGE_LABEL_PX) + 6.0, EDGE_LABEL_PX + 7.0)


def group_label_size(label: str) -> Box:
    """Room for a frame's label."""
    return Box(0, 0, mono_width(elide(label, GROUP_LABEL_CELLS), GROUP_LABEL_PX) + 4.0, GROUP_LABEL_PX + 6.0)
