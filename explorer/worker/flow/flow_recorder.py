"""A forward pass, recorded: which operator gave what to which, and the module calls they ran in."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from explorer.protocol.events import Emit
from explorer.protocol.flow import FlowCall, FlowRequest, FlowResult
from explorer.protocol.request import ModelOptions
from explorer.worker.counting import Shortened, hooked, tensors_of, uncompiled
from explorer.worker.counting.operator_costs import RECURRENT, by_place, computes, name_of, rule_of
from explorer.worker.flow.module_summaries import levels, modules
from explorer.worker.flow.tape import CalledFunction, Plan, Tape
from explorer.worker.hardware.devices import versions
from explorer.worker.model_factory import build_and_run, import_extras, input_size, offline, resolve_name


def run(request: FlowRequest, emit: Emit) -> FlowResult:
    """Build the model with random weights, run it once on one image and tell what flowed where.

    It is built and run on the meta device where it can be, else on the CPU. No weights, no network.

    Raises:
        RequestError: an unknown name, an extra source that cannot be imported, or a wish that the model refuses.
        OutOfMemory: it has to be run on the CPU, which has too little memory for it.
        EngineError: the model cannot be built and run as it is.
    """
    start = time.perf_counter()
    import_extras(request.extra, emit)
    name = resolve_name(request.model, emit)
    with offline():
        found = build_and_run(name, request.options, partial(_recorded, request.options), emit)
    tape = found.outcome
    return FlowResult(
        model=name,
        device=found.device.type,
        built_on=found.built_on.type,
        modules=modules(found.model, list(tape.modules)),
        calls=[FlowCall(*call) for call in tape.calls],
        operators=[operator.finished() for operator in tape.operators],
        inputs=tape.inputs,
        outputs=tape.outputs,
        levels=levels(found.model),
        seconds=round(time.perf_counter() - start, 4),
        settings=request.to_json(),
        environment=versions(),
    )


def _recorded(options: ModelOptions, model: nn.Module, device: torch.device) -> Tape:
    images = torch.randn(1, *input_size(model, options), device=device)
    with device, torch.no_grad():
        return record(model, images)


def record(model: nn.Module, *inputs: Any) -> Tape:
    """Run a model on its inputs, on the device they are on, and record. No hook is left behind, whatever happens.

    Values are told apart by their memory: a view is that part of its base, and writing in place makes a new value of
    what is written.

    Args:
        model: the model.
        inputs: what it is called with.

    Raises:
        Exception: whatever the model raises.
    """
    tape = Tape(model, list(tensors_of(inputs)))
    with ExitStack() as context:
        context.enter_context(hooked(model, tape.enter, tape.leave))
        context.enter_context(Dispatched(tape))
        context.enter_context(Called(tape))
        context.enter_context(uncompiled())
        tape.outputs = tape.tensors(tensors_of(model(*inputs)))
    return tape


def _plain(name: str) -> str:
    """A function's name without the marks of what is private, in place or reflected."""
    plain = name.strip("_")
    if name.startswith("__") and plain[:1] in "ri" and plain[1:] in _REFLECTED:
        return plain[1:]
    return plain


_REFLECTED = frozenset("add sub mul div truediv floordiv pow mod matmul and or xor lshift rshift".split())


class Dispatched(Shortened):
    """Puts every operator on the tape."""

    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self._tape = tape

    def plan(self, func: Any) -> Plan:
        """Which arguments an operator writes, and how they are called, stands in its schema alone."""
        arguments = func._schema.arguments
        written = tuple(i for i, arg in enumerate(arguments) if arg.alias_info is not None and arg.alias_info.is_write)
        name = name_of(func)
        return Plan(_plain(name), written, name in _FILLS, rule_of(name), not computes(func))

    def ran(self, plan: Plan, func: Any, args: tuple[Any, ...], kwargs: Any, out: Any) -> None:
        """Tell the tape, with the arguments by their places in the operator's schema."""
        if kwargs:
            args = (*args, *(kwargs.get(argument.name) for argument in func._schema.arguments[len(args) :]))
        self._tape.ran(plan, args, out)


class Called(TorchFunctionMode):  # type: ignore[misc]
    """Sees functions as the model calls them, by the names that people know."""

    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self._tape = tape

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        name = name_of(func)
        if name in _QUESTIONS:
            return func(*args, **kwargs) if kwargs else func(*args)
        named = kwargs or {}
        taken, filled = _taken_and_filled(name, args, named)
        rule = RECURRENT.get(name)
        macs = rule(by_place(name, args, named), None).macs if rule else None
        function = CalledFunction(_plain(name), taken, filled, (args, named), macs=macs)
        self._tape.functions.append(function)
        try:
            out = _recurrent(args) if rule and _is_layer_on_meta(args) else func(*args, **named)
        finally:
            self._tape.functions.pop()
        self._tape.returned(function, out)
        return out


def _taken_and_filled(name: str, args: Sequence[Any], named: Mapping[str, Any]) -> tuple[list[Tensor], list[Tensor]]:
    """The tensors that a function takes from, and those it is given to be filled."""
    start = 1 if name in _FILLS else 0
    taken = (*args[start:], *(value for key, value in named.items() if key != "out"))
    return list(tensors_of(taken)), list(tensors_of((args[:start], named.get("out"))))


_FILLS = frozenset("__setitem__ copy_ fill_ zero_ normal_ uniform_ bernoulli_ random_ exponential_".split())
"""Functions and operators that take nothing from what they write; an operator below them says where one does."""

_QUESTIONS = frozenset("__get__ size dim numel stride is_contiguous is_floating_point is_complex __len__".split())
"""Functions that tell of a tensor and run nothing."""


def _is_layer_on_meta(args: Sequence[Any]) -> bool:
    """Whether these are arguments of a recurrent layer, sequences not packed, on meta: torch runs it step by step."""
    return len(args) == 9 and isinstance(args[0], Tensor) and args[0].is_meta and isinstance(args[3], bool)


def _recurrent(args: Sequence[Any]) -> tuple[Tensor, ...]:
    """The outputs of such a layer, of the shapes that torch.nn.LSTM, torch.nn.GRU and torch.nn.RNN document."""
    sequences, states, bidirectional = args[0], list(tensors_of(args[1])), args[7]
    width = states[0].shape[-1] * (2 if bidirectional else 1)
    output = sequences.new_empty((*sequences.shape[:-1], width))
    return (output, *(state.clone() for state in states))
