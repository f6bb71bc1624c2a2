"""What is called from a node on, as a tree in which each node stands once in full, and who leads to it."""

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.graph import CallData, Edge, EdgeKind, Graph, Node, NodeKind
from explorer.queries.names import model_of
from explorer.queries.slices import MAX_NODES, Slice, around, model_calls

MOST_STEPS = 120
"""How many nodes a call path has at the most: more than a picture, since a tree scrolls."""


@dataclass(frozen=True, slots=True)
class PathStep:
    """A node on the path, the edge that leads to it, and the steps below it, which stand only where it comes first.

    ``is_open`` when what lies below is worth seeing at once.
    """

    node: Node
    edge: Edge | None = None
    repeated: bool = False
    below: tuple["PathStep", ...] = ()
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class PathGroup:
    """Neighbours of one sort under their own heading."""

    title: str
    steps: tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class CallPath:
    """The call path of a model, or the neighbourhood of anything else."""

    node_id: str
    title: str
    steps: tuple[PathStep, ...]
    groups: tuple[PathGroup, ...]
    left_out: int


def call_path(graph: Graph, node: Node) -> CallPath:
    """What ``create_model`` runs for a model; what a source node calls, and what calls it."""
    if node.kind in (NodeKind.MODEL, NodeKind.WEIGHTS, NodeKind.ALIAS):
        model = model_of(graph, node)
        if model is None:
            return CallPath(node.id, f"{node.name} was removed from timm", (), (), 0)
        part = model_calls(graph, model, max_nodes=MOST_STEPS)
        return CallPath(node.id, f"create_model → {model.name}", _steps(part, route_only=True), (), part.left_out)
    part = around(graph, node, up=0, max_nodes=MAX_NODES)
    return CallPath(node.id, f"Around {node.name or node.id}", _steps(part), tuple(_groups(graph, node)), part.left_out)


def _steps(part: Slice, *, route_only: bool = False) -> tuple[PathStep, ...]:
    """The slice from its root down, each node once in full.

    Args:
        part: what to show.
        route_only: open only the way to the entrypoint and on to the class it builds, not the plumbing beside it.
    """
    met: set[str] = set()

    def step(node_id: str, edge: Edge | None) -> PathStep:
        node = part.graph.node(node_id)
        if node_id in met:
            return PathStep(node, edge, repeated=True)
        met.add(node_id)
        edges = (e for e in part.graph.out_edges(node_id) if e.kind is not EdgeKind.REGISTERS)
        below = tuple(step(e.target, e) for e in edges)
        is_open = not route_only or edge is None or _is_landmark(edge) or any(_leads_on(s) for s in below)
        return PathStep(node, edge, below=below, is_open=is_open)

    return (step(part.root, None),)


def _leads_on(step: PathStep) -> bool:
    """Whether the step is a landmark, or opens on the way to one."""
    return (step.edge is not None and _is_landmark(step.edge)) or (bool(step.below) and step.is_open)


def _is_landmark(edge: Edge) -> bool:
    """The dispatch to the entrypoint, and the call of a class that was handed over."""
    handed_over = bool(CallData.of(edge).via) and edge.target.endswith(".__init__")
    return edge.kind is EdgeKind.DISPATCHES or handed_over


_INWARD = (
    ("Called by", (EdgeKind.CALLS, EdgeKind.DISPATCHES)),
    ("Inherited by", (EdgeKind.INHERITS,)),
    ("Held by", (EdgeKind.COMPOSES,)),
    ("Imported by", (EdgeKind.IMPORTS,)),
    ("Registered as", (EdgeKind.REGISTERS,)),
)


def _groups(graph: Graph, node: Node) -> Iterator[PathGroup]:
    contained = [PathStep(graph.node(e.target), e) for e in graph.out_edges(node.id, EdgeKind.CONTAINS)]
    if contained:
        yield PathGroup("Methods" if node.kind is NodeKind.CLASS else "Contains", tuple(contained))
    ends = [node.id]
    if node.kind is NodeKind.CLASS:
        ends.append(f"{node.id}.__init__")
    for title, kinds in _INWARD:
        steps = [PathStep(graph.node(e.source), e) for end in ends for e in graph.in_edges(end, *kinds)]
        if steps:
            yield PathGroup(title, tuple(steps))
