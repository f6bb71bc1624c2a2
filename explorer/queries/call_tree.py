"""Calls in the order that they are read: as a tree, and as a main line with what stands beside it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from explorer.graph import CallData, Edge, EdgeKind, Graph, Node, NodeKind
from explorer.graph.walk import reached, visit
from explorer.queries.composition import INIT
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
        is_open = not route_only or edge is None or _is_landmark(edge) or any(_opens_way(s) for s in below)
        return PathStep(node, edge, below=below, is_open=is_open)

    return (step(part.root, None),)


def _opens_way(step: PathStep) -> bool:
    """Whether the step is a landmark, or opens on the way to one."""
    return (step.edge is not None and _is_landmark(step.edge)) or (bool(step.below) and step.is_open)


def _is_landmark(edge: Edge) -> bool:
    """The dispatch to the entrypoint, and the call of a class that was handed over."""
    handed_over = bool(CallData.of(edge).via) and edge.target.endswith(INIT)
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
        ends.append(f"{node.id}{INIT}")
    for title, kinds in _INWARD:
        steps = [PathStep(graph.node(e.source), e) for end in ends for e in graph.in_edges(end, *kinds)]
        if steps:
            yield PathGroup(title, tuple(steps))


@dataclass(frozen=True, slots=True)
class MainLineRow:
    """A function of the main line, what of what it calls stands beside it, and what is folded beside it."""

    node: str
    beside: tuple[str, ...]
    folded: tuple[str, ...]


def main_line_rows(
    part: Graph,
    order: Sequence[str],
    matters: Callable[[str], bool],
    *,
    room: int,
    most: int,
    folds: Callable[[MainLineRow], int] = lambda row: bool(row.folded),
    later: Callable[[str], bool] = lambda node: False,
) -> tuple[MainLineRow, ...]:
    """The main line in rows, callers first: the functions that lead on to what matters, each with what else it calls.

    Args:
        part: the calls, as a slice.
        order: its functions, nearest first; the first is where the line begins.
        matters: whether a function is one that the line is about.
        room: how many boxes there may be, folds among them.
        most: how many boxes stand beside a function, its fold among them.
        folds: how many boxes the folded ones of a row make.
        later: whether a function, with what it calls, comes after all others.
    """
    children = _children(part, order)
    line = _line(order[0], children, matters, later)

    def row(node: str, most: int) -> MainLineRow:
        others = sorted((i for i in children[node] if i not in line), key=lambda i: not matters(i))
        whole = sum(len(_subtree(i, children)) for i in others) == len(others)
        alone = others if whole and len(others) <= most else others[: most - 1]
        beside = [i for i in alone if not children[i] or matters(i)] if not whole else alone
        hidden = [j for i in others for j in _subtree(i, children) if j not in beside]
        return MainLineRow(node, tuple(beside), tuple(hidden))

    def fits(rows: Sequence[MainLineRow]) -> bool:
        return sum(1 + len(row.beside) + folds(row) for row in rows) <= room

    for beside in range(most, 0, -1):
        rows = [row(node, beside) for node in line]
        if fits(rows):
            # Then more beside them, the last first, as long as there is room.
            for index in reversed(range(len(rows))):
                tried = [*rows[:index], row(line[index], min(beside + 1, most)), *rows[index + 1 :]]
                rows = tried if fits(tried) else rows
            return tuple(rows)
    while len(line) > 1 and not fits(rows):
        line.pop()
        rows = [row(node, 1) for node in line]
    return tuple(rows)


def _children(part: Graph, order: Sequence[str]) -> dict[str, list[str]]:
    """Who stands below whom: each below the one that first leads to it, those that nothing leads to below the first."""
    wanted = set(order)
    parents: dict[str, str] = {}

    def onward(source: str) -> Iterator[str]:
        for target in part.successors(source):
            if target in wanted:
                parents.setdefault(target, source)
                yield target

    visit(order[:1], onward)
    children: dict[str, list[str]] = {node: [] for node in order}
    for node in order[1:]:
        children[parents.get(node, order[0])].append(node)
    return children


def _line(
    root: str, children: Mapping[str, list[str]], matters: Callable[[str], bool], later: Callable[[str], bool]
) -> list[str]:
    """The functions that lead on to others that matter, each before what it calls; later ones, with theirs, last."""
    leading: set[str] = set()
    # From below. A function that calls itself would keep itself alive, and by `matters` the whole graph.
    for node in reversed(_subtree(root, children)):
        if any(matters(i) or i in leading for i in children[node]):
            leading.add(node)
    first: list[str] = []
    last: list[str] = []
    stack = [(root, False)]
    while stack:
        node, postponed = stack.pop()
        if node == root or node in leading:
            (last if postponed else first).append(node)
            stack += [(child, postponed or later(child)) for child in reversed(children[node])]
    return first + last


def _subtree(node: str, children: Mapping[str, list[str]]) -> list[str]:
    return list(reached([node], children.__getitem__))
