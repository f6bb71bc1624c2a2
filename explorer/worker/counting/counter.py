"""A forward pass, counted operator by operator and put down to the modules that ran."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, fields, is_dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit import ScriptModule
from torch.overrides import TorchFunctionMode

from explorer.worker.counting.meta_shortcuts import Shortened
from explorer.worker.counting.operator_costs import (
    COMPOSITE,
    NOTHING,
    RECURRENT,
    Cost,
    Rule,
    by_place,
    computes,
    name_of,
    rule_of,
)


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

    Gradients, training mode and device are the caller's to choose. No hook is left behind, whatever happens.

    Args:
        model: the model.
        inputs: what it is called with.
        by_module: tell the modules apart; else ``tallies`` is empty.

    Raises:
        Exception: whatever the model raises.
    """
    stack = _Stack()
    with ExitStack() as context:
        if by_module:
            context.enter_context(hooked(model, stack.enter, stack.leave))
        dispatch = context.enter_context(_Dispatched(stack))
        context.enter_context(_Called(stack, dispatch))
        context.enter_context(uncompiled())
        model(*inputs)
    return Count(stack.frames[0].cost, stack.tallies, dict(sorted(dispatch.uncounted.items())))


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

    def __init__(self) -> None:
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
        tally.own = tally.own.plus(frame.own)
        # A module that calls itself holds the inner call's costs already.
        if frame.outermost:
            tally.cost = tally.cost.plus(frame.cost)
        if tally.output is None:
            tally.output = shapes_of(output)
            tally.output_bytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors_of(output))
        caller.cost = caller.cost.plus(frame.cost)


@contextmanager
def hooked(
    model: nn.Module,
    enter: Callable[[nn.Module, tuple[Any, ...], Mapping[str, Any]], None],
    leave: Callable[[nn.Module, Any], None],
) -> Iterator[None]:
    """Have every module of a model tell when it is called, with what, and when it ends, with what.

    Args:
        model: the model.
        enter: takes the module and its arguments, before any other hook of it may change them.
        leave: takes the module and its output, ``None`` where it raised.
    """

    def after(module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
        leave(module, output)

    with ExitStack() as hooks:
        for module in _hookable(model):
            handle = module.register_forward_pre_hook(enter, prepend=True, with_kwargs=True)
            hooks.callback(handle.remove)
            # A model may catch what one of its modules raises and go on: whatever was entered has to be left.
            hooks.callback(module.register_forward_hook(after, always_call=True).remove)
        yield


def _hookable(model: nn.Module) -> list[nn.Module]:
    """All modules but those that torch.jit has compiled, and what is in these: they run without Python."""
    found: list[nn.Module] = [model]
    for module in found:
        found += [child for child in module.children() if child not in found and not isinstance(child, ScriptModule)]
    return found


class _Dispatched(Shortened):
    """Puts every operator down to the module that runs."""

    def __init__(self, stack: _Stack) -> None:
        super().__init__()
        self.uncounted: Counter[str] = Counter()
        self.is_muted = False
        self._stack = stack

    def plan(self, func: Any) -> tuple[Rule | None, str | None]:
        """An operator's rule, and the name it goes by where nothing counts it and it computes."""
        return rule_of(name_of(func)), str(func.overloadpacket) if computes(func) else None

    def ran(self, plan: Any, func: Any, args: tuple[Any, ...], kwargs: Any, out: Any) -> None:
        """Count it, unless what it is part of is counted whole."""
        if self.is_muted:
            return
        rule, name = plan
        cost = NOTHING
        if rule is not None:
            cost = rule(args, out)
            self._stack.add(cost)
        if name is not None and not cost.macs and _is_float(out):
            self.uncounted[name] += 1


def _is_float(out: Any) -> bool:
    first = out[0] if isinstance(out, list | tuple) and out else out
    return isinstance(first, Tensor) and (first.is_floating_point() or first.is_complex())


class _Called(TorchFunctionMode):  # type: ignore[misc]
    """Sees functions as they are called, for those that cannot be told from what they come apart into."""

    def __init__(self, stack: _Stack, dispatched: _Dispatched) -> None:
        super().__init__()
        self._stack = stack
        self._dispatched = dispatched

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        name = name_of(func)
        named = kwargs or {}
        if name in COMPOSITE:
            self._stack.add(COMPOSITE[name](by_place(name, args, named), None))
        if name not in RECURRENT:
            return func(*args, **named)
        self._stack.add(RECURRENT[name](by_place(name, args, named), None))
        before, self._dispatched.is_muted = self._dispatched.is_muted, True
        try:
            return func(*args, **named)
        finally:
            self._dispatched.is_muted = before


def tensors_of(value: Any) -> Iterator[Tensor]:
    """The tensors in a value: itself, or those in its lists, tuples, dicts and dataclasses, in order."""
    if isinstance(value, Tensor):
        yield value
    for item in _items(value):
        yield from tensors_of(item)


def _items(value: Any) -> Iterable[Any]:
    """What is in a container; nothing is in anything else."""
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if isinstance(value, SimpleNamespace):
        return vars(value).values()
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name, None) for field in fields(value)]
    return ()


def shapes_of(value: Any) -> Any:
    """The shape of a tensor, or a tuple of what is in a container; ``None`` where there is no tensor."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    return tuple(shape for shape in map(shapes_of, _items(value)) if shape is not None) or None
