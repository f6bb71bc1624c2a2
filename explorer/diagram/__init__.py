"""A slice of the graph as a picture: SVG, PNG, DOT, JSON, or lines of text for a terminal."""

from explorer.diagram.formats.interchange import data_of
from explorer.diagram.formats.terminal import tree_lines
from explorer.diagram.layout.graphviz import GraphvizProcess
from explorer.diagram.picture import BINARY, DATA, EVERYTHING, FORMATS, LAID_OUT, Picture, format_of
from explorer.diagram.view import Group, View, ViewEdge, ViewNode, view_of

__all__ = [
    "BINARY",
    "DATA",
    "EVERYTHING",
    "FORMATS",
    "LAID_OUT",
    "GraphvizProcess",
    "Group",
    "Picture",
    "View",
    "ViewEdge",
    "ViewNode",
    "data_of",
    "format_of",
    "tree_lines",
    "view_of",
]
