"""Component styles as pieces of text need them."""

from rich.style import Style
from textual.widget import Widget


def foreground(widget: Widget, name: str) -> Style:
    """What a component class says of the letters, its colour blended with the background, and nothing else."""
    full = widget.get_component_rich_style(name)
    return Style(color=full.color, bold=full.bold, underline=full.underline)
