"""What stands between the parts of the evaluator: the state of a run, and what its handlers need of the machine.

Nothing here knows how an expression is evaluated. The object model, the handlers of libraries and the compiled source
are built on these, and the machine, which is made of them all, stands on top.
"""

import ast
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from explorer.introspect.evaluator.bounds import MAX_DEPTH, MAX_ROUNDS, SECONDS, GiveUp, OutOfSteps
from explorer.introspect.evaluator.values import (
    ATOMS,
    REST,
    UNKNOWN,
    ClassValue,
    Environment,
    FunctionNode,
    FunctionValue,
    InstanceValue,
    Keywords,
    MethodValue,
    PartialValue,
    Value,
    options_of,
)
from explorer.introspect.reading.parse import Module

_V = TypeVar("_V", bound=Value)


@dataclass(eq=False, slots=True)
class Context:
    """One function with one set of arguments, and what it calls then.

    ``calls`` maps the callee (a context, or the dotted name of something external) and the foreign code that lies
    between, if any, to the lines of the calls, each with the local name that the callee goes by there, if any.
    """

    function: str
    """``module:qualname``; a lambda or comprehension belongs to the function around it."""
    is_lambda: bool = False
    node: FunctionNode | None = None
    """The function's syntax; ``None`` for what stands outside."""
    calls: "dict[tuple[Context | str, str | None], dict[int, str | None]]" = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class RunState:
    """Where an evaluation stands; one object that the machine and all frames share."""

    deadline: float = field(default_factory=lambda: time.monotonic() + SECONDS)
    """When to stop, as :func:`time.monotonic` counts."""
    failures: dict[tuple[str, int], str] = field(default_factory=dict)
    """Where executing a module ended in what nobody foresaw: module and line, and what it was."""
    steps: int = 0
    """Work that may still be done."""
    depth: int = 0
    """How many calls lie inside each other now."""
    max_depth: int = MAX_DEPTH
    max_rounds: int = MAX_ROUNDS
    context: Context | None = None
    """The function evaluated now; ``None`` at the top of a module or class, where calls are not noted."""
    called_as: str | None = None
    """The local name by which the function evaluated now calls another, for :meth:`record`."""
    is_own: bool = False
    """Whether the top level executed now is of the user's own source, which is read as it is on this machine."""
    module: str = ""
    """The module whose source is executed now, while modules are imported."""
    line: int = 0
    """Where the last call of a function stands that something stands in for."""
    beside: tuple[Path, ...] = ()
    """Folders of which source of the user's own may import modules that are not read."""
    importing: bool = True
    """Whether modules are executed still; what follows changes nothing that they bind."""
    uncertain: int = 0
    """How many unknown conditions stand around what is executed now."""
    young: dict[int, tuple[Value, int]] = field(default_factory=dict)
    """Containers made under unknown conditions, by identity: how many there were then. Holding them keeps their
    identities from being given to others."""
    frozen: dict[int, Value] = field(default_factory=dict)
    """Containers and instances that modules bind, by identity, once these are not to change any more."""
    settled: set[Value] = field(default_factory=set)
    """Functions that modules define, once what is set on them is not to change any more."""
    functions: list[FunctionValue] = field(default_factory=list)
    """Functions defined so far, methods and nested ones included."""
    classes: list[ClassValue] = field(default_factory=list)
    """Classes defined so far."""

    untold: dict[tuple[str, int], str] = field(default_factory=dict)
    """Where importing may register what source does not tell, by module and line: the first reason."""
    entrypoints: set[ast.AST] = field(default_factory=set)
    """Syntax of the functions that were registered: a lambda among them is a function of its own."""

    def cannot_tell(self, module: str, line: int, why: str) -> None:
        """Note that models may be registered here which source does not tell."""
        if self.importing:
            self.untold.setdefault((module, line), why)

    def step(self) -> None:
        """Count a step of work.

        Raises:
            OutOfSteps: the evaluation does not end.
        """
        self.charge(1)
        self.check_time()

    def check_time(self) -> None:
        """Stop what takes longer than anybody's source.

        Raises:
            OutOfSteps: it does.
        """
        if time.monotonic() > self.deadline:
            raise OutOfSteps

    def charge(self, steps: int) -> None:
        """Count so many steps of work.

        Raises:
            OutOfSteps: the evaluation does not end.
        """
        self.steps -= steps
        if self.steps < 0:
            raise OutOfSteps

    def calls_itself(self) -> bool:
        """Whether the function evaluated now calls one of its own name, as a walk down a tree does."""
        node = self.context.node if self.context else None
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return False
        if node.name == "__init__":  # that of a base is another
            return False
        called = (part.func for part in ast.walk(node) if isinstance(part, ast.Call))
        return any(node.name in (getattr(f, "id", None), getattr(f, "attr", None)) for f in called)

    def record(self, callee: Context | str, line: int, through: str | None = None) -> None:
        """Note that the function evaluated now makes this call."""
        if self.context is not None:
            self.context.calls.setdefault((callee, through), {})[line] = self.called_as
        self.called_as = None

    def fresh(self, value: _V) -> _V:
        """A container made just now: changing it where it was made is certain, however uncertain the place is."""
        if self.uncertain:
            self.young[id(value)] = (value, self.uncertain)
        return value

    def is_weak(self, owner: Value) -> bool:
        """Whether a change of this object, made now, may not happen at all."""
        if not self.uncertain:
            return False
        entry = self.young.get(id(owner))
        return self.uncertain > (entry[1] if entry else 0)

    def settle(self) -> None:
        """Forget how uncertain the last evaluation was, however it ended."""
        self.depth = self.uncertain = 0
        self.young.clear()

    @contextmanager
    def maybe(self) -> Iterator[None]:
        """Everything executed inside may not happen."""
        self.uncertain += 1
        try:
            yield
        finally:
            self.uncertain -= 1

    @contextmanager
    def budget(self, steps: int, depth: int | None = None, rounds: int | None = None) -> Iterator[None]:
        """Allow this much work for what is executed inside, calls this deep, and so many rounds of a loop."""
        before = self.steps, self.max_depth, self.max_rounds
        self.steps, self.max_depth, self.max_rounds = steps, depth or self.max_depth, rounds or self.max_rounds
        try:
            yield
        finally:
            self.steps, self.max_depth, self.max_rounds = before


class Machine(Protocol):
    """What the object model, the handlers and compiled source need of the machine: to call, modules, and classes."""

    state: RunState
    modules: Mapping[str, Module]
    """Parsed modules by dotted name."""
    environments: dict[str, Environment]
    """The names of the modules that were executed."""

    def call(
        self, function: Value, args: list[Value], keywords: Keywords, line: int = 0, through: str | None = None
    ) -> Value:
        """Call a value, see :meth:`Evaluator.call`."""

    def call_function(
        self,
        function: FunctionValue,
        args: list[Value],
        keywords: Keywords,
        line: int,
        through: str | None = None,
        instance: InstanceValue | None = None,
    ) -> Value:
        """Evaluate a function of the packages, see :meth:`Evaluator.call_function`."""

    def execute(self, module: str) -> Environment:
        """Execute a module's top level once; its names."""

    def attribute(self, module: str, name: str) -> Value:
        """What ``from module import name`` binds."""

    def is_internal(self, module: str) -> bool:
        """Whether the module belongs to the packages evaluated."""

    def is_own(self, module: str) -> bool:
        """Whether the module is of the user's own, which stands beside timm."""

    def value_in(self, cls: ClassValue, node: ast.expr) -> Value:
        """Evaluate an expression that stands around a class: a base, a decorator."""

    def run_class_body(self, cls: ClassValue, environment: Environment) -> None:
        """Execute the body of a class; the environment holds the names it binds, also while it runs."""


def attempt(
    machine: Machine, function: Value, args: list[Value], keywords: Keywords, line: int, through: str | None = None
) -> Value:
    """Call a function where one that Python would refuse to call is no matter."""
    try:
        return machine.call(function, args, keywords, line, through)
    except GiveUp:
        return UNKNOWN


def hand_over(machine: Machine, name: str, values: list[Value], line: int) -> None:
    """Foreign code may call the functions that it is given."""
    for value in values:
        if value.__class__ in ATOMS:
            continue
        for option in options_of(value):
            function = option.function if isinstance(option, PartialValue) else option
            if isinstance(function, (FunctionValue, MethodValue)):
                with machine.state.maybe():
                    attempt(machine, option, [REST, UNKNOWN], {REST: UNKNOWN}, line, name)
