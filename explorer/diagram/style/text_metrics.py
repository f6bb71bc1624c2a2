"""How much room text needs, in px: a budget that no viewer's font exceeds, not a measurement.

Text in boxes is set in a monospace stack; the widest of its fonts (SF Mono) advances 0.618 em a character.
"""

from collections.abc import Iterator
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height, in px."""

    width: float
    height: float


def cells(text: str) -> int:
    """Cells a text takes: one a character, two where a font may draw it double (CJK, emoji, arrows)."""
    if text.isascii():
        return len(text)
    from unicodedata import east_asian_width

    return sum(2 if _may_be_wide(c, east_asian_width(c)) else 1 for c in text)


def _may_be_wide(character: str, width_class: str) -> bool:
    if width_class in "WF":
        return True
    return width_class == "A" and character > "\xff"


def mono_width(text: str, font_px: float) -> float:
    """Room for a text in the monospace stack, in px."""
    return cells(text) * MONO_EM * font_px


def sans_width(text: str, font_px: float) -> float:
    """Room for a text in the sans stack, in px."""
    return cells(text) * SANS_EM * font_px


def elide(text: str, max_cells: int) -> str:
    """The text, or its two ends around ``…`` when it takes more than ``max_cells``; always one line."""
    text = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))
    if cells(text) <= max_cells:
        return text
    room = max_cells - cells("…")
    head = _prefix(text, (room + 1) // 2)
    tail = _prefix(text[::-1], room - (room + 1) // 2)[::-1]
    return f"{head}…{tail}"


def _prefix(text: str, max_cells: int) -> str:
    taken = 0
    for i, character in enumerate(text):
        taken += cells(character)
        if taken > max_cells:
            return text[:i]
    return text


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


def node_size(label: str, sublabel: str) -> Size:
    """The box for a node's two lines; widths come in steps so that boxes stacked on each other align."""
    first, second = node_lines(label, sublabel)
    text = max(mono_width(first, LABEL_PX), mono_width(second, SUBLABEL_PX))
    steps = -(-(text + 2 * _PAD_X) // _STEP_X)
    return Size(max(steps * _STEP_X, 64.0), _TWO_LINE_HEIGHT if second else _ONE_LINE_HEIGHT)


def edge_label_size(label: str) -> Size:
    """The background for an edge's label."""
    return Size(mono_width(elide(label, EDGE_LABEL_CELLS), EDGE_LABEL_PX) + 6.0, EDGE_LABEL_PX + 7.0)


def group_label_size(label: str) -> Size:
    """Room for a frame's label."""
    return Size(mono_width(elide(label, GROUP_LABEL_CELLS), GROUP_LABEL_PX) + 4.0, GROUP_LABEL_PX + 6.0)
