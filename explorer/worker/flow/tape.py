"""What a recording holds while it is made: operators, module calls, and which operator wrote which memory last."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from explorer.protocol.flow import FlowOperator, FlowTensor
from explorer.worker.counting import tensors_of
from explorer.worker.counting.operator_costs import Rule
from explorer.worker.flow.scalars import scalars_of
from explorer.worker.flow.storage_writers import Memory, StorageWriters, memory_of


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of an operator beforehand: its name, the arguments it writes, how it is counted.

    ``overwrites`` tells that it takes nothing from what it writes, as copying into a slice does.
    """

    name: str
    written: tuple[int, ...]
    overwrites: bool
    rule: Rule | None
    is_move: bool


@dataclass(slots=True)
class Operator:
    """An operator under way."""

    name: str
    call: int
    inputs: tuple[FlowTensor, ...]
    weights: tuple[str, ...]
    scalars: tuple[tuple[str, str], ...] = ()
    outputs: tuple[tuple[int, ...], ...] = ()
    macs: int = 0
    is_move: bool = True

    def finished(self) -> FlowOperator:
        """The operator as it is told."""
        counted = self.macs, self.is_move
        return FlowOperator(self.name, self.call, self.inputs, self.outputs, *counted, self.weights, self.scalars)


@dataclass(slots=True)
class CalledFunction:
    """A function of torch that was called and has not returned: what runs below it is one operator.

    ``given`` are the tensors that it takes from, ``filled`` those that it may write into and take nothing from;
    ``arguments`` all that it was called with, in order and by name.
    """

    name: str
    given: Sequence[Tensor]
    filled: Sequence[Tensor] = ()
    arguments: tuple[Sequence[Any], Mapping[str, Any]] = ((), {})
    operator: Operator | None = None
    index: int = -1
    macs: int | None = None


@dataclass
class Tape:
    """What was recorded so far. ``modules`` are those that ran, with the index that calls name them with."""

    model: nn.Module
    given: list[Tensor]
    modules: dict[nn.Module, int] = field(default_factory=dict)
    calls: list[list[Any]] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    running: list[int] = field(default_factory=list)
    functions: list[CalledFunction] = field(default_factory=list)
    outputs: tuple[FlowTensor, ...] = ()

    def __post_init__(self) -> None:
        self._writers = StorageWriters()
        for index, tensor in enumerate(self.given):
            self._writers.write(tensor, -1 - index)
        self.inputs = [tuple(tensor.shape) for tensor in self.given]
        self._ran: list[nn.Module] = []
        self._names: dict[Memory, str] = {}
        for name, tensor in (*self.model.named_parameters(), *self.model.named_buffers()):
            self._names.setdefault(memory_of(tensor), name)
        self._paths = {module: path for path, module in self.model.named_modules()}

    def tensors(self, tensors: Iterable[Tensor]) -> tuple[FlowTensor, ...]:
        """What of the tensors operators or the model's input wrote, each once."""
        return tuple(dict.fromkeys(self._taken(tensors)))

    def _taken(self, tensors: Iterable[Tensor]) -> Iterator[FlowTensor]:
        """What of the tensors operators or the model's input wrote, tensor by tensor."""
        for tensor in tensors:
            shape = tuple(tensor.shape)
            yield from (FlowTensor(writer, shape) for writer in self._writers.writers(tensor))

    def enter(self, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """A module was called."""
        index = self.modules.setdefault(module, len(self.modules))
        if index == len(self._ran):
            self._ran.append(module)
        parent = self.running[-1] if self.running else -1
        self.running.append(len(self.calls))
        start = len(self.operators)
        given = self.tensors(tensors_of((*args, *kwargs.values())))
        self.calls.append([index, parent, start, start, given, ()])

    def leave(self, _module: nn.Module, output: Any) -> None:
        """The innermost running module returned."""
        call = self.calls[self.running.pop()]
        call[3] = len(self.operators)
        call[5] = self.tensors(tensors_of(output))

    def ran(self, plan: Plan, given: Sequence[Any], out: Any) -> None:
        """An operator below autograd ran."""
        before = list(tensors_of(given))
        mutated = [arg for place in plan.written if place < len(given) for arg in tensors_of(given[place])]
        known = {memory_of(tensor) for tensor in before}
        written = mutated + [tensor for tensor in tensors_of(out) if memory_of(tensor) not in known]
        if not written:
            return
        read = [t for t in before if not any(t is m for m in mutated)] if plan.overwrites else before
        function = self.functions[-1] if self.functions else CalledFunction(plan.name, read)
        operator = self._operator(function, read)
        if not self.functions:
            operator.outputs = tuple(tuple(tensor.shape) for tensor in written)
        operator.is_move = operator.is_move and plan.is_move
        if plan.rule is not None and function.macs is None:
            operator.macs += plan.rule(given, out).macs
        for tensor in written:
            self._writers.write(tensor, function.index)

    def _operator(self, function: CalledFunction, before: Sequence[Tensor]) -> Operator:
        if function.operator is None:
            call = self.running[-1] if self.running else 0
            function.index = len(self.operators)
            weights = self._weights([*function.given, *function.filled, *before])
            taken, scalars = tuple(self._taken(function.given)), scalars_of(*function.arguments, self._module())
            function.operator = Operator(function.name, call, taken, weights, scalars)
            if function.macs is not None:
                function.operator.macs, function.operator.is_move = function.macs, False
            self.operators.append(function.operator)
        self._take(function.operator, function.index, before)
        return function.operator

    def _take(self, operator: Operator, index: int, before: Sequence[Tensor]) -> None:
        """Add what an operator takes besides the function's arguments, as a closure may."""
        known = {tensor.source for tensor in operator.inputs} | {index}
        more = tuple(tensor for tensor in self.tensors(before) if tensor.source not in known)
        if more:
            operator.inputs += more

    def _module(self) -> nn.Module:
        """The innermost that runs."""
        return self._ran[self.calls[self.running[-1]][0]] if self.running else self.model

    def _weights(self, tensors: Sequence[Tensor]) -> tuple[str, ...]:
        """The names of those that the model holds; what the running module holds by its name in there."""
        names = (self._names.get(memory_of(tensor)) for tensor in tensors)
        path = self._paths.get(self._module(), "")
        return tuple(dict.fromkeys(name.removeprefix(f"{path}.") for name in names if name))

    def returned(self, function: CalledFunction, out: Any) -> None:
        """A function returned: what of it is new are its outputs, or else what it wrote into."""
        if function.operator is None:
            return
        for values in (tensors_of(out), function.filled, function.given):
            shapes = tuple(tuple(t.shape) for t in values if function.index in self._writers.writers(t))
            if shapes:
                function.operator.outputs = shapes
                return
