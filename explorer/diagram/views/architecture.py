"""The built model: its modules as nested frames, repeats folded, what flows between them as it really does."""

from math import prod

from explorer.diagram.view import View
from explorer.diagram.views.folding import fold
from explorer.diagram.views.pass_view import Painter
from explorer.diagram.views.segments import Pass, Rules, is_join
from explorer.graph import Graph
from explorer.protocol.flow import FlowResult


def architecture(flow: FlowResult, *, depth: int | None = None, nodes: int = 40, graph: Graph | None = None) -> View:
    """The model's modules, and of its operators those that join branches, multiply matrices, pool or bring in
    parameters.

    A layer and the norm, activation and dropout that follow it alone are one box.

    Args:
        flow: a recorded pass of it.
        depth: levels of modules shown. When ``None``, of modules that are built alike only the first is opened.
        nodes: boxes there is room for.
        graph: where the classes' sources are.
    """
    painter = Painter(flow, Rules(_is_shown, fold, chains=True), nodes=nodes, depth=depth, graph=graph)
    return painter.view(f"{flow.model}: architecture")


def _is_shown(passed: Pass, operator: int) -> bool:
    row = passed.flow.operators[operator]
    if not passed.is_live[operator]:
        return False
    return is_join(passed, operator) or row.macs > 0 or bool(row.weights) or _reduces(passed, operator)


def _reduces(passed: Pass, operator: int) -> bool:
    """Whether an operator computes fewer or more values than it takes."""
    row = passed.flow.operators[operator]
    taken = {prod(tensor.shape) for tensor in row.inputs}
    return not row.is_move and any(prod(shape) not in taken for shape in row.outputs)
