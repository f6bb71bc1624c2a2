"""A view of a forward pass: its units as boxes and frames, what flows between them as arrows."""

from collections.abc import Callable, Iterator, Sequence

from explorer.diagram.style.colours import Flow, Look
from explorer.diagram.view import Group, View, ViewEdge, ViewNode
from explorer.diagram.views.boxes import link_of
from explorer.diagram.views.captions import Words, shape
from explorer.diagram.views.opening import Shown, boxes, shown
from explorer.diagram.views.segments import Pass, Rules, Unit, whole
from explorer.diagram.views.tensor_edges import Stream, incoming, streams
from explorer.graph import Graph
from explorer.protocol.flow import FlowResult
from explorer.report.wording import short

Amount = Callable[[Pass, Words, Unit], int]
"""How much a unit has of what a picture shades by."""

Frames = tuple[Unit, ...]
"""The frames around something, the outermost first; those that are not drawn too."""


class Painter:
    """Makes the view of one pass.

    Args:
        flow: the recorded pass.
        rules: what becomes a unit.
        nodes: boxes there is room for, the model's inputs and outputs among them.
        depth: levels of modules shown; ``None`` as many as show what differs.
        graph: where the classes' sources are.
        amount: what boxes are shaded by, as parts of the one that has most.
    """

    def __init__(
        self,
        flow: FlowResult,
        rules: Rules,
        *,
        nodes: int,
        depth: int | None,
        graph: Graph | None,
        amount: Amount | None = None,
    ) -> None:
        self._flow, self._graph = flow, graph
        self._passed = Pass(flow)
        self._words = Words(self._passed)
        room = max(nodes - len(flow.inputs) - len(flow.outputs), 1)
        self._tree = (shown(self._passed, whole(self._passed, rules), room, depth),)
        self._boxes = list(boxes(self._tree))
        self._streams = streams(self._passed, self._tree)
        self._ids: dict[int, str] = {}
        self._name(self._tree)
        self._amounts: dict[int, int] = {}
        if amount:
            self._weigh(amount, self._tree, 1)

    def _weigh(self, amount: Amount, tree: Sequence[Shown], times: int) -> None:
        """Note what every box has, in all the repeats that it is shown for."""
        for part in tree:
            if part.parts:
                self._weigh(amount, part.parts, times * part.unit.times)
            else:
                self._amounts[id(part.unit)] = amount(self._passed, self._words, part.unit) * times

    def _name(self, tree: Sequence[Shown]) -> None:
        """Give every unit an id that no other has."""
        for part in tree:
            wanted = self._words.id_of(part.unit)
            taken = set(self._ids.values())
            number = 2
            while (name := wanted if number == 2 else f"{wanted} ({number - 1})") in taken:
                number += 1
            self._ids[id(part.unit)] = name
            self._name(part.parts)

    def view(self, title: str, shaded_by: str = "") -> View:
        """The view, read downwards."""
        return View(
            title,
            self._subtitle(),
            (*self._tensors("input", self._flow.inputs), *self._nodes(self._tree, ()), *self._outputs()),
            tuple(self._edges()),
            tuple(self._groups(self._tree, ())),
            () if self._flow.device == "meta" else ("Run on the CPU, because it does not run on the meta device.",),
            shaded_by=shaded_by,
            downwards=True,
        )

    def _subtitle(self) -> str:
        root = self._flow.modules[0]
        macs = sum(operator.macs for operator in self._flow.operators)
        version = self._flow.environment.get("timm", "unknown")
        return f"{short(root.params)} parameters · {short(macs)} MACs · batch of 1 · timm {version}"

    # boxes and frames

    def _outputs(self) -> Iterator[ViewNode]:
        return self._tensors("output", [tensor.shape for tensor in self._flow.outputs])

    def _tensors(self, name: str, shapes: Sequence[tuple[int, ...]]) -> Iterator[ViewNode]:
        for number, size in enumerate(shapes):
            label = _tensor(name, number, len(shapes))
            tooltip = f"{label} of the model\n{shape(size)}, batch of 1"
            yield ViewNode(f"tensor:{label}", Look.TENSOR, label, shape(size), tooltip)

    def _nodes(self, tree: Sequence[Shown], frames: Frames) -> Iterator[ViewNode]:
        for part in tree:
            if part.parts:
                yield from self._nodes(part.parts, (*frames, part.unit))
            else:
                yield self._node(part.unit, frames)

    def _node(self, unit: Unit, frames: Frames) -> ViewNode:
        words = self._words
        members = words.members(set(self._passed.calls_in(unit)))
        return ViewNode(
            self._ids[id(unit)],
            _look(unit),
            words.label(unit, frames),
            words.setting(unit),
            words.tooltip(unit, members),
            self._link(unit),
            self._frame(frames),
            shade=self._shade(unit),
            members=members,
        )

    def _shade(self, unit: Unit) -> float | None:
        if not self._amounts:
            return None
        return self._amounts[id(unit)] / max(1, *self._amounts.values())

    def _link(self, unit: Unit) -> str:
        source = self._words.source(unit)
        return link_of(self._graph, source) if self._graph and source else ""

    def _groups(self, tree: Sequence[Shown], frames: Frames) -> Iterator[Group]:
        for part in tree:
            if part.parts and self._is_drawn(part.unit):
                yield self._group(part, frames)
            if part.parts:
                yield from self._groups(part.parts, (*frames, part.unit))

    def _group(self, part: Shown, frames: Frames) -> Group:
        words, unit = self._words, part.unit
        members = words.members(self._calls_of_frame(part))
        return Group(
            self._ids[id(unit)],
            words.heading(unit, frames),
            sum(1 for _ in boxes(part.parts)),
            words.tooltip(unit, members),
            self._link(unit),
            self._frame(frames),
            members,
        )

    def _calls_of_frame(self, part: Shown) -> set[int]:
        """The calls that a frame stands for and nothing in it does."""
        calls = set(self._passed.calls_in(part.unit))
        for inner in part.parts:
            if inner.parts and not self._is_drawn(inner.unit):
                calls -= set(self._passed.calls_in(inner.unit)) - self._calls_of_frame(inner)
            else:
                calls -= set(self._passed.calls_in(inner.unit))
        return calls

    def _frame(self, frames: Frames) -> str | None:
        """The id of the innermost frame that is drawn."""
        return next((self._ids[id(frame)] for frame in reversed(frames) if self._is_drawn(frame)), None)

    def _is_drawn(self, frame: Unit) -> bool:
        return frame is self._tree[0].unit or not self._words.is_bare(frame)

    # arrows

    def _edges(self) -> Iterator[ViewEdge]:
        taken = incoming(self._streams)
        said: set[tuple[int, str]] = set()
        for stream in self._streams:
            label = _edge_label(stream, taken.get(stream.source, set()))
            label = " ".join(filter(None, (label, f"after {stream.after}" if stream.after else "")))
            is_new = (stream.source, label) not in said
            said.add((stream.source, label))
            yield self._edge(stream, label if is_new else "")

    def _edge(self, stream: Stream, label: str) -> ViewEdge:
        source, target = self._end(stream.source), self._end(stream.target)
        tooltip = f"{source} gives {target} {shape(stream.given)}"
        if stream.taken != stream.given:
            tooltip += f", taken as {shape(stream.taken)}"
        tooltip += f", after {stream.after}" if stream.after else ""
        return ViewEdge(source, target, Flow.RESIDUAL if stream.is_shortcut else Flow.TENSORS, label, (), tooltip)

    def _end(self, end: int) -> str:
        if end < 0:
            return f"tensor:{_tensor('input', -1 - end, len(self._flow.inputs))}"
        if end < len(self._boxes):
            return self._ids[id(self._boxes[end])]
        return f"tensor:{_tensor('output', end - len(self._boxes), len(self._flow.outputs))}"


def _tensor(name: str, number: int, count: int) -> str:
    return name if count == 1 else f"{name} {number}"


def _look(unit: Unit) -> Look:
    if unit.operator is not None:
        return Look.OPERATOR
    return Look.GROUP if unit.parts or (not unit.calls and not unit.repeats) else Look.LAYER


def _edge_label(stream: Stream, source_takes: set[tuple[int, ...]]) -> str:
    """The shape, where it is not the one that the source took; both where the target takes it as another."""
    given, taken = shape(stream.given), shape(stream.taken)
    if given != taken:
        return f"{given} → {taken}"
    return given if stream.source >= 0 and stream.given not in source_takes else ""
