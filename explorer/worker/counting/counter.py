"""A forward pass, counted operator by operator and put down to the modules that ran."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from explorer.worker.counting.fvcore_functions import fvcore_cost
from explorer.worker.counting.hooks import watched
from explorer.worker.counting.meta_shortcuts import Shortened
from explorer.worker.counting.operator_costs import (
    NOTHING,
    RECURRENT,
    Cost,
    Rule,
    by_place,
    computes,
    name_of,
    rule_of,
)
from explorer.worker.counting.values import shapes_of, tensors_of


@dataclass(slots=True)
class Tally:
    """What a module did in a pass, all its calls together; ``own`` without the modules it called.

    ``inputs`` and ``output`` are shapes of its first call: a tensor's, or a tuple of each's, nested as they were;
    ``None`` where there was none. ``output_bytes`` are the output's then.
    """

    calls: int = 0
    own: Cost = NOTHING
    cost: Cost = NOTHING
    inputs: Any = None
    output: Any = None
    output_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """A counted pass.

    ``uncounted`` are the operators that compute with floats but add nothing to ``total.macs``, with how often they ran.
    """

    total: Cost
    tallies: Mapping[nn.Module, Tally]
    uncounted: Mapping[str, int]


def count(model: nn.Module, *inputs: Any, by_module: bool = True) -> Count:
    """Run a model on its inputs as they are, on the device they are on, and count.

    Gradients, training mode and device are the caller's to choose. No hook is left behind, whatever happens. fvcore's
    figures are those of attention written out, as timm's published tables have them: where it costs another than fused
    attention, the model runs twice.

    Args:
        model: the model.
        inputs: what it is called with.
        by_module: tell the modules apart; else ``tallies`` is empty.

    Raises:
        Exception: whatever the model raises.
    """
    found, attentions = _count(model, inputs, by_module)
    able = [module for module in model.modules() if getattr(module, "fused_attn", False) is True]
    # One attention costs the same fused and written out. What runs two, for their difference, would run one.
    if not able or attentions == len(able):
        return found
    with _written_out(able), suppress(Exception):
        return _with_fvcore_of(found, _count(model, inputs, by_module)[0])
    return found


def _count(model: nn.Module, inputs: Sequence[Any], by_module: bool) -> tuple[Count, int]:
    """A counted pass, and how many fused attentions were in it."""
    stack = _Stack(model)
    with ExitStack() as context:
        if by_module:
            context.enter_context(watched(model, stack.enter, stack.leave))
        dispatched = context.enter_context(_Dispatched(stack))
        called = context.enter_context(_Called(stack, dispatched))
        context.enter_context(uncompiled())
        model(*inputs)
    uncounted = dict(sorted(dispatched.uncounted.items()))
    return Count(stack.frames[0].cost, stack.tallies, uncounted), called.fused_attentions


@contextmanager
def _written_out(modules: Sequence[Any]) -> Iterator[None]:
    """Have modules of timm's write out their attention, as timm does for its published tables."""
    for module in modules:
        module.fused_attn = False
    try:
        yield
    finally:
        for module in modules:
            module.fused_attn = True


def _with_fvcore_of(count: Count, other: Count) -> Count:
    """A count with fvcore's figures from another of the same model."""
    tallies = dict(count.tallies)
    for module, tally in other.tallies.items():
        if known := tallies.get(module):
            tallies[module] = replace(known, own=known.own.in_fvcore(tally.own), cost=known.cost.in_fvcore(tally.cost))
    return replace(count, total=count.total.in_fvcore(other.total), tallies=tallies)


def uncompiled() -> AbstractContextManager[Any]:
    """Have torch run what it would compile first, as it does ``flex_attention``, operator by operator; from 2.6 on."""
    set_stance = getattr(torch.compiler, "set_stance", None)
    return nullcontext() if set_stance is None else set_stance("force_eager")


@dataclass(slots=True)
class _Frame:
    """A call of a module that is under way."""

    tally: Tally
    outermost: bool
    own: Cost = NOTHING
    cost: Cost = NOTHING


class _Stack:
    """The calls under way, innermost last; the first is of no module and holds what the whole pass costs."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._known = set(model.modules())
        self.tallies: dict[nn.Module, Tally] = {}
        self.frames = [_Frame(Tally(), True)]
        self._running: Counter[nn.Module] = Counter()

    def add(self, cost: Cost) -> None:
        frame = self.frames[-1]
        frame.own = frame.own.plus(cost)
        frame.cost = frame.cost.plus(cost)

    def enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        tally = self.tallies.get(module)
        if tally is None:
            tally = self.tallies[module] = Tally()
            shapes = [shape for shape in map(shapes_of, (*args, *kwargs.values())) if shape is not None]
            tally.inputs = shapes[0] if len(shapes) == 1 else tuple(shapes) or None
        tally.calls += 1
        self.frames.append(_Frame(tally, not self._running[module]))
        self._running[module] += 1

    def leave(self, module: nn.Module, output: Any) -> None:
        frame = self.frames.pop()
        self._running[module] -= 1
        tally, caller = frame.tally, self.frames[-1]
        caller.cost = caller.cost.plus(frame.cost)
        if not self._is_held(module):
            caller.own = caller.own.plus(frame.own)
            self.tallies.pop(module, None)
            return
        tally.own = tally.own.plus(frame.own)
        # A module that calls itself holds the inner call's costs already.
        if frame.outermost:
            tally.cost = tally.cost.plus(frame.cost)
        if tally.output is None:
            tally.output = shapes_of(output)
            tally.output_bytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors_of(output))

    def _is_held(self, module: nn.Module) -> bool:
        """Whether it stands in the model: what a module makes for one run alone is its own doing."""
        if module not in self._known and any(module is held for held in self._model.modules()):
            self._known.add(module)
        return module in self._known


class _Dispatched(Shortened):
    """Puts every operator down to the module that runs."""

    def __init__(self, stack: _Stack) -> None:
        super().__init__()
        self.uncounted: Counter[str] = Counter()
        self.is_muted = False
        self.is_told_to_fvcore = False
        self._stack = stack

    def plan(self, func: Any) -> tuple[Rule | None, str | None]:
        """An operator's rule, and the name it goes by where nothing counts it and it computes."""
        return rule_of(name_of(func)), str(func.overloadpacket) if computes(func) else None

    @contextmanager
    def part_of_whole(self, is_muted: bool = False) -> Iterator[None]:
        """What runs meanwhile is part of a function whose cost to fvcore is told, or whose whole cost is."""
        before = self.is_told_to_fvcore, self.is_muted
        self.is_told_to_fvcore, self.is_muted = True, is_muted or self.is_muted
        try:
            yield
        finally:
            self.is_told_to_fvcore, self.is_muted = before

    def ran(self, plan: Any, func: Any, args: tuple[Any, ...], kwargs: Any, out: Any) -> None:
        """Count it, unless what it is part of is counted whole."""
        if self.is_muted:
            return
        rule, name = plan
        cost = NOTHING
        if rule is not None:
            cost = rule(args, out)
            self._stack.add(Cost(cost.macs) if self.is_told_to_fvcore else cost)
        if name is not None and not cost.macs and _is_float(out):
            self.uncounted[name] += 1


def _is_float(out: Any) -> bool:
    first = out[0] if isinstance(out, list | tuple) and out else out
    return isinstance(first, Tensor) and (first.is_floating_point() or first.is_complex())


class _Called(TorchFunctionMode):  # type: ignore[misc]
    """Sees functions as they are called, for those that cannot be told from what they come apart into."""

    def __init__(self, stack: _Stack, dispatched: _Dispatched) -> None:
        super().__init__()
        self.fused_attentions = 0
        self._stack = stack
        self._dispatched = dispatched

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        name = name_of(func)
        named = kwargs or {}
        self.fused_attentions += name == "scaled_dot_product_attention"
        if name in RECURRENT:
            self._stack.add(RECURRENT[name](by_place(name, args, named), None))
            with self._dispatched.part_of_whole(is_muted=True):
                return func(*args, **named)
        whole = fvcore_cost(name, args, named)
        if whole is None:
            return func(*args, **named)
        self._stack.add(whole)
        with self._dispatched.part_of_whole():
            return func(*args, **named)
