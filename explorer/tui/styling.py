"""What pieces of text share: cuts to a width, colours, tables of two columns, and nothing that drives the terminal.

The cuts count characters and not cells: what is cut are names and paths of Python code.
"""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.color import Color
from textual.filter import LineFilter
from textual.widget import Widget

from explorer.diagram.style import NODE_STYLES
from explorer.graph import NodeKind
from explorer.plain_text import plain_cells, plain_line


class PlainCells(LineFilter):
    """Takes out what would reach the terminal as a command, whatever widget wrote it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments, as wide as they were."""
        return [Segment(plain_cells(text, cell_len), style, control) for text, style, control in segments]


def ink(kind: NodeKind, dark: bool) -> str:
    """The colour of a kind of node (``#rrggbb``): that of its outline in the diagrams."""
    stroke = NODE_STYLES[kind].stroke
    return stroke.dark if dark else stroke.light


def foreground(widget: Widget, name: str) -> Style:
    """What a component class says of the letters, its colour blended with the background, and nothing else."""
    # Its background is left out, since that would paint over the one that a line under the cursor has.
    full = widget.get_component_rich_style(name)
    return Style(color=full.color, bold=full.bold, underline=full.underline)


def middle_cut(text: str, width: int) -> str:
    """The text on one line in at most ``width`` characters, an ellipsis where its middle was."""
    text = plain_line(text)
    if len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail = (width - 1) // 3
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def end_cut(text: str, width: int) -> str:
    """The text on one line in at most ``width`` characters, an ellipsis where its end was."""
    text = plain_line(text)
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"[: max(0, width)]


def start_cut(text: str, width: int) -> str:
    """The text on one line in at most ``width`` characters, an ellipsis where its start was."""
    text = plain_line(text)
    return text if len(text) <= width else f"…{text[len(text) - max(0, width - 1) :]}"[: max(0, width)]


def two_columns(rows: Sequence[tuple[Text, Text]], least_width: int = 0) -> Table:
    """Names beside values, as wide as there is room; a name is never folded, a value that is too long is.

    Args:
        rows: name and value of each.
        least_width: of the names, so that tables below one another line up.
    """
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(width=max(least_width, *(name.cell_len for name, _ in rows)), no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table
