"""What flows between the boxes of a picture: operators' tensors, gathered by the boxes that they run in."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from explorer.diagram.views.folding import ShownSegment
from explorer.diagram.views.segments import ForwardPass, Segment
from explorer.diagram.views.turns import Turns, entering, leaving
from explorer.graph.walk import reached
from explorer.protocol.flow import FlowOperator, FlowTensor

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TensorEdge:
    """Tensors that one end gives and another takes: their shape as given and as taken, which views may make another.

    ``is_shortcut`` tells that it joins, in an addition, what was made of it meanwhile. ``which`` says how many operands
    of one operator it is, and which repeats give and take it where that is not the last and the first
    (``after 1 of 12``, ``from each of 6``).
    """

    source: int
    target: int
    given: Shape
    taken: Shape
    is_shortcut: bool = False
    which: str = ""


def tensor_edges(passed: ForwardPass, tree: Sequence[ShownSegment]) -> list[TensorEdge]:
    """All edges between the boxes of a tree, by the boxes' places in it, in the order they are first taken.

    An input of the model is -1 and below; an output is the number of boxes and above. What one repeat gives the next
    is none.
    """
    gathered = _EdgeCollector(passed)
    gathered.place(tree)
    return _with_shortcuts(passed, gathered.boxes, gathered.edges())


@dataclass(frozen=True, slots=True)
class _Taking:
    """One input of an operator, or an output of the model: the operator that gives it and the one that takes it.

    ``given_in`` and ``taken_in`` are the repeats that only the one and only the other is in.
    """

    operator: int
    source: int
    tensor: FlowTensor
    given_in: Turns
    taken_in: Turns


class _EdgeCollector:
    """Operators by box: ``at`` is the box of each, ``None`` where none shows it.

    ``turns`` are the repeats each is in that are opened, ``home`` is the same operator of the first of these.
    """

    def __init__(self, passed: ForwardPass) -> None:
        count = len(passed.flow.operators)
        self.passed = passed
        self.boxes: list[Segment] = []
        self.at: list[int | None] = [None] * count
        self.turns: list[Turns] = [()] * count
        self.home = list(range(count))
        self.folds: dict[int, Segment] = {}
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
        self.folds[id(segment)] = segment
        for offset in range(starts[1] - starts[0]):
            first = starts[0] + offset
            box, turns = self.at[first], self.turns[first]
            for turn, start in enumerate(starts):
                self.at[start + offset], self.home[start + offset] = box, self.home[first]
                self.turns[start + offset] = ((id(segment), turn), *turns)

    def edges(self) -> list[TensorEdge]:
        flow = self.passed.flow
        found: dict[tuple[int, int], list[_Taking]] = {}
        for index, (operator, box) in enumerate(zip(flow.operators, self.at, strict=True)):
            if box is not None:
                for taking, origin in self._into_box(index, operator, box):
                    found.setdefault((origin, box), []).append(taking)
        for number, tensor in enumerate(flow.outputs, len(self.boxes)):
            for source, origin in self._origins(tensor.source):
                found.setdefault((origin, number), []).append(self._taking(source, -1, tensor))
        return [self._edge(origin, target, takings) for (origin, target), takings in found.items()]

    def _into_box(self, index: int, operator: FlowOperator, box: int) -> Iterator[tuple[_Taking, int]]:
        """What a box takes through an operator in it, with what gives it."""
        for tensor in operator.inputs:
            for source, origin in self._origins(tensor.source):
                if origin != box and not self._is_next_turn(source, index):
                    yield self._taking(source, index, tensor), origin

    def _taking(self, source: int, target: int, tensor: FlowTensor) -> _Taking:
        given = self._turns_of(source) if source >= 0 else ()
        taken = self._turns_of(target) if target >= 0 else ()
        around = {fold for fold, _ in given} & {fold for fold, _ in taken}
        given, taken = (tuple(turn for turn in turns if turn[0] not in around) for turns in (given, taken))
        return _Taking(target, source, tensor, given, taken)

    def _turns_of(self, operator: int) -> Turns:
        """The repeats that an operator is in, those that its box stands for too."""
        box = self.boxes[self.at[operator] or 0]
        if not box.repeats:
            return self.turns[operator]
        self.folds[id(box)] = box
        turn = sum(start <= self.home[operator] for start in box.starts) - 1
        return (*self.turns[operator], (id(box), turn))

    def _edge(self, origin: int, target: int, takings: Sequence[_Taking]) -> TensorEdge:
        first = takings[0]
        source, taken = first.tensor
        if target < len(self.boxes):
            taken = self._taken(target, source, taken)
        which = (
            self._operands(target, takings),
            leaving({taking.given_in for taking in takings}, self.folds),
            entering({taking.taken_in for taking in takings}, self.folds),
        )
        return TensorEdge(origin, target, self._given(first.source, taken), taken, which=", ".join(filter(None, which)))

    def _operands(self, target: int, takings: Sequence[_Taking]) -> str:
        """``×2`` where an operator takes two tensors from whatever operator gives it one."""
        if target >= len(self.boxes) or self.boxes[target].operator is None:
            return ""
        # Of a chain the first may take from the same that only gives later ones their second operand.
        last = max(taking.operator for taking in takings)
        times = Counter(taking.source for taking in takings if taking.operator == last)
        if max(times.values()) == 1:
            return ""
        return f"×{max(times.values())}" if len(set(times.values())) == 1 else f"{times.total()} tensors"

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
