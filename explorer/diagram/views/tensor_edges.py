"""What flows between the boxes of a picture: operators' tensors, gathered by the boxes that they run in."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from explorer.diagram.views.folding import ShownSegment
from explorer.diagram.views.segments import ForwardPass, Segment
from explorer.graph.walk import reached
from explorer.protocol.flow import FlowTensor

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TensorEdge:
    """Tensors that one end gives and another takes: their shape as given and as taken, which views may make another.

    ``is_shortcut`` tells that it joins, in an addition, what was made of it meanwhile. ``after`` says which repeat
    gives it where that is not the last (``1 of 12``).
    """

    source: int
    target: int
    given: Shape
    taken: Shape
    is_shortcut: bool = False
    after: str = ""


def tensor_edges(passed: ForwardPass, tree: Sequence[ShownSegment]) -> list[TensorEdge]:
    """All edges between the boxes of a tree, by the boxes' places in it, in the order they are first taken.

    An input of the model is -1 and below; an output is the number of boxes and above. What one repeat gives the next
    is none.
    """
    gathered = _EdgeCollector(passed)
    gathered.place(tree)
    found: dict[tuple[int, int], TensorEdge] = {}
    for edge in gathered.edges():
        found.setdefault((edge.source, edge.target), edge)
    return _with_shortcuts(passed, gathered.boxes, list(found.values()))


class _EdgeCollector:
    """Operators by box: ``at`` is the box of each, ``None`` where none shows it.

    ``turns`` are the repeats each is in: the repeated segment, and the number of the repeat.
    """

    def __init__(self, passed: ForwardPass) -> None:
        count = len(passed.flow.operators)
        self.passed = passed
        self.boxes: list[Segment] = []
        self.at: list[int | None] = [None] * count
        self.turns: list[tuple[tuple[int, int], ...]] = [()] * count
        self.times: dict[int, int] = {}
        self._sources: dict[int, tuple[int, ...]] = {}

    def place(self, tree: Sequence[ShownSegment]) -> None:
        for shown in tree:
            segment = shown.segment
            if shown.parts:
                self.place(shown.parts)
                self._spread(segment)
            else:
                self.at[segment.first : segment.stop] = [len(self.boxes)] * (segment.stop - segment.first)
                self.boxes.append(segment)

    def _spread(self, segment: Segment) -> None:
        """Put the operators of later repeats where those of the first are.

        Repeats have the same operators one after the other, as folding made sure, so that a distance finds them.
        """
        starts = segment.starts
        if len(starts) == 1:
            return
        self.times[id(segment)] = segment.times
        for offset in range(starts[1] - starts[0]):
            box, turns = self.at[starts[0] + offset], self.turns[starts[0] + offset]
            for turn, start in enumerate(starts):
                self.at[start + offset] = box
                self.turns[start + offset] = (*turns, (id(segment), turn))

    def edges(self) -> list[TensorEdge]:
        flow = self.passed.flow
        found: list[TensorEdge] = []
        for index, (operator, box) in enumerate(zip(flow.operators, self.at, strict=True)):
            if box is not None:
                for tensor in operator.inputs:
                    found += self._into_box(index, box, tensor)
        for number, tensor in enumerate(flow.outputs, len(self.boxes)):
            for source, origin in self._origins(tensor.source):
                given, after = self._given(source, tensor.shape), self._after(source, ())
                found.append(TensorEdge(origin, number, given, tensor.shape, after=after))
        return found

    def _into_box(self, operator: int, box: int, tensor: FlowTensor) -> Iterator[TensorEdge]:
        """What a box takes through one input of an operator in it."""
        for source, origin in self._origins(tensor.source):
            if origin != box and not self._is_next_turn(source, operator):
                taken = self._taken(box, tensor.source, tensor.shape)
                after = self._after(source, self.turns[operator])
                yield TensorEdge(origin, box, self._given(source, taken), taken, after=after)

    def _origins(self, source: int) -> Iterator[tuple[int, int]]:
        """The operators and inputs that a picture shows a tensor to come from, each with its box or itself."""
        for seen in self._seen_sources(source):
            origin = seen if seen < 0 else self.at[seen]
            if origin is not None:
                yield seen, origin

    def _seen_sources(self, source: int) -> tuple[int, ...]:
        """A source, or where no box shows it those that it takes from."""
        if source < 0 or self.at[source] is not None:
            return (source,)
        known = self._sources.get(source)
        if known is None:
            inputs = self.passed.flow.operators[source].inputs
            further = (origin for tensor in inputs for origin in self._seen_sources(tensor.source))
            known = self._sources[source] = tuple(dict.fromkeys(further))
        return known

    def _after(self, source: int, target_turns: tuple[tuple[int, int], ...]) -> str:
        """Which repeat gives this to what is outside of all repeats, where it is not the last."""
        if source < 0:
            return ""
        around = {segment for segment, _ in target_turns}
        turns = [(turn, self.times[segment]) for segment, turn in self.turns[source] if segment not in around]
        box = self.boxes[self.at[source] or 0]
        if box.repeats:
            turns.append((sum(start <= source for start in box.starts) - 1, box.times))
        return ", ".join(f"{turn + 1} of {times}" for turn, times in turns if turn + 1 < times)

    def _is_next_turn(self, source: int, target: int) -> bool:
        """Whether one repeat gives this to a later one."""
        before = dict(self.turns[source]) if source >= 0 else {}
        return any(segment in before and before[segment] < turn for segment, turn in self.turns[target])

    def _given(self, source: int, taken: Shape) -> Shape:
        """The shape that a source gives: as its box does, and of several as the taker takes it."""
        if source < 0:
            return self.passed.flow.inputs[-1 - source]
        box = self.boxes[self.at[source] or 0]
        calls = box.calls + (box.repeats[-1][-1].calls if box.repeats else ())
        shapes = self.passed.flow.operators[source].outputs
        given = taken if taken in shapes or not shapes else shapes[0]
        return _shape_of(source, (t for call in calls for t in self.passed.flow.calls[call].outputs), given)

    def _taken(self, target: int, source: int, taken: Shape) -> Shape:
        """The shape that a box takes: as its module is called with it."""
        box = self.boxes[target]
        calls = box.calls + (box.repeats[0][0].calls if box.repeats else ())
        return _shape_of(source, (t for call in calls for t in self.passed.flow.calls[call].inputs), taken)


def _shape_of(source: int, tensors: Iterable[FlowTensor], otherwise: Shape) -> Shape:
    """The shape in which the first of these tensors hands a source's values over, as a view or as they are."""
    return next((tensor.shape for tensor in tensors if tensor.source == source), otherwise)


def _with_shortcuts(passed: ForwardPass, boxes: Sequence[Segment], found: Sequence[TensorEdge]) -> list[TensorEdge]:
    """The edges, those marked that an addition joins with what was made of them."""
    takes: dict[int, set[int]] = {}
    for edge in found:
        takes.setdefault(edge.target, set()).add(edge.source)

    def is_shortcut(edge: TensorEdge) -> bool:
        operator = boxes[edge.target].operator if edge.target < len(boxes) else None
        if operator is None or passed.flow.operators[operator].name != "add":
            return False
        others = takes[edge.target] - {edge.source}
        return edge.source in reached(others, lambda end: takes.get(end, ()))

    return [replace(s, is_shortcut=True) if is_shortcut(s) else s for s in found]


def incoming(found: Sequence[TensorEdge]) -> Mapping[int, set[Shape]]:
    """The shapes that every box takes."""
    shapes: dict[int, set[Shape]] = {}
    for edge in found:
        shapes.setdefault(edge.target, set()).add(edge.taken)
    return shapes
