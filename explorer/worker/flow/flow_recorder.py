"""A forward pass, recorded: which operator gave what to which, and the module calls they ran in."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn

from explorer.protocol.flow import FlowCall, FlowOperator, FlowTensor
from explorer.worker.counting import tensors_of
from explorer.worker.flow.modes import Called, Dispatched
from explorer.worker.flow.tape import Tape


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded pass. ``modules`` are those that ran, by the index that calls name them with."""

    modules: Sequence[nn.Module]
    calls: Sequence[FlowCall]
    operators: Sequence[FlowOperator]
    inputs: Sequence[tuple[int, ...]]
    outputs: Sequence[FlowTensor]


def record(model: nn.Module, *inputs: Any) -> Recording:
    """Run a model on its inputs, on the device they are on, and record. No hook is left behind, whatever happens.

    Values are told apart by their memory: a view is its base, and writing in place makes a new value of it.

    Args:
        model: the model.
        inputs: what it is called with.

    Raises:
        Exception: whatever the model raises.
    """
    tape = Tape(model, list(tensors_of(inputs)))
    with ExitStack() as context:
        context.enter_context(_watched(model, tape))
        context.enter_context(Dispatched(tape))
        context.enter_context(Called(tape))
        output = model(*inputs)
    return Recording(
        list(tape.modules),
        [FlowCall(*call) for call in tape.calls],
        [operator.finished() for operator in tape.operators],
        tape.inputs,
        tape.tensors(tensors_of(output)),
    )


@contextmanager
def _watched(model: nn.Module, tape: Tape) -> Iterator[None]:
    """Every module of the model tells when it starts and ends."""

    def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        tape.enter(module, (*args, *kwargs.values()))

    def after(_module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
        tape.leave(output)

    with ExitStack() as hooks:
        for module in model.modules():
            handle = module.register_forward_pre_hook(before, prepend=True, with_kwargs=True)
            hooks.callback(handle.remove)
            hooks.callback(module.register_forward_hook(after, always_call=True).remove)
        yield
