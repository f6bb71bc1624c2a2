"""A forward pass as a tree of units: what a picture can show as a box, or open into a frame with units in it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from explorer.protocol.flow import FlowCall, FlowModule, FlowOperator, FlowResult


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of the pass: the operators from ``first`` up to ``stop``, without it.

    ``calls`` are the module calls it stands for: one, one in the other where each holds nothing but the next, or
    ``is_chain``, one after the other. ``operator`` is set where it is one operator. ``parts`` are the units in it, none
    where it cannot be opened.

    Where ``repeats`` are given, the unit stands for all of them, one after the other; ``parts`` are then those of the
    first, and ``calls`` what holds them all.
    """

    first: int
    stop: int
    calls: tuple[int, ...] = ()
    operator: int | None = None
    parts: tuple["Unit", ...] = ()
    is_chain: bool = False
    repeats: tuple[tuple["Unit", ...], ...] = ()

    @property
    def times(self) -> int:
        """How often it runs, one after the other."""
        return len(self.repeats) or 1

    @property
    def starts(self) -> tuple[int, ...]:
        """The first operator of every repeat."""
        return tuple(repeat[0].first for repeat in self.repeats) or (self.first,)


@dataclass(slots=True)
class Pass:
    """A result with what is looked up in it again and again.

    ``is_live`` tells of every operator whether what it gives depends on the model's input, or on a layer that runs on
    weights alone; what only looks up or rearranges weights is not. ``takers`` are the operators that take from it.
    """

    flow: FlowResult
    children: list[list[int]] = field(init=False)
    own: list[list[int]] = field(init=False)
    is_live: list[bool] = field(init=False)
    takers: list[set[int]] = field(init=False)

    def __post_init__(self) -> None:
        flow = self.flow
        self.children = [[] for _ in flow.calls]
        self.own = [[] for _ in flow.calls]
        self.is_live = []
        self.takers = [set() for _ in flow.operators]
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

    def macs(self, unit: Unit) -> int:
        """MACs of all that ran in the unit."""
        return sum(operator.macs for operator in self.flow.operators[unit.first : unit.stop])

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
        row: FlowCall = self.flow.calls[call]
        return row.first == row.stop

    def calls_in(self, unit: Unit) -> Iterator[int]:
        """Every call that a unit stands for."""
        if unit.is_chain:
            for call in unit.calls:
                yield from self.below(call)
        elif unit.calls:
            yield from self.below(unit.calls[0])
        else:
            for repeat in unit.repeats or (unit.parts,):
                for inner in repeat:
                    yield from self.calls_in(inner)


@dataclass(frozen=True, slots=True)
class Rules:
    """What becomes a unit of its own.

    ``shows`` tells of an operator that no module box holds whether it is one; ``opens_leaves`` whether a module
    without modules is opened into its operators; ``chains`` whether what follows a layer alone joins it; ``fold`` joins
    repeats.
    """

    shows: Callable[[Pass, int], bool]
    fold: Callable[[Pass, Sequence[Unit]], Sequence[Unit]]
    opens_leaves: bool = False
    chains: bool = False


def whole(passed: Pass, rules: Rules) -> Unit:
    """The whole pass as one unit, that of the model."""
    return _unit(passed, 0, rules, merge=False)


def _unit(passed: Pass, call: int, rules: Rules, merge: bool = True) -> Unit:
    row = passed.flow.calls[call]
    alone = Unit(row.first, row.stop, (call,))
    parts = _parts(passed, call, rules)
    if not rules.opens_leaves and _is_leaf(passed, call):
        return alone
    if rules.chains:
        parts = _chained(passed, parts)
    parts = list(rules.fold(passed, parts))
    if len(parts) != 1 or not merge:
        return replace(alone, parts=tuple(parts))
    return _merged(alone, parts[0])


def _merged(outer: Unit, inner: Unit) -> Unit:
    """A unit that holds one other alone, as one."""
    if inner.is_chain:
        return outer
    return replace(inner, first=outer.first, stop=outer.stop, calls=outer.calls + inner.calls)


def _parts(passed: Pass, call: int, rules: Rules) -> list[Unit]:
    calls = [(passed.flow.calls[c].first, 0, c) for c in passed.children[call] if not passed.is_silent(c)]
    operators = [(o, 1, o) for o in passed.own[call] if rules.shows(passed, o)]
    return [
        Unit(index, index + 1, operator=index) if is_operator else _unit(passed, index, rules)
        for _, is_operator, index in sorted((*calls, *operators))
    ]


def _is_leaf(passed: Pass, call: int) -> bool:
    """Whether a module is one layer: it holds no modules that compute, or with weights of its own only such without."""
    inner = [c for c in passed.below(call) if c != call and not passed.is_silent(c)]
    if not inner:
        return True
    has_weights = passed.module(call).own_params > 0 and bool(passed.own[call])
    return has_weights and not any(passed.module(c).params for c in inner)


def _chained(passed: Pass, parts: Sequence[Unit]) -> list[Unit]:
    """The units, with a layer and what follows it alone, element by element, as one."""
    chained: list[Unit] = []
    for unit in parts:
        if chained and _follows(passed, chained[-1], unit):
            before = chained.pop()
            unit = Unit(before.first, unit.stop, before.calls + unit.calls, is_chain=True)
        chained.append(unit)
    return chained


def _follows(passed: Pass, before: Unit, unit: Unit) -> bool:
    """Whether a unit is a layer without MACs that takes nothing but what the layer with MACs before it gives alone."""
    if not (_is_layer(before) and _is_layer(unit) and before.stop == unit.first):
        return False
    if passed.macs(unit) or not passed.macs(before) or not _is_given_on(passed, before):
        return False
    own = range(unit.first, unit.stop)
    operators = passed.flow.operators
    taken = {t.source for o in own for t in operators[o].inputs if t.source not in own}
    takers = {taker for o in range(before.first, before.stop) for taker in passed.takers[o] if taker >= before.stop}
    keeps_shape = operators[before.stop - 1].outputs == operators[unit.stop - 1].outputs
    return taken == {before.stop - 1} and takers <= set(own) and keeps_shape


def _is_given_on(passed: Pass, unit: Unit) -> bool:
    """Whether what a unit gives is not an output of the model."""
    return all(not unit.first <= tensor.source < unit.stop for tensor in passed.flow.outputs)


def _is_layer(unit: Unit) -> bool:
    return bool(unit.calls) and not unit.parts and unit.times == 1


def is_join(passed: Pass, operator: int) -> bool:
    """Whether an operator brings together what layers gave in two places."""
    return passed.is_live[operator] and len(passed.sources(operator)) > 1


def is_step(passed: Pass, operator: int) -> bool:
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
