"""Two ways to look at what runs: functions as a model calls them, and operators as they come apart."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from explorer.worker.counting import tensors_of
from explorer.worker.counting.counted_operators import RECURRENT, computes, rule_of
from explorer.worker.counting.meta_shortcuts import Shortcut, shortcut_of, shortened
from explorer.worker.flow.tape import Function, Plan, Tape


def _plan(func: Any) -> Plan:
    arguments = func._schema.arguments
    written = tuple(i for i, arg in enumerate(arguments) if arg.alias_info is not None and arg.alias_info.is_write)
    name = str(func.overloadpacket.__name__)
    return Plan(_plain(name), written, rule_of(name), not computes(func))


def _plain(name: str) -> str:
    """A function's name without the marks of what is private, in place or reflected."""
    plain = name.strip("_")
    if name.startswith("__") and plain[:1] in "ri" and plain[1:] in _REFLECTED:
        return plain[1:]
    return plain


_REFLECTED = frozenset("add sub mul div truediv floordiv pow mod matmul and or xor lshift rshift".split())


class Dispatched(TorchDispatchMode):  # type: ignore[misc]
    """Sees every operator below autograd, where composite ones have come apart."""

    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self._tape = tape
        self._plans: dict[Any, tuple[Plan, Shortcut | None]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Sequence[Any], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        known = self._plans.get(func)
        if known is None:
            known = self._plans[func] = _plan(func), shortcut_of(func.overloadpacket.__name__)
        plan, shortcut = known
        out = shortened(func, shortcut, args, kwargs)
        self._tape.ran(plan, _in_order(func, args, kwargs), out)
        return out


def _in_order(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """Arguments by their places in the operator's schema, as far as they were given by name."""
    if not kwargs:
        return args
    return (*args, *(kwargs.get(argument.name) for argument in func._schema.arguments[len(args) :]))


class Called(TorchFunctionMode):  # type: ignore[misc]
    """Sees functions as the model calls them, by the names that people know."""

    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self._tape = tape

    def __torch_function__(
        self, func: Any, types: Sequence[Any], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in _QUESTIONS:
            return func(*args, **kwargs) if kwargs else func(*args)
        named = kwargs or {}
        given = list(tensors_of((*args, *named.values())))
        rule = RECURRENT.get(name)
        function = Function(_plain(name), given, macs=rule(args, None).macs if rule else None)
        self._tape.functions.append(function)
        try:
            out = _recurrent(args) if rule and _is_layer_on_meta(args) else func(*args, **named)
        finally:
            self._tape.functions.pop()
        self._tape.returned(function, out)
        return out


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
