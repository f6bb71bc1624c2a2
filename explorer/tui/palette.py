"""Colours that mean the same here as in the pictures."""

from explorer.diagram.style import NODE_STYLES
from explorer.graph import NodeKind


def ink(kind: NodeKind, dark: bool) -> str:
    """The colour of a kind of node (``#rrggbb``), as its outline in a diagram."""
    stroke = NODE_STYLES[kind].stroke
    return stroke.dark if dark else stroke.light
