"""What a piece of compiled source runs in: its names, where it stands, and what it has left behind so far."""

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from explorer.introspect.evaluator.interface import Machine, RunState
from explorer.introspect.evaluator.objects import Objects
from explorer.introspect.evaluator.operations import taint
from explorer.introspect.evaluator.python_library import BUILTIN_NAMES
from explorer.introspect.evaluator.values import (
    UNKNOWN,
    ClassValue,
    Environment,
    ExternalValue,
    FunctionValue,
    Names,
    Value,
    join,
)


@dataclass(slots=True)
class Loop:
    """Names at the places where a loop's body was left."""

    breaks: list[Names] = field(default_factory=list)
    continues: list[Names] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Activation:
    """One run of a module's top level, of a class body, or of a function."""

    objects: Objects
    """Knows classes and instances, and the machine that calls functions and imports modules."""
    module: str
    """The module that the source stands in."""
    environment: Environment
    """The names it sees; branches replace its ``names`` and merge them again."""
    function: FunctionValue | None = None
    """The function around it, ``None`` at the top of a module or class."""
    qualname: str = ""
    """That of the function or class around it, empty at the top of a module."""
    cls: ClassValue | None = None
    """The class whose body it is."""
    outer_names: set[str] = field(default_factory=set)
    """Names that ``global`` and ``nonlocal`` say are bound outside."""
    returns: list[Value] = field(default_factory=list)
    """What the function may return."""
    yields: list[Value] | None = None
    loop: Loop | None = None
    trying: int = 0
    """How many ``try`` bodies stand around what is executed: there, what fails leads to a handler."""
    machine: Machine = field(init=False)
    state: RunState = field(init=False)

    def __post_init__(self) -> None:
        self.machine = self.objects.machine
        self.state = self.machine.state

    def inner(self) -> "Activation":
        """What a comprehension runs in: names of its own inside these."""
        return Activation(self.objects, self.module, Environment({}, self.environment), self.function, self.qualname)

    @property
    def closure(self) -> Environment:
        """What functions defined here close over: the names around a class, not those in its body."""
        return (self.environment.parent or self.environment) if self.cls else self.environment

    def inner_qualname(self, name: str) -> str:
        """The qualname of what is defined here."""
        if not self.qualname:
            return name
        return f"{self.qualname}.<locals>.{name}" if self.function else f"{self.qualname}.{name}"

    def leave_round(self, place: Callable[[Loop], list[Names]]) -> bool:
        """Keep the names as they are where a round of the innermost loop is left."""
        if self.loop:
            place(self.loop).append(dict(self.environment.names))
        return True

    def exits(self) -> int:
        """How often the function or the innermost loop may have been left so far."""
        return len(self.returns) + (len(self.loop.breaks) + len(self.loop.continues) if self.loop else 0)

    def lookup(self, name: str) -> Value:
        """What a name stands for."""
        environment: Environment | None = self.environment
        while environment is not None:
            if name in environment.names:
                return environment.names[name]
            environment = environment.parent
        return _BUILTINS.get(name, UNKNOWN)

    def bind_name(self, name: str, value: Value) -> None:
        """Bind a name where Python would: here, or outside where ``global`` or ``nonlocal`` says so."""
        if name not in self.outer_names:
            self.environment.names[name] = value
            return
        environment = self.environment
        while environment.parent is not None:
            environment = environment.parent
            if name in environment.names:
                break
        if environment.parent is None and self.state.frozen:
            return  # a module's, once these are held as they are
        if self.state.uncertain:
            value = join([value, environment.names.get(name, UNKNOWN)])
        environment.names[name] = value

    def forget(self, node: ast.AST) -> None:
        """Make every name the node binds unknown."""
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                self.environment.names[child.id] = UNKNOWN
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self.environment.names[child.name] = UNKNOWN

    def give_up(self, node: ast.AST) -> None:
        """Make unknown all that a statement binds, and every container it names, as it may have been changed."""
        if self.state.is_own and self.state.importing and _may_register(node):
            self.state.cannot_tell(self.module, getattr(node, "lineno", 1), "what this does could not be followed")
        for child in ast.walk(node):
            if isinstance(child, ast.Name):
                taint([self.lookup(child.id)])
        self.forget(node)


def _may_register(node: ast.AST) -> bool:
    """Whether a statement names something that registers models or imports modules."""
    names = (getattr(child, "id", None) or getattr(child, "attr", None) for child in ast.walk(node))
    return any(isinstance(name, str) and ("regist" in name or name in _RUNNERS) for name in names)


_RUNNERS = frozenset("__import__ import_module load_module exec_module exec".split())

_BUILTINS = {name: ExternalValue(f"builtins.{name}") for name in BUILTIN_NAMES}
"""What a name that is bound nowhere stands for."""
