"""What stands beside a function: what it calls, and what of that is folded."""

from collections.abc import Callable, Sequence

from explorer.diagram.labels import label_of
from explorer.diagram.layout.choose import READABLE_WIDTH_PX
from explorer.diagram.layout.stacking import stacked
from explorer.diagram.style.colours import Look
from explorer.diagram.view import Stack, View, counted
from explorer.diagram.views.boxes import first_few
from explorer.diagram.views.view_builder import Sheet
from explorer.graph import Edge, EdgeKind, Evidence, Graph, NodeKind
from explorer.queries.main_line import Row

BOX_PX = 46.0
"""The height of a box with two lines."""

_CALLS = (EdgeKind.DISPATCHES, EdgeKind.CALLS)


def add_beside(sheet: Sheet, row: Row, part: Graph, first: Sequence[str] = (), across: int = 3) -> Stack:
    """The boxes beside a function: some that are there already, what it calls, and folds of the rest by sort.

    Args:
        sheet: where they are added, with arrows to the folds.
        row: the function and what belongs beside it.
        part: the calls.
        first: ids of boxes to begin with.
        across: how many boxes stand next to each other.
    """
    boxes = [*first]
    for node_id in row.beside:
        sheet.source(node_id)
        boxes.append(node_id)
    sorts: dict[str, list[str]] = {}
    for node_id in row.folded:
        sorts.setdefault(_sort(part, row.node, node_id), []).append(node_id)
    for sort, members in sorts.items():
        boxes.append(members[0] if len(members) == 1 and sheet.source(members[0]) else _fold(sheet, row, sort, members))
    if len(boxes) <= across:
        return Stack(tuple(boxes), gap_px=24.0, least_px=BOX_PX)
    lines = tuple(Stack(tuple(boxes[i : i + across]), gap_px=24.0) for i in range(0, len(boxes), across))
    return Stack(lines, down=True, align="start", gap_px=18.0)


def widest_that_fits(drawn: Callable[[int], View], most: int) -> View:
    """The view with the most boxes in a row that is still read well on a page, with one in a row where none is."""
    for across in range(most, 1, -1):
        view = drawn(across)
        if view.stack is None or stacked(view, view.stack).width <= READABLE_WIDTH_PX:
            return view
    return drawn(1)


def folds_of(part: Graph, row: Row) -> int:
    """How many boxes hold what of a row is folded."""
    return len({_sort(part, row.node, node_id) for node_id in row.folded})


def add_callers(sheet: Sheet, node_id: str, levels: Sequence[Sequence[str]], most: int) -> list[Stack]:
    """Rows of what calls a function, the furthest first, joined to the level below them."""
    rows: list[Stack] = []
    below = [node_id]
    for number, level in enumerate(levels):
        alone = list(level) if len(level) <= most else list(level[: max(most - 1, 0)])
        for caller in alone:
            sheet.source(caller)
        box_id = f"group:callers:{number}"
        names = [label_of(sheet.graph.node(i)) for i in level[len(alone) :]]
        sheet.fold(box_id, counted(len(names), "more caller"), names, words=first_few(names, 30))
        for target in below:
            for source in level:
                for edge in (e for kind in _CALLS if (e := sheet.graph.edge(source, target, kind))):
                    sheet.join(source if source in alone else box_id, target, edge.kind, evidence=edge.evidence)
        rows.insert(0, Stack((*alone, box_id), gap_px=24.0))
        below = alone
    return rows


def _sort(part: Graph, caller: str, called: str) -> str:
    if part.edge(caller, called, EdgeKind.DISPATCHES):
        return "entrypoint"
    return "function outside timm" if part.node(called).kind is NodeKind.EXTERNAL else "more function"


def _fold(sheet: Sheet, row: Row, sort: str, members: Sequence[str]) -> str:
    box_id = f"group:{sort.replace(' ', '-')}:{row.node}"
    names = [label_of(sheet.graph.node(member)) for member in members]
    one, _, rest = sort.partition(" ")
    plural = f"{one}s {rest}".strip() if one != "more" else f"{sort}s"
    kind = NodeKind.EXTERNAL if rest == "outside timm" else Look.GROUP
    sheet.fold(box_id, counted(len(names), sort, plural), names, words=first_few(names, 30), kind=kind)
    edges = _edges(sheet.graph, row.node, members)
    way = EdgeKind.DISPATCHES if sort == "entrypoint" else EdgeKind.CALLS
    seen = {evidence for edge in edges for evidence in edge.evidence} or {Evidence.STATIC}
    known = tuple(evidence for evidence in Evidence if evidence in seen)
    sheet.join(row.node, box_id, way, evidence=known, tooltip=f"{counted(len(edges), 'call')}, and on")
    return box_id


def _edges(graph: Graph, caller: str, members: Sequence[str]) -> list[Edge]:
    wanted = set(members)
    return [edge for edge in graph.out_edges(caller, *_CALLS) if edge.target in wanted]
