"""A slice of the graph as a picture: SVG, PNG, DOT, JSON, or lines of text for a terminal."""

from explorer.diagram.process import GraphvizProcess
from explorer.diagram.render import FORMATS, format_of, render
from explorer.diagram.terminal import tree_lines
from explorer.diagram.view import Group, View, ViewEdge, ViewNode, view_of

__all__ = [
    "FORMATS",
    "GraphvizProcess",
    "Group",
    "View",
    "ViewEdge",
    "ViewNode",
    "format_of",
    "render",
    "tree_lines",
    "view_of",
]
