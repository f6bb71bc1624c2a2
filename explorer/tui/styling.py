"""How text is cut to a width, and where its colours come from."""

from rich.style import Style
from textual.widget import Widget

from explorer.diagram.style import NODE_STYLES
from explorer.graph import NodeKind


def ink(kind: NodeKind, dark: bool) -> str:
    """The colour of a kind of node (``#rrggbb``): that of its outline in the diagrams."""
    stroke = NODE_STYLES[kind].stroke
    return stroke.dark if dark else stroke.light


def foreground(widget: Widget, name: str) -> Style:
    """What a component class says of the letters, its colour blended with the background, and nothing else.

    The background is left out because a line under the cursor has one of its own, which it would paint over.
    """
    full = widget.get_component_rich_style(name)
    return Style(color=full.color, bold=full.bold, underline=full.underline)


def middle_cut(text: str, width: int) -> str:
    """The text in at most ``width`` characters, an ellipsis where its middle was."""
    if len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail = (width - 1) // 3
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def end_cut(text: str, width: int) -> str:
    """The text in at most ``width`` characters, an ellipsis where its end was."""
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"[: max(0, width)]


def start_cut(text: str, width: int) -> str:
    """The text in at most ``width`` characters, an ellipsis where its start was."""
    return text if len(text) <= width else f"…{text[len(text) - max(0, width - 1) :]}"[: max(0, width)]
