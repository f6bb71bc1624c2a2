"""The views ``architecture`` and ``dataflow``: a model's forward pass as boxes, frames and what flows between them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, count
from math import prod

from explorer.diagram.style import Flow, Look
from explorer.diagram.view import Group, View, ViewEdge, ViewNode, link_of
from explorer.diagram.views.captions import Captions, shape
from explorer.diagram.views.folding import ShownSegment, boxes, fold, shown, walked
from explorer.diagram.views.segments import ForwardPass, Segment, SegmentRules, is_join, is_step, whole
from explorer.diagram.views.tensor_edges import TensorEdge, incoming, tensor_edges
from explorer.errors import RequestError
from explorer.graph import Graph
from explorer.protocol.flow import FlowResult
from explorer.report.wording import short

Amount = Callable[[ForwardPass, Captions, Segment], int]
"""How much a segment has of what a picture shades by."""

Frames = tuple[Segment, ...]
"""The frames around something, the outermost first; those that are not drawn too."""


LEVELS = ("module", "operator")

_SHADES: dict[str, tuple[Amount, str]] = {
    "macs": (lambda passed, _, segment: passed.macs(segment), "of the MACs of the box with most"),
    "params": (lambda _, captions, segment: captions.params(segment), "of the parameters of the box with most"),
}
"""What boxes can be shaded by: how much a segment has of it, and what the legend says."""


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
    builder = FlowViewBuilder(flow, SegmentRules(_is_shown, fold, chains=True), nodes=nodes, depth=depth, graph=graph)
    return builder.view(f"{flow.model}: architecture")


def _is_shown(passed: ForwardPass, operator: int) -> bool:
    row = passed.flow.operators[operator]
    if not passed.is_live[operator]:
        return False
    return is_join(passed, operator) or row.macs > 0 or bool(row.weights) or _reduces(passed, operator)


def _reduces(passed: ForwardPass, operator: int) -> bool:
    """Whether an operator computes fewer or more values than it takes."""
    row = passed.flow.operators[operator]
    taken = {prod(tensor.shape) for tensor in row.inputs}
    return not row.is_move and any(prod(shape) not in taken for shape in row.outputs)


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
    rules = SegmentRules(is_step, fold, opens_leaves=level == "operator")
    amount, shaded_by = _SHADES[shade] if shade else (None, "")
    builder = FlowViewBuilder(flow, rules, nodes=nodes, depth=depth, graph=graph, amount=amount)
    return builder.view(f"{flow.model}: dataflow", shaded_by)


class FlowViewBuilder:
    """Makes the view of one pass.

    Args:
        flow: the recorded pass.
        rules: what becomes a segment.
        nodes: boxes there is room for, the model's inputs and outputs among them.
        depth: levels of modules shown; ``None`` as many as show what differs.
        graph: where the classes' sources are.
        amount: what boxes are shaded by, as parts of the one that has most.
    """

    def __init__(
        self,
        flow: FlowResult,
        rules: SegmentRules,
        *,
        nodes: int,
        depth: int | None,
        graph: Graph | None,
        amount: Amount | None = None,
    ) -> None:
        self._flow, self._graph = flow, graph
        self._passed = ForwardPass(flow)
        self._captions = Captions(self._passed)
        room = max(nodes - len(flow.inputs) - len(flow.outputs), 1)
        self._tree = (shown(self._passed, whole(self._passed, rules), room, depth),)
        self._parts = list(walked(self._tree))
        self._boxes = boxes(self._tree)
        self._tensor_edges = tensor_edges(self._passed, self._tree)
        self._ids: dict[int, str] = {}
        for part, _ in self._parts:
            self._ids[id(part.segment)] = self._free_id(self._captions.id_of(part.segment))
        self._amounts: dict[int, int] = {}
        for part, frames in self._parts:
            if amount and not part.parts:
                # A box stands for all the repeats that it is shown for.
                times = prod(frame.times for frame in frames)
                self._amounts[id(part.segment)] = amount(self._passed, self._captions, part.segment) * times

    def _free_id(self, wanted: str) -> str:
        """The id that is wanted, numbered where another segment has it."""
        taken = set(self._ids.values())
        names = chain((wanted,), (f"{wanted} ({number})" for number in count(2)))
        return next(name for name in names if name not in taken)

    def view(self, title: str, shaded_by: str = "") -> View:
        """The view, read downwards."""
        inputs = self._tensors("input", self._flow.inputs)
        outputs = self._tensors("output", [tensor.shape for tensor in self._flow.outputs])
        root = self._flow.modules[0]
        macs = sum(operator.macs for operator in self._flow.operators)
        version = self._flow.environment.get("timm", "unknown")
        on_cpu = "Run on the CPU, because it does not run on the meta device."
        return View(
            title,
            f"{short(root.params)} parameters · {short(macs)} MACs · batch of 1 · timm {version}",
            (*inputs, *(self._node(p.segment, frames) for p, frames in self._parts if not p.parts), *outputs),
            tuple(self._edges()),
            tuple(self._group(p, frames) for p, frames in self._parts if p.parts and self._is_drawn(p.segment)),
            () if self._flow.device == "meta" else (on_cpu,),
            shaded_by=shaded_by,
            downwards=True,
        )

    # boxes and frames

    def _tensors(self, name: str, shapes: Sequence[tuple[int, ...]]) -> Iterator[ViewNode]:
        for number, size in enumerate(shapes):
            label = _tensor(name, number, len(shapes))
            tooltip = f"{label} of the model\n{shape(size)}, batch of 1"
            yield ViewNode(f"tensor:{label}", Look.TENSOR, label, shape(size), tooltip)

    def _node(self, segment: Segment, frames: Frames) -> ViewNode:
        captions = self._captions
        members = captions.members(set(self._passed.calls_in(segment)))
        return ViewNode(
            self._ids[id(segment)],
            _look(segment),
            captions.label(segment, frames),
            captions.setting(segment),
            captions.tooltip(segment, members),
            self._link(segment),
            self._frame(frames),
            shade=self._amounts[id(segment)] / max(1, *self._amounts.values()) if self._amounts else None,
            members=members,
        )

    def _link(self, segment: Segment) -> str:
        source = self._captions.source(segment)
        return link_of(self._graph, self._graph.get(source)) if self._graph else ""

    def _group(self, part: ShownSegment, frames: Frames) -> Group:
        captions, segment = self._captions, part.segment
        members = captions.members(self._calls_of_frame(part))
        return Group(
            self._ids[id(segment)],
            captions.heading(segment, frames),
            len(boxes(part.parts)),
            captions.tooltip(segment, members),
            self._link(segment),
            self._frame(frames),
            members,
        )

    def _calls_of_frame(self, part: ShownSegment) -> set[int]:
        """The calls that a frame stands for and nothing in it does."""
        calls = set(self._passed.calls_in(part.segment))
        for inner in part.parts:
            is_drawn = not inner.parts or self._is_drawn(inner.segment)
            calls -= set(self._passed.calls_in(inner.segment)) - (set() if is_drawn else self._calls_of_frame(inner))
        return calls

    def _frame(self, frames: Frames) -> str | None:
        """The id of the innermost frame that is drawn."""
        return next((self._ids[id(frame)] for frame in reversed(frames) if self._is_drawn(frame)), None)

    def _is_drawn(self, frame: Segment) -> bool:
        return frame is self._tree[0].segment or not self._captions.is_bare(frame)

    # arrows

    def _edges(self) -> Iterator[ViewEdge]:
        taken = incoming(self._tensor_edges)
        said: set[tuple[int, str]] = set()
        for edge in self._tensor_edges:
            size = _edge_label(edge, taken.get(edge.source, set()))
            # A shape that goes to several boxes is said once: where it leaves, all its arrows begin.
            is_new = (edge.source, size) not in said
            said.add((edge.source, size))
            yield self._edge(edge, ", ".join(filter(None, (size if is_new else "", edge.which))))

    def _edge(self, edge: TensorEdge, label: str) -> ViewEdge:
        source, target = self._end(edge.source), self._end(edge.target)
        tooltip = f"{source} gives {target} {shape(edge.given)}"
        if edge.taken != edge.given:
            tooltip += f", taken as {shape(edge.taken)}"
        tooltip += f", {edge.which}" if edge.which else ""
        return ViewEdge(source, target, Flow.RESIDUAL if edge.is_shortcut else Flow.TENSORS, label, (), tooltip)

    def _end(self, end: int) -> str:
        if end < 0:
            return f"tensor:{_tensor('input', -1 - end, len(self._flow.inputs))}"
        if end < len(self._boxes):
            return self._ids[id(self._boxes[end])]
        return f"tensor:{_tensor('output', end - len(self._boxes), len(self._flow.outputs))}"


def _tensor(name: str, number: int, count: int) -> str:
    return name if count == 1 else f"{name} {number}"


def _look(segment: Segment) -> Look:
    if segment.operator is not None:
        return Look.OPERATOR
    return Look.GROUP if segment.parts or (not segment.calls and not segment.repeats) else Look.LAYER


def _edge_label(edge: TensorEdge, source_takes: set[tuple[int, ...]]) -> str:
    """The shape, where it is not the one that the source took; both where the target takes it as another."""
    given, taken = shape(edge.given), shape(edge.taken)
    if given != taken:
        return f"{given} → {taken}"
    return given if edge.source >= 0 and edge.given not in source_takes else ""
