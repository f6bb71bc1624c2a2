"""The view ``calls`` of a model: its creation as a line from ``create_model`` down, what else is called beside it."""

from collections.abc import Sequence
from itertools import groupby

from explorer.diagram.layout.stacking import STRIP_PX
from explorer.diagram.view import Stack, View, counted
from explorer.diagram.views.rows import add_beside, widest_that_fits
from explorer.diagram.views.view_builder import Sheet
from explorer.graph import Graph, Node
from explorer.queries.composition import INIT, ancestors
from explorer.queries.main_line import Row, rows_of
from explorer.queries.slices import Slice, model_calls

_BESIDE = 3
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
        sheet = Sheet(graph)
        stack = _add_rows(sheet, rows, model, part)
        sheet.edges_of(part.graph)
        return sheet.view(f'create_model("{name}")', *words, stack=stack)

    return widest_that_fits(drawn, _BESIDE)


def _is_module(graph: Graph, function: str) -> bool:
    """Whether a function is the constructor of one of torch's modules."""
    made = function.removesuffix(INIT)
    return made != function and any(base.startswith("torch.nn:") for base in ancestors(graph, made))


def _is_of_layers(function: str) -> bool:
    return function.startswith("timm.layers.")


def _add_rows(sheet: Sheet, rows: Sequence[Row], model: Node, part: Slice) -> Stack:
    bands: list[Stack] = []
    for module, band in groupby(rows, key=lambda row: row.node.partition(":")[0]):
        line: list[str] = []
        beside: list[Stack] = []
        frame = sheet.frame(f"frame:{module}:{len(bands)}", module, of=module)
        for row in band:
            sheet.source(row.node, frame=frame, focus=row.node in part.focus)
            line.append(row.node)
            named = [model.id] if row.node in part.focus and sheet.source(model.id, focus=True) else []
            beside.append(add_beside(sheet, row, part.graph, named, across=_BESIDE + 1))
        column = Stack((Stack((), least_px=STRIP_PX - _GAP_PX), *beside), down=True, align="start", gap_px=_GAP_PX)
        bands.append(
            Stack((Stack(tuple(line), down=True, frame=frame, gap_px=_GAP_PX), column), align="start", gap_px=60.0)
        )
    return Stack(tuple(bands), down=True, align="start", gap_px=_BAND_PX)
