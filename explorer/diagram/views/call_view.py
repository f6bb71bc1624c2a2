"""The view ``calls``: what runs from ``create_model`` down for one model, or around a piece of source."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby

from explorer.diagram.layout.choose import READABLE_WIDTH_PX
from explorer.diagram.layout.packing import STRIP_PX, stacked
from explorer.diagram.style import Look
from explorer.diagram.view import Stack, View, counted, label_of, view_of
from explorer.diagram.views.view_builder import ViewBuilder, first_few
from explorer.graph import Edge, EdgeKind, Evidence, Graph, Node, NodeKind
from explorer.queries.composition import INIT, ancestors
from explorer.queries.main_line import Row, rows_of
from explorer.queries.names import current, model_of
from explorer.queries.slices import USUAL_NODES, Slice, around, called_by, callers_of, model_calls

_BESIDE, _ACROSS = 4, 3


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
        return calls_of_model(graph, model, node.name, depth=depth, nodes=nodes)
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
    most = min(_BESIDE, max(nodes // 4, 1))
    room = max(nodes - sum(min(len(level), most) for level in above), 2)
    order = list(dict.fromkeys((node.id, *part.ids())))
    words = counted(len(part) + sum(map(len, above)), "function")

    def drawn(across: int) -> View:
        rows = rows_of(part, order, lambda _: True, room=room, most=across, folds=partial(folds_of, part))
        builder = ViewBuilder(graph)
        builder.source(node.id, focus=True)
        callers = add_callers(builder, node.id, above, min(most, _ACROSS))
        lines = tuple(_line(builder, row, part) for row in rows)
        builder.edges_of(part)
        return builder.view(node.id, words, stack=_stacked(callers, lines))

    return widest_that_fits(drawn, most)


def _line(builder: ViewBuilder, row: Row, part: Graph) -> Stack:
    builder.source(row.node)
    return Stack((row.node, add_beside(builder, row, part)), gap_px=60.0)


def _stacked(callers: Sequence[Stack], lines: Sequence[Stack]) -> Stack:
    return Stack((*callers, *lines), down=True, align="start", gap_px=36.0)


_BESIDE_IN_MODEL = 3
_GAP_PX = 30.0
_BAND_PX = 40.0


def calls_of_model(graph: Graph, model: Node, name: str, *, depth: int | None, nodes: int) -> View:
    """What runs when a model is created.

    Args:
        graph: the whole graph.
        model: a model node.
        name: what was asked for.
        depth: calls below the entrypoint at the most.
        nodes: boxes at the most; what there is no room for is folded beside what calls it.
    """
    part = model_calls(graph, model, depth=depth, max_nodes=None)
    functions = [i for i in dict.fromkeys((part.root, *part.graph.ids())) if i != model.id]
    traced = graph.traces is not None and model.name in graph.traces.models
    known = "traced when it was created" if traced else "static, as its source says"
    words = counted(len(functions), "function"), known

    def drawn(most: int) -> View:
        rows = rows_of(
            part.graph, functions, lambda i: _is_module(graph, i), room=nodes - 1, most=most, later=_is_of_layers
        )
        builder = ViewBuilder(graph)
        stack = _add_rows(builder, rows, model, part)
        builder.edges_of(part.graph)
        return builder.view(f'create_model("{name}")', *words, stack=stack)

    return widest_that_fits(drawn, _BESIDE_IN_MODEL)


def _is_module(graph: Graph, function: str) -> bool:
    """Whether a function is the constructor of one of torch's modules."""
    made = function.removesuffix(INIT)
    return made != function and any(base.startswith("torch.nn:") for base in ancestors(graph, made))


def _is_of_layers(function: str) -> bool:
    return function.startswith("timm.layers.")


def _add_rows(builder: ViewBuilder, rows: Sequence[Row], model: Node, part: Slice) -> Stack:
    bands: list[Stack] = []
    for module, band in groupby(rows, key=lambda row: row.node.partition(":")[0]):
        line: list[str] = []
        beside: list[Stack] = []
        frame = builder.frame(f"frame:{module}:{len(bands)}", module, of=module)
        for row in band:
            builder.source(row.node, frame=frame, focus=row.node in part.focus)
            line.append(row.node)
            named = [model.id] if row.node in part.focus and builder.source(model.id, focus=True) else []
            beside.append(add_beside(builder, row, part.graph, named, across=_BESIDE_IN_MODEL + 1))
        column = Stack((Stack((), least_px=STRIP_PX - _GAP_PX), *beside), down=True, align="start", gap_px=_GAP_PX)
        bands.append(
            Stack((Stack(tuple(line), down=True, frame=frame, gap_px=_GAP_PX), column), align="start", gap_px=60.0)
        )
    return Stack(tuple(bands), down=True, align="start", gap_px=_BAND_PX)


BOX_PX = 46.0
"""The height of a box with two lines."""

_CALLS = (EdgeKind.DISPATCHES, EdgeKind.CALLS)


def add_beside(builder: ViewBuilder, row: Row, part: Graph, first: Sequence[str] = (), across: int = 3) -> Stack:
    """The boxes beside a function: some that are there already, what it calls, and folds of the rest by sort.

    Args:
        builder: where they are added, with arrows to the folds.
        row: the function and what belongs beside it.
        part: the calls.
        first: ids of boxes to begin with.
        across: how many boxes stand next to each other.
    """
    boxes = [*first]
    for node_id in row.beside:
        builder.source(node_id)
        boxes.append(node_id)
    sorts: dict[str, list[str]] = {}
    for node_id in row.folded:
        sorts.setdefault(_sort(part, row.node, node_id), []).append(node_id)
    for sort, members in sorts.items():
        boxes.append(
            members[0] if len(members) == 1 and builder.source(members[0]) else _fold(builder, row, sort, members)
        )
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


def add_callers(builder: ViewBuilder, node_id: str, levels: Sequence[Sequence[str]], most: int) -> list[Stack]:
    """Rows of what calls a function, the furthest first, joined to the level below them."""
    rows: list[Stack] = []
    below = [node_id]
    for number, level in enumerate(levels):
        alone = list(level) if len(level) <= most else list(level[: max(most - 1, 0)])
        for caller in alone:
            builder.source(caller)
        box_id = f"group:callers:{number}"
        names = [label_of(builder.graph.node(i)) for i in level[len(alone) :]]
        builder.fold(box_id, counted(len(names), "more caller"), names, words=first_few(names, 30))
        for target in below:
            for source in level:
                for edge in (e for kind in _CALLS if (e := builder.graph.edge(source, target, kind))):
                    builder.join(source if source in alone else box_id, target, edge.kind, evidence=edge.evidence)
        rows.insert(0, Stack((*alone, box_id), gap_px=24.0))
        below = alone
    return rows


def _sort(part: Graph, caller: str, called: str) -> str:
    if part.edge(caller, called, EdgeKind.DISPATCHES):
        return "entrypoint"
    return "function outside timm" if part.node(called).kind is NodeKind.EXTERNAL else "more function"


def _fold(builder: ViewBuilder, row: Row, sort: str, members: Sequence[str]) -> str:
    box_id = f"group:{sort.replace(' ', '-')}:{row.node}"
    names = [label_of(builder.graph.node(member)) for member in members]
    one, _, rest = sort.partition(" ")
    plural = f"{one}s {rest}".strip() if one != "more" else f"{sort}s"
    kind = NodeKind.EXTERNAL if rest == "outside timm" else Look.GROUP
    builder.fold(box_id, counted(len(names), sort, plural), names, words=first_few(names, 30), kind=kind)
    edges = _edges(builder.graph, row.node, members)
    way = EdgeKind.DISPATCHES if sort == "entrypoint" else EdgeKind.CALLS
    seen = {evidence for edge in edges for evidence in edge.evidence} or {Evidence.STATIC}
    known = tuple(evidence for evidence in Evidence if evidence in seen)
    builder.join(row.node, box_id, way, evidence=known, tooltip=f"{counted(len(edges), 'call')}, and on")
    return box_id


def _edges(graph: Graph, caller: str, members: Sequence[str]) -> list[Edge]:
    wanted = set(members)
    return [edge for edge in graph.out_edges(caller, *_CALLS) if edge.target in wanted]
