"""A slice of the graph as a picture will show it: what is written where, before anything has a position."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from explorer.diagram.style import Flow, Look
from explorer.graph import CallData, Edge, EdgeKind, Evidence, Graph, Node, NodeKind
from explorer.queries.composition import INIT
from explorer.queries.node_data import source_url
from explorer.queries.slices import MAX_NODES

_FRAMED = (NodeKind.MODULE, NodeKind.CLASS, NodeKind.FUNCTION)
_SUBLABELS = {NodeKind.MODEL: "model name", NodeKind.WEIGHTS: "weights", NodeKind.ALIAS: "deprecated name"}


@dataclass(frozen=True, slots=True)
class ViewNode:
    """A box. ``label`` and ``sublabel`` are its two lines, whole; ``group`` is its frame's id, or ``None``.

    ``shade``, 0 to 1, is its part of what the picture shades by; ``None`` leaves it in its kind's colour. ``members``
    names everything that it stands for, where that is more than itself.
    """

    id: str
    kind: NodeKind | Look
    label: str
    sublabel: str = ""
    tooltip: str = ""
    href: str = ""
    group: str | None = None
    focus: bool = False
    shade: float | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ViewEdge:
    """An arrow; two nodes have one for each kind of edge between them."""

    source: str
    target: str
    kind: EdgeKind | Flow
    label: str = ""
    evidence: tuple[Evidence, ...] = (Evidence.STATIC,)
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A frame around the nodes and frames that name it; ``holds`` is how many nodes, ``parent`` the frame it is in.

    ``members`` names what it stands for besides what is drawn in it.
    """

    id: str
    label: str
    holds: int
    tooltip: str = ""
    href: str = ""
    parent: str | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stack:
    """Boxes and other stacks beside each other, or one below the other.

    Attributes:
        parts: node ids and stacks; ids that the view does not have are passed over, ``""`` is an empty place.
        down: one below the other.
        frame: the group whose frame stands around it.
        align: across its direction: ``start``, ``middle`` or ``end``.
        gap_px: between two parts.
        wide: as wide as the column it is in; a row spreads its parts over that.
        least_px: a row's least height, with or without parts.
    """

    parts: "tuple[str | Stack, ...]"
    down: bool = False
    frame: str | None = None
    align: str = "middle"
    gap_px: float = 30.0
    wide: bool = False
    least_px: float = 0.0


@dataclass(frozen=True)
class View:
    """Everything a picture shows; ids are unique, edges join nodes that are in it, a frame stands after its parent.

    ``shaded_by`` says what shades stand for, ``""`` where there are none; ``downwards`` keeps the reading direction.
    ``stack`` holds every node once and says how they stand; where there is none, a layout is looked for.
    """

    title: str
    subtitle: str
    nodes: tuple[ViewNode, ...]
    edges: tuple[ViewEdge, ...]
    groups: tuple[Group, ...] = ()
    notes: tuple[str, ...] = ()
    shaded_by: str = ""
    downwards: bool = False
    stack: Stack | None = None

    @cached_property
    def contents(self) -> dict[str | None, tuple[list[Group], list[ViewNode]]]:
        """The frames and the boxes that stand right in each frame, by its id, and in none, by ``None``."""
        names = (None, *(group.id for group in self.groups))
        found: dict[str | None, tuple[list[Group], list[ViewNode]]] = {name: ([], []) for name in names}
        for group in self.groups:
            found[group.parent][0].append(group)
        for node in self.nodes:
            found[node.group][1].append(node)
        return found


def view_of(graph: Graph, *, title: str, focus: Collection[str] = (), notes: Sequence[str] = ()) -> View:
    """The view of a slice: source nodes framed by module, every edge kept apart by kind.

    A module that does nothing in the slice but hold its members is their frame, not a box of its own; one without
    members is a box and has no frame.
    """
    frames = {node.module for node in graph.nodes(NodeKind.CLASS, NodeKind.FUNCTION)}
    drawn_as_frames = {module for module in graph.ids(NodeKind.MODULE) if _only_holds_members(module, graph)}
    nodes = tuple(
        node_box(graph, node, group=_frame_of(node, frames), focus=node.id in focus)
        for node in graph.nodes()
        if node.id not in drawn_as_frames
    )
    shown = {n.id for n in nodes}
    edges = tuple(edge_arrow(graph, e) for e in graph.edges() if e.source in shown and e.target in shown)
    subtitle = f"timm {graph.info.timm_version} · {counted(len(nodes), 'node')} · {counted(len(edges), 'edge')}"
    if len(nodes) > MAX_NODES:
        notes = (*notes, f"{len(nodes)} nodes are more than the {MAX_NODES} that read well in one picture.")
    return View(title, subtitle, nodes, edges, tuple(_groups(nodes, graph)), tuple(notes))


def node_box(graph: Graph, node: Node, *, group: str | None = None, focus: bool = False) -> ViewNode:
    """The box of a node of the graph."""
    link = link_of(graph, node)
    return ViewNode(node.id, node.kind, label_of(node), sublabel_of(node), tooltip_of(node), link, group, focus)


def link_of(graph: Graph, node: Node | None) -> str:
    """Where a node's source is; ``""`` where that is not known."""
    return (source_url(node, graph.info.timm_version) if node else None) or ""


def edge_arrow(graph: Graph, edge: Edge) -> ViewEdge:
    """The arrow of an edge of the graph."""
    label = edge_label_of(edge, graph.node(edge.target))
    return ViewEdge(edge.source, edge.target, edge.kind, label, edge.evidence, edge_tooltip_of(edge))


def in_rows(parts: "Sequence[str | Stack]", across: int, gap_px: float = 30.0) -> tuple[Stack, ...]:
    """Parts in rows of so many."""
    return tuple(Stack(tuple(parts[i : i + across]), gap_px=gap_px) for i in range(0, len(parts), across))


def column(parts: "Iterable[str | Stack]", frame: str, gap_px: float) -> Stack:
    """Parts one below the other in a frame."""
    return Stack(tuple(parts), down=True, frame=frame, gap_px=gap_px)


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: ``1 node``, ``1,371 nodes``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def _frame_of(node: Node, frames: Collection[str | None]) -> str | None:
    return node.module if node.kind in _FRAMED and node.module in frames else None


def _groups(nodes: Sequence[ViewNode], graph: Graph) -> Iterator[Group]:
    """The frames of modules around what is shown of them."""
    sizes = Counter(node.group for node in nodes if node.group is not None)
    for module, holds in sizes.items():
        node = graph.get(module) or Node(module, NodeKind.MODULE)
        yield Group(module, module, holds, tooltip_of(node), link_of(graph, node))


def _only_holds_members(module: str, graph: Graph) -> bool:
    # A module that imports, or is imported, has arrows of its own, and a frame has none.
    held = list(graph.out_edges(module))
    if not held or any(graph.in_edges(module)):
        return False
    return all(e.kind is EdgeKind.CONTAINS and graph.node(e.target).module == module for e in held)


def label_of(node: Node) -> str:
    """The first line. A constructor shows its class: calling it is how a call path makes an instance."""
    if node.kind is NodeKind.FUNCTION:
        return node.name.removesuffix(INIT).replace(".<locals>", "")
    if node.kind is NodeKind.PARAMETER:
        return node.name.rpartition("(")[2].removesuffix(")")
    return node.name or node.id


def sublabel_of(node: Node) -> str:
    """The second line: the place of a source node, or what kind of name it is; may be empty."""
    if node.kind in _SUBLABELS:
        return _SUBLABELS[node.kind]
    if node.kind is NodeKind.MODULE:
        return node.file or ""
    if node.kind is NodeKind.EXTERNAL:
        return node.module or ""
    if node.kind is NodeKind.PARAMETER:
        return f"of {node.name.partition('(')[0]}"
    place = place_of(node).rpartition("/")[2]
    if node.kind is NodeKind.FUNCTION and node.name.endswith(INIT):
        return " · ".join(filter(None, ("__init__", place)))
    return place


def tooltip_of(node: Node) -> str:
    """Id, first line of the docstring and ``file:line``, each on a line of its own where known."""
    doc = (node.doc or "").strip().partition("\n")[0].strip()
    return "\n".join(filter(None, (node.id, doc, place_of(node))))


def edge_label_of(edge: Edge, target: Node) -> str:
    """What an edge says beyond its kind: the lookup of a dispatch, the parameter of an indirect call."""
    if edge.kind is EdgeKind.DISPATCHES:
        return f'_model_entrypoints["{target.name}"]'
    if edge.kind is EdgeKind.CALLS and (via := CallData.of(edge).via):
        return f"via {via}"
    return ""


def edge_tooltip_of(edge: Edge) -> str:
    """Ends and kind, how it is known, and up to five of its call sites, one on a line."""
    lines = [f"{edge.source} {edge.kind} {edge.target}", " + ".join(edge.evidence), *edge.sites[:5]]
    if len(edge.sites) > 5:
        lines.append(f"and {len(edge.sites) - 5} more")
    return "\n".join(filter(None, lines))


def place_of(node: Node) -> str:
    """``file:line`` as far as it is known."""
    return f"{node.file}:{node.line}" if node.file and node.line else node.file or ""
