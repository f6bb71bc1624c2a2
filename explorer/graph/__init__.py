"""Typed nodes and edges, calls in context, one walk, fuzzy search. No I/O, and nothing of the package it is made of."""

from explorer.graph.contexts import Contexts, Traced
from explorer.graph.elements import (
    CallData,
    ClassData,
    Edge,
    EdgeKind,
    Evidence,
    FunctionData,
    GraphInfo,
    Node,
    NodeKind,
    Payload,
    Problem,
)
from explorer.graph.model import Graph

__all__ = [
    "CallData",
    "ClassData",
    "Contexts",
    "Edge",
    "EdgeKind",
    "Evidence",
    "FunctionData",
    "Graph",
    "GraphInfo",
    "Node",
    "NodeKind",
    "Payload",
    "Problem",
    "Traced",
]
