"""A slice of the graph as a picture will show it: what is written where, before anything has a position."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from explorer.diagram.labels import edge_label_of, edge_tooltip_of, label_of, sublabel_of, tooltip_of
from explorer.graph.links import source_url
from explorer.graph.model import Edge, EdgeKind, Evidence, Graph, Node, NodeKind
from explorer.graph.slices import MAX_NODES

_FRAMED = (NodeKind.MODULE, NodeKind.CLASS, NodeKind.FUNCTION)


@dataclass(frozen=True, slots=True)
class ViewNode:
    """A box. ``label`` and ``sublabel`` are its two lines, whole; ``group`` is its frame's id or ``None``."""

    id: str
    kind: NodeKind
    label: str
    sublabel: str = ""
    tooltip: str = ""
    href: str = ""
    group: str | None = None
    focus: bool = False


@dataclass(frozen=True, slots=True)
class ViewEdge:
    """An arrow; two nodes have one for each kind of edge between them."""

    source: str
    target: str
    kind: EdgeKind
    label: str = ""
    evidence: tuple[Evidence, ...] = (Evidence.STATIC,)
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A frame around the nodes that name it. ``holds`` is how many."""

    id: str
    label: str
    holds: int
    tooltip: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """Everything a picture shows; ids are unique, and edges join nodes that are in it."""

    title: str
    subtitle: str
    nodes: tuple[ViewNode, ...]
    edges: tuple[ViewEdge, ...]
    groups: tuple[Group, ...] = ()
    notes: tuple[str, ...] = ()


def view_of(graph: Graph, *, title: str, focus: Collection[str] = (), notes: Sequence[str] = ()) -> View:
    """The view of a slice: source nodes framed by module, every edge kept apart by kind.

    A module that does nothing in the slice but hold its members is their frame, not a box of its own; one without
    members is a box and has no frame.
    """
    frames = {node.module for node in graph.nodes(NodeKind.CLASS, NodeKind.FUNCTION)}
    drawn_as_frames = _modules_that_only_hold(graph)
    nodes = tuple(_view_node(node, graph, focus, frames) for node in graph.nodes() if node.id not in drawn_as_frames)
    shown = {n.id for n in nodes}
    edges = tuple(_view_edge(e, graph) for e in graph.edges() if e.source in shown and e.target in shown)
    subtitle = f"timm {graph.info.timm_version} · {_count(len(nodes), 'node')} · {_count(len(edges), 'edge')}"
    return View(title, subtitle, nodes, edges, _groups(nodes, graph), (*notes, *_crowd_note(len(nodes))))


def _view_node(node: Node, graph: Graph, focus: Collection[str], frames: Collection[str | None]) -> ViewNode:
    return ViewNode(
        id=node.id,
        kind=node.kind,
        label=label_of(node),
        sublabel=sublabel_of(node),
        tooltip=tooltip_of(node),
        href=source_url(node, graph.info.timm_version) or "",
        group=node.module if node.kind in _FRAMED and node.module in frames else None,
        focus=node.id in focus,
    )


def _view_edge(edge: Edge, graph: Graph) -> ViewEdge:
    label = edge_label_of(edge, graph.node(edge.target))
    return ViewEdge(edge.source, edge.target, edge.kind, label, edge.evidence, edge_tooltip_of(edge))


def _groups(nodes: Sequence[ViewNode], graph: Graph) -> tuple[Group, ...]:
    sizes: dict[str, int] = {}
    for node in nodes:
        if node.group is not None:
            sizes[node.group] = sizes.get(node.group, 0) + 1
    return tuple(_group(module, holds, graph) for module, holds in sizes.items())


def _group(module: str, holds: int, graph: Graph) -> Group:
    node = graph.get(module) or Node(module, NodeKind.MODULE)
    return Group(module, module, holds, tooltip_of(node), source_url(node, graph.info.timm_version) or "")


def _modules_that_only_hold(graph: Graph) -> set[str]:
    return {module for module in graph.ids(NodeKind.MODULE) if _only_holds_members(module, graph)}


def _only_holds_members(module: str, graph: Graph) -> bool:
    held = list(graph.out_edges(module))
    if not held or any(graph.in_edges(module)):
        return False
    return all(e.kind is EdgeKind.CONTAINS and graph.node(e.target).module == module for e in held)


def _crowd_note(count: int) -> tuple[str, ...]:
    if count <= MAX_NODES:
        return ()
    return (f"{count} nodes are more than the {MAX_NODES} that read well in one picture.",)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
