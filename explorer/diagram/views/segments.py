"""A forward pass as a tree of segments: what a picture can show as a box, or open into a frame with segments in it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from explorer.protocol.flow import FlowModule, FlowOperator, FlowResult


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the pass: the operators from ``first`` up to ``stop``, without it.

    ``calls`` are the module calls it stands for: one, one in the other where each holds nothing but the next, or
    ``is_chain``, one after the other. ``operator`` is set where it is one operator. ``parts`` are those in it, none
    where it cannot be opened.

    Where ``repeats`` are given, it stands for all of them; ``parts`` are then those of the first, and ``calls`` what
    holds them all. ``is_chained`` tells that each takes from the one before it; else they stand beside each other.
    """

    first: int
    stop: int
    calls: tuple[int, ...] = ()
    operator: int | None = None
    parts: tuple["Segment", ...] = ()
    is_chain: bool = False
    repeats: tuple[tuple["Segment", ...], ...] = ()
    is_chained: bool = True

    @property
    def times(self) -> int:
        """How often it runs."""
        return len(self.repeats) or 1

    @property
    def starts(self) -> tuple[int, ...]:
        """The first operator of every repeat."""
        return tuple(repeat[0].first for repeat in self.repeats) or (self.first,)


class ForwardPass:
    """A result with what is looked up in it again and again.

    ``is_live`` tells of every operator whether what it gives depends on the model's input, or on a layer that runs on
    weights alone; what only looks up or rearranges weights is not. ``takers`` are the operators that take from it.
    """

    def __init__(self, flow: FlowResult) -> None:
        self.flow = flow
        self.children: list[list[int]] = [[] for _ in flow.calls]
        self.own: list[list[int]] = [[] for _ in flow.calls]
        self.is_live: list[bool] = []
        self.takers: list[set[int]] = [set() for _ in flow.operators]
        for index, call in enumerate(flow.calls):
            if call.parent >= 0:
                self.children[call.parent].append(index)
        for index, operator in enumerate(flow.operators):
            self.own[operator.call].append(index)
            taken = any(tensor.source < 0 or self.is_live[tensor.source] for tensor in operator.inputs)
            self.is_live.append(taken or operator.macs > 0)
            for tensor in operator.inputs:
                if tensor.source >= 0:
                    self.takers[tensor.source].add(index)

    def module(self, call: int) -> FlowModule:
        """The module called."""
        return self.flow.modules[self.flow.calls[call].module]

    def macs(self, segment: Segment) -> int:
        """MACs of all that ran in the segment."""
        return sum(operator.macs for operator in self.flow.operators[segment.first : segment.stop])

    def sources(self, operator: int) -> set[int]:
        """The live operators and inputs that an operator takes from."""
        inputs = self.flow.operators[operator].inputs
        return {t.source for t in inputs if t.source < 0 or self.is_live[t.source]}

    def below(self, call: int) -> Iterator[int]:
        """A call and all made in it."""
        yield call
        for child in self.children[call]:
            yield from self.below(child)

    def is_silent(self, call: int) -> bool:
        """Whether nothing was computed in a call."""
        return self.flow.calls[call].first == self.flow.calls[call].stop

    def calls_in(self, segment: Segment) -> Iterator[int]:
        """Every call that a segment stands for."""
        for call in segment.calls if segment.is_chain else segment.calls[:1]:
            yield from self.below(call)
        for repeat in () if segment.calls else segment.repeats or (segment.parts,):
            for inner in repeat:
                yield from self.calls_in(inner)


@dataclass(frozen=True, slots=True)
class SegmentRules:
    """What becomes a segment of its own.

    ``shows`` tells of an operator that no module box holds whether it is one; ``opens_leaves`` whether a module
    without modules is opened into its operators; ``chains`` whether what follows a layer alone joins it; ``fold`` joins
    repeats.
    """

    shows: Callable[[ForwardPass, int], bool]
    fold: Callable[[ForwardPass, Sequence[Segment]], Sequence[Segment]]
    opens_leaves: bool = False
    chains: bool = False


def whole(passed: ForwardPass, rules: SegmentRules) -> Segment:
    """The whole pass as one segment, that of the model."""
    return _segment(passed, 0, rules, merge=False)


def _segment(passed: ForwardPass, call: int, rules: SegmentRules, merge: bool = True) -> Segment:
    row = passed.flow.calls[call]
    alone = Segment(row.first, row.stop, (call,))
    parts = _parts(passed, call, rules)
    if not rules.opens_leaves and _is_leaf(passed, call):
        return alone
    if rules.chains:
        parts = _chained(passed, parts)
    parts = list(rules.fold(passed, parts))
    if len(parts) != 1 or not merge:
        return replace(alone, parts=tuple(parts))
    # A module that holds one other alone is one segment with it.
    inner = parts[0]
    return alone if inner.is_chain else replace(inner, first=row.first, stop=row.stop, calls=(call, *inner.calls))


def _parts(passed: ForwardPass, call: int, rules: SegmentRules) -> list[Segment]:
    calls = [(passed.flow.calls[c].first, 0, c) for c in passed.children[call] if not passed.is_silent(c)]
    operators = [(o, 1, o) for o in passed.own[call] if rules.shows(passed, o)]
    return [
        Segment(index, index + 1, operator=index) if is_operator else _segment(passed, index, rules)
        for _, is_operator, index in sorted((*calls, *operators))
    ]


def _is_leaf(passed: ForwardPass, call: int) -> bool:
    """Whether a module is one layer: it holds no modules that compute, or with weights of its own only such without."""
    inner = [c for c in passed.below(call) if c != call and not passed.is_silent(c)]
    if not inner:
        return True
    has_weights = passed.module(call).own_params > 0 and bool(passed.own[call])
    return has_weights and not any(passed.module(c).params for c in inner)


# What follows a convolution alone is drawn with it, as papers draw it: `conv1 · bn1 · act1` is one box.
def _chained(passed: ForwardPass, parts: Sequence[Segment]) -> list[Segment]:
    """The segments, with a layer and what follows it alone, element by element, as one."""
    chained: list[Segment] = []
    for segment in parts:
        if chained and _follows(passed, chained[-1], segment):
            before = chained.pop()
            segment = Segment(before.first, segment.stop, before.calls + segment.calls, is_chain=True)
        chained.append(segment)
    return chained


def _follows(passed: ForwardPass, before: Segment, segment: Segment) -> bool:
    """Whether it is a layer without MACs that takes nothing but what the layer with MACs before it gives alone."""
    if not (_is_layer(before) and _is_layer(segment) and before.stop == segment.first):
        return False
    # Where the layer's own output is one of the model's, its box has to end there.
    is_output = any(before.first <= tensor.source < before.stop for tensor in passed.flow.outputs)
    if passed.macs(segment) or not passed.macs(before) or is_output:
        return False
    own = range(segment.first, segment.stop)
    operators = passed.flow.operators
    taken = {t.source for o in own for t in operators[o].inputs if t.source not in own}
    takers = {taker for o in range(before.first, before.stop) for taker in passed.takers[o] if taker >= before.stop}
    keeps_shape = operators[before.stop - 1].outputs == operators[segment.stop - 1].outputs
    return taken == {before.stop - 1} and takers <= set(own) and keeps_shape


def _is_layer(segment: Segment) -> bool:
    return bool(segment.calls) and not segment.parts and segment.times == 1


def is_join(passed: ForwardPass, operator: int) -> bool:
    """Whether an operator brings together what layers gave in two places."""
    return passed.is_live[operator] and len(passed.sources(operator)) > 1


def is_step(passed: ForwardPass, operator: int) -> bool:
    """Whether an operator joins, computes, brings in weights or changes the order of values."""
    row: FlowOperator = passed.flow.operators[operator]
    if not passed.is_live[operator]:
        return False
    return not row.is_move or bool(row.weights) or row.name in _REORDERS or is_join(passed, operator)


_REORDERS = frozenset(
    """
    roll flip gather index_select take topk sort pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle
    unfold fold im2col scatter where masked_fill masked_select
    """.split()
)
"""Moves that are more than another shape."""
