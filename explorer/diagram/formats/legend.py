"""What stands around the drawing: the title above it, the legend and the notes below."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from explorer.diagram import style
from explorer.diagram.formats import svg_elements as shapes
from explorer.diagram.formats.svg_elements import element
from explorer.diagram.geometry import Box, Curve
from explorer.diagram.style import Flow, Head, Look
from explorer.diagram.view import View
from explorer.graph import EdgeKind, Evidence, NodeKind

_EVIDENCE_MEANS = {
    "static": "static: read from source",
    "traced": "traced: only seen running",
    "static + traced": "static + traced: read and seen running",
}

_TITLE_PX = 19.0
_TITLE_LINE = 28.0
_BOLD = 1.12
"""How much wider than regular a bold sans may be."""

_SMALL_PX = 12.0
_LINE = 20.0
_LEGEND_LINE = 24.0
_SAMPLE = 34.0
_SAMPLE_GAP = 8.0
_ENTRY_GAP = 18.0


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One line of a legend; ``sample`` is what it explains: a kind, evidence, a shade, ``None`` for the focus."""

    key: str
    text: str
    sample: NodeKind | Look | EdgeKind | Flow | tuple[Evidence, ...] | int | None


def legend_of(view: View) -> tuple[tuple[LegendEntry, ...], ...]:
    """Entries in rows: node kinds and the focus, shades, edge kinds, evidence; an empty row is left out."""
    kinds = (_node_entries, _shade_entries, _edge_entries, _evidence_entries)
    return tuple(row for entries in kinds if (row := tuple(entries(view))))


def _node_entries(view: View) -> Iterator[LegendEntry]:
    present = {node.kind for node in view.nodes if node.shade is None}
    yield from (LegendEntry(f"node:{kind}", str(kind), kind) for kind in style.NODE_STYLES if kind in present)
    if any(node.focus for node in view.nodes):
        yield LegendEntry("mark:focus", "asked for", None)


def _shade_entries(view: View) -> Iterator[LegendEntry]:
    present = sorted({style.shade_level(node.shade) for node in view.nodes if node.shade is not None})
    for level in present:
        low, high = (round(100 * step / len(style.SHADES)) for step in (level, level + 1))
        yield LegendEntry(f"shade:{level}", f"{low} to {high} % {view.shaded_by}".strip(), level)


def _edge_entries(view: View) -> Iterator[LegendEntry]:
    present = {edge.kind for edge in view.edges}
    return (LegendEntry(f"edge:{kind}", str(kind), kind) for kind in style.EDGE_STYLES if kind in present)


def _evidence_entries(view: View) -> Iterator[LegendEntry]:
    present = {tuple(e for e in Evidence if e in edge.evidence) for edge in view.edges}
    for evidence in sorted(filter(None, present)):
        name = style.evidence_name(evidence)
        yield LegendEntry(f"evidence:{name}", _EVIDENCE_MEANS.get(name, name), evidence)


def title_width(view: View) -> float:
    """Room for the title on one line, in px."""
    return style.sans_width(view.title, _TITLE_PX) * _BOLD


def header(view: View, width: float) -> tuple[list[str], float]:
    """Title and subtitle as SVG, and their height in px."""
    titles = style.wrap(view.title, int(width / (style.SANS_EM * _BOLD * _TITLE_PX)))
    parts, y = [], 0.0
    for line in titles:
        parts.append(shapes.line_of_text(line, 0, y + _TITLE_LINE / 2, _TITLE_PX, bold=True))
        y += _TITLE_LINE
    return _paragraph(view.subtitle, width, parts, y)


def footer(view: View, width: float) -> tuple[list[str], float]:
    """Legend and notes as SVG, and their height in px."""
    parts, y = [], 0.0
    rows = legend_of(view)
    column = max((_entry_width(e) for row in rows for e in row if isinstance(e.sample, StrEnum)), default=1.0)
    for row in rows:
        for line in _flowed(row, width, column):
            parts += [_legend_entry(entry, x, y + _LEGEND_LINE / 2) for entry, x in line]
            y += _LEGEND_LINE
    y += 8.0 if view.notes else 0.0
    for note in view.notes:
        parts, y = _paragraph(note, width, parts, y)
    return parts, y


def _paragraph(value: str, width: float, parts: list[str], y: float) -> tuple[list[str], float]:
    """The parts so far with the lines of a text under them, and where they end."""
    lines = list(style.wrap(value, int(width / (style.SANS_EM * _SMALL_PX))))
    drawn = [
        shapes.line_of_text(line, 0, y + _LINE * (i + 0.5), _SMALL_PX, ink=style.MUTED) for i, line in enumerate(lines)
    ]
    return parts + drawn, y + _LINE * len(lines)


def _flowed(row: Sequence[LegendEntry], width: float, column: float) -> Iterator[list[tuple[LegendEntry, float]]]:
    """Entries with their x on a grid of columns, broken into lines that fit."""
    line: list[tuple[LegendEntry, float]] = []
    x = 0.0
    for entry in row:
        if line and x + _entry_width(entry) - _ENTRY_GAP > width:
            yield line
            line, x = [], 0.0
        line.append((entry, x))
        x += ceil(_entry_width(entry) / column) * column
    yield line


def _entry_width(entry: LegendEntry) -> float:
    return _SAMPLE + _SAMPLE_GAP + style.sans_width(entry.text, _SMALL_PX) + _ENTRY_GAP


def _legend_entry(entry: LegendEntry, x: float, middle: float) -> str:
    words = shapes.line_of_text(entry.text, x + _SAMPLE + _SAMPLE_GAP, middle, _SMALL_PX)
    return element("g", _sample(entry, x, middle) + words, class_="legend-entry", data_key=entry.key)


def _sample(entry: LegendEntry, x: float, middle: float) -> str:
    box = Box(x + 1, middle - 7, _SAMPLE - 2, 14)
    if isinstance(entry.sample, NodeKind | Look):
        return shapes.node_box(entry.sample, box)
    if isinstance(entry.sample, int):
        return shapes.node_box(Look.LAYER, box, shade=(entry.sample + 0.5) / len(style.SHADES))
    if entry.sample is None:
        return shapes.plain_box("box-focus", box, style.PAGE, style.TEXT, shapes.FOCUS_PX, 6)
    start, base, tip = (x, middle), (x + _SAMPLE - 9, middle), (x + _SAMPLE, middle)
    if isinstance(entry.sample, EdgeKind | Flow):
        look = style.EDGE_STYLES[entry.sample]
        line = Curve((start, start, base, base), tip)
        return shapes.arrow(line, look.ink, style.edge_width_px(()), look.dash, look.head)
    ink, width_px = style.edge_ink(EdgeKind.CALLS, entry.sample), style.edge_width_px(entry.sample)
    return shapes.arrow(Curve((start,), tip), ink, width_px, "", Head.NONE)
