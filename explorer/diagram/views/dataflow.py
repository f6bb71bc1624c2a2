"""The forward pass as it really runs: layers, the operators between them, branches and residuals."""

from explorer.diagram.view import View
from explorer.diagram.views.captions import Words
from explorer.diagram.views.folding import fold
from explorer.diagram.views.pass_view import Amount, Painter
from explorer.diagram.views.segments import Pass, Rules, Unit, is_step
from explorer.errors import RequestError
from explorer.graph import Graph
from explorer.protocol.flow import FlowResult

LEVELS = ("module", "operator")


def dataflow(
    flow: FlowResult,
    *,
    level: str = "module",
    depth: int | None = None,
    nodes: int = 40,
    shade: str | None = None,
    graph: Graph | None = None,
) -> View:
    """What one pass runs, and what each takes from which.

    Args:
        flow: a recorded pass.
        level: ``module`` has a box for a layer and for every operator between layers; ``operator`` for each operator.
        depth: levels of modules opened. When ``None``, of modules that are built alike only the first is.
        nodes: boxes there is room for.
        shade: ``macs`` or ``params`` colours boxes by how much they have of what the one with most has, repeats
            counted.
        graph: where the classes' sources are.

    Raises:
        RequestError: there is no such level or shade.
    """
    if level not in LEVELS:
        raise RequestError(f"no level {level!r}", f"levels: {', '.join(LEVELS)}")
    if shade is not None and shade not in _SHADES:
        raise RequestError(f"no shade {shade!r}", f"shades: {', '.join(_SHADES)}")
    rules = Rules(is_step, fold, opens_leaves=level == "operator")
    amount, shaded_by = _SHADES[shade] if shade else (None, "")
    painter = Painter(flow, rules, nodes=nodes, depth=depth, graph=graph, amount=amount)
    return painter.view(f"{flow.model}: dataflow", shaded_by)


def _macs(passed: Pass, _words: Words, unit: Unit) -> int:
    return passed.macs(unit)


def _params(_passed: Pass, words: Words, unit: Unit) -> int:
    return words.params(unit)


_SHADES: dict[str, tuple[Amount, str]] = {
    "macs": (_macs, "of the MACs of the box with most"),
    "params": (_params, "of the parameters of the box with most"),
}
