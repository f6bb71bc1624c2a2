"""The graph model and its queries: pure, no I/O, no timm."""

from explorer.graph.model import Edge, EdgeKind, Evidence, Graph, GraphInfo, Node, NodeKind, Problem

__all__ = ["Edge", "EdgeKind", "Evidence", "Graph", "GraphInfo", "Node", "NodeKind", "Problem"]
