"""The view ``calls``: what runs from ``create_model`` down for one model, or around a piece of source.

Functions stand in a column in the order they are first called, each with what it calls beside it; what there is no
room for is folded into a box next to its caller.
"""

from collections.abc import Callable, Sequence
from itertools import groupby

from explorer.diagram.layout.choose import READABLE_WIDTH_PX
from explorer.diagram.layout.packing import STRIP_PX, stacked
from explorer.diagram.style import Look
from explorer.diagram.view import Stack, View, counted, in_rows, label_of, view_of
from explorer.diagram.views.view_builder import ViewBuilder, with_room
from explorer.graph import EdgeKind, Evidence, Graph, Node, NodeKind
from explorer.queries.call_tree import MainLineRow, main_line_rows
from explorer.queries.composition import INIT, is_torch_module
from explorer.queries.names import current, model_of
from explorer.queries.slices import USUAL_NODES, Slice, around, called_by, callers_of, model_calls

_CALLS = (EdgeKind.DISPATCHES, EdgeKind.CALLS)

_MOST_BESIDE = 4
_MOST_BESIDE_IN_MODEL = 3
"""Frames take some of the width of a model's picture."""
_CALLERS_ACROSS = 3

_BOX_PX = 46.0
"""The height of a box with two lines."""
_GAP_PX = 30.0


def calls(
    graph: Graph, node: Node, *, up: int | None = None, depth: int | None = None, nodes: int = USUAL_NODES
) -> View:
    """The calls of a model's creation, or around a function, class or module.

    Args:
        graph: the whole graph.
        node: what was asked for.
        up: callers to follow up from a piece of source; one step when ``None``. A model starts at ``create_model``.
        depth: calls to follow down; of a model as many as there is room for, of a function two when ``None``.
        nodes: boxes at the most; what there is no room for is folded into a box next to what leads there.

    Raises:
        RequestError: a name that timm removed.
    """
    model = model_of(graph, current(graph, node))
    if model:
        return _of_model(graph, model, node.name, depth, nodes)
    steps = 1 if up is None else up
    if node.kind is NodeKind.FUNCTION:
        return _of_function(graph, node, steps, 2 if depth is None else depth, nodes)
    part = around(graph, node, up=steps, depth=depth, max_nodes=nodes)
    notes = [f"{part.left_out} nodes further away are left out."] if part.left_out else []
    return view_of(part.graph, title=node.id, focus=part.focus, notes=notes)


def _of_function(graph: Graph, node: Node, up: int, down: int, nodes: int) -> View:
    """A function in a row of its own below what calls it, what it calls beside and below it."""
    part = called_by(graph, node.id, down)
    above = callers_of(graph, node.id, up)
    most = min(_MOST_BESIDE, max(nodes // 4, 1))
    room = max(nodes - sum(min(len(level), most) for level in above), 2)
    order = list(dict.fromkeys((node.id, *part.ids())))
    words = counted(len(part) + sum(map(len, above)), "function")

    def folds(row: MainLineRow) -> int:
        return len({_sort(part, row.node, node_id) for node_id in row.folded})

    def drawn(across: int) -> View:
        rows = main_line_rows(part, order, lambda _: True, room=room, most=across, folds=folds)
        builder = ViewBuilder(graph)
        builder.source(node.id, focus=True)
        lines = _add_callers(builder, node.id, above, min(most, _CALLERS_ACROSS))
        for row in rows:
            builder.source(row.node)
            lines.append(Stack((row.node, _add_beside(builder, row, part)), gap_px=60.0))
        builder.edges_of(part)
        return builder.view(node.id, words, stack=Stack(tuple(lines), down=True, align="start", gap_px=36.0))

    return _widest_that_fits(drawn, most)


def _of_model(graph: Graph, model: Node, name: str, depth: int | None, nodes: int) -> View:
    """What runs when a model is created; ``name`` is what was asked for."""
    part = model_calls(graph, model, depth=depth, max_nodes=None)
    functions = [i for i in dict.fromkeys((part.root, *part.graph.ids())) if i != model.id]
    traced = graph.traces is not None and model.name in graph.traces.models
    known = "traced when it was created" if traced else "static, as its source says"

    def is_module(function: str) -> bool:
        return function.endswith(INIT) and is_torch_module(graph, function.removesuffix(INIT))

    def is_of_layers(function: str) -> bool:
        return function.startswith("timm.layers.")

    def drawn(most: int) -> View:
        rows = main_line_rows(part.graph, functions, is_module, room=nodes - 1, most=most, later=is_of_layers)
        builder = ViewBuilder(graph)
        stack = _add_rows(builder, rows, model, part)
        builder.edges_of(part.graph)
        count = counted(len(functions), "function")
        return builder.view(f'create_model("{name}")', count, known, stack=stack)

    return _widest_that_fits(drawn, _MOST_BESIDE_IN_MODEL)


def _widest_that_fits(drawn: Callable[[int], View], most: int) -> View:
    """The view with the most boxes in a row that is still read well on a page, with one in a row where none is."""
    for across in range(most, 1, -1):
        view = drawn(across)
        if view.stack is None or stacked(view, view.stack).width <= READABLE_WIDTH_PX:
            return view
    return drawn(1)


def _add_rows(builder: ViewBuilder, rows: Sequence[MainLineRow], model: Node, part: Slice) -> Stack:
    """A band for each module that the line of functions runs through, with a frame around its functions."""
    bands: list[Stack] = []
    for module, band in groupby(rows, key=lambda row: row.node.partition(":")[0]):
        line: list[str] = []
        # Functions stand in a frame and begin below its label: what is beside them has to begin as far down.
        beside = [Stack((), least_px=STRIP_PX - _GAP_PX)]
        frame = builder.frame(f"frame:{module}:{len(bands)}", module, of=module)
        for row in band:
            is_focus = row.node in part.focus
            builder.source(row.node, frame=frame, focus=is_focus)
            line.append(row.node)
            named = [model.id] if is_focus and builder.source(model.id, focus=True) else []
            beside.append(_add_beside(builder, row, part.graph, named, across=_MOST_BESIDE_IN_MODEL + 1))
        functions = Stack(tuple(line), down=True, frame=frame, gap_px=_GAP_PX)
        column = Stack(tuple(beside), down=True, align="start", gap_px=_GAP_PX)
        bands.append(Stack((functions, column), align="start", gap_px=60.0))
    return Stack(tuple(bands), down=True, align="start", gap_px=40.0)


def _add_beside(
    builder: ViewBuilder, row: MainLineRow, part: Graph, first: Sequence[str] = (), across: int = 3
) -> Stack:
    """The boxes beside a function: some that are there already, what it calls, and folds of the rest by sort.

    Args:
        builder: where they are added, with arrows to the folds.
        row: the function and what belongs beside it.
        part: the calls.
        first: ids of boxes to begin with.
        across: how many boxes stand next to each other.
    """
    boxes = [*first, *row.beside]
    for node_id in row.beside:
        builder.source(node_id)
    sorts: dict[str, list[str]] = {}
    for node_id in row.folded:
        sorts.setdefault(_sort(part, row.node, node_id), []).append(node_id)
    for sort, members in sorts.items():
        is_alone = len(members) == 1 and builder.source(members[0])
        boxes.append(members[0] if is_alone else _fold(builder, row, sort, members))
    if len(boxes) <= across:
        return Stack(tuple(boxes), gap_px=24.0, least_px=_BOX_PX)
    return Stack(in_rows(boxes, across, 24.0), down=True, align="start", gap_px=18.0)


def _add_callers(builder: ViewBuilder, node_id: str, levels: Sequence[Sequence[str]], most: int) -> list[Stack]:
    """Rows of what calls a function, the furthest first, joined to the level below them."""
    rows: list[Stack] = []
    below: Sequence[str] = [node_id]
    for number, level in enumerate(levels):
        alone, others = with_room(level, most)
        for caller in alone:
            builder.source(caller)
        box_id = f"group:callers:{number}"
        names = [label_of(builder.graph.node(i)) for i in others]
        builder.fold(box_id, counted(len(names), "more caller"), names, few=30)
        for target in below:
            for source in level:
                box = source if source in alone else box_id
                for edge in filter(None, (builder.graph.edge(source, target, kind) for kind in _CALLS)):
                    builder.join(box, target, edge.kind, evidence=edge.evidence)
        rows.insert(0, Stack((*alone, box_id), gap_px=24.0))
        below = alone
    return rows


def _sort(part: Graph, caller: str, called: str) -> str:
    if part.edge(caller, called, EdgeKind.DISPATCHES):
        return "entrypoint"
    return "function outside timm" if part.node(called).kind is NodeKind.EXTERNAL else "more function"


def _fold(builder: ViewBuilder, row: MainLineRow, sort: str, members: Sequence[str]) -> str:
    box_id = f"group:{sort.replace(' ', '-')}:{row.node}"
    names = [label_of(builder.graph.node(member)) for member in members]
    one, _, rest = sort.partition(" ")
    plural = f"{one}s {rest}".strip() if one != "more" else f"{sort}s"
    kind = NodeKind.EXTERNAL if rest == "outside timm" else Look.GROUP
    builder.fold(box_id, counted(len(names), sort, plural), names, few=30, kind=kind)
    edges = [edge for edge in builder.graph.out_edges(row.node, *_CALLS) if edge.target in members]
    way = EdgeKind.DISPATCHES if sort == "entrypoint" else EdgeKind.CALLS
    seen = {evidence for edge in edges for evidence in edge.evidence} or {Evidence.STATIC}
    known = tuple(evidence for evidence in Evidence if evidence in seen)
    builder.join(row.node, box_id, way, evidence=known, tooltip=f"{counted(len(edges), 'call')}, and on")
    return box_id
