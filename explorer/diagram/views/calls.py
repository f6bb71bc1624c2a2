"""The view ``calls``: what runs from ``create_model`` down for one model, or around a piece of source."""

from collections.abc import Sequence
from functools import partial

from explorer.diagram.view import Stack, View, counted, view_of
from explorer.diagram.views.calls_model import calls_of_model
from explorer.diagram.views.rows import add_beside, add_callers, folds_of, widest_that_fits
from explorer.diagram.views.view_builder import Sheet
from explorer.graph import Graph, Node, NodeKind
from explorer.queries.main_line import Row, rows_of
from explorer.queries.names import current, model_of
from explorer.queries.slices import USUAL_NODES, around, called_by, callers_of

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
        sheet = Sheet(graph)
        sheet.source(node.id, focus=True)
        callers = add_callers(sheet, node.id, above, min(most, _ACROSS))
        lines = tuple(_line(sheet, row, part) for row in rows)
        sheet.edges_of(part)
        return sheet.view(node.id, words, stack=_stacked(callers, lines))

    return widest_that_fits(drawn, most)


def _line(sheet: Sheet, row: Row, part: Graph) -> Stack:
    sheet.source(row.node)
    return Stack((row.node, add_beside(sheet, row, part)), gap_px=60.0)


def _stacked(callers: Sequence[Stack], lines: Sequence[Stack]) -> Stack:
    return Stack((*callers, *lines), down=True, align="start", gap_px=36.0)
