"""Calls of functions evaluated: binding arguments, telling calls apart, and remembering what was evaluated."""

import ast
from dataclasses import dataclass
from typing import Any

from explorer.introspect.evaluator.bounds import MAX_MISSES, RECALLS_WORTH, GiveUp
from explorer.introspect.evaluator.interface import Context
from explorer.introspect.evaluator.operations import copied, copy_of
from explorer.introspect.evaluator.values import (
    REST,
    UNKNOWN,
    FunctionValue,
    InstanceValue,
    Keywords,
    Names,
    Value,
    has_sizes,
    join,
    key_of,
)


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a function, by how they can be given."""

    positional: tuple[str, ...]
    named: tuple[str, ...]
    vararg: str | None
    kwarg: str | None

    @classmethod
    def of(cls, parameters: ast.arguments) -> "Signature":
        """Read from syntax."""
        positional = tuple(a.arg for a in (*parameters.posonlyargs, *parameters.args))
        return cls(
            positional,
            (*positional, *(a.arg for a in parameters.kwonlyargs)),
            parameters.vararg.arg if parameters.vararg else None,
            parameters.kwarg.arg if parameters.kwarg else None,
        )


def bind(signature: Signature, defaults: Names, args: list[Value], keywords: Keywords) -> Names:
    """Names of a function's run, as Python binds arguments.

    Positional arguments that end in :data:`REST` fill any number of parameters.

    Raises:
        GiveUp: Python would raise.
    """
    positional = signature.positional
    bound: Names
    if REST in args:
        bound = _bound_loosely(signature, defaults, args, keywords)
    else:
        bound = dict(zip(positional, args, strict=False))
        if signature.vararg:
            bound[signature.vararg] = tuple(args[len(positional) :])
        elif len(args) > len(positional):
            raise GiveUp
    if REST in keywords:
        rest = keywords[REST]
        defaults = {name: join([defaults[name], rest]) if name in defaults else rest for name in signature.named}
    left = {name: value for name, value in keywords.items() if name is not REST}
    for name in signature.named:
        if name not in bound:
            bound[name] = left.pop(name, defaults.get(name, UNKNOWN))
    if signature.kwarg:
        bound[signature.kwarg] = {**left, REST: keywords[REST]} if REST in keywords else dict(left)
    elif left and any(name not in bound for name in left):
        raise GiveUp
    return bound


def _bound_loosely(signature: Signature, defaults: Names, args: list[Value], keywords: Keywords) -> Names:
    """What positional arguments of unknown number are bound to."""
    positional = signature.positional
    at = args.index(REST)
    more = join([UNKNOWN, *args[at + 1 :]])
    bound = dict(zip(positional, args[:at], strict=False))
    for name in positional[at:]:
        if name not in keywords:
            bound[name] = join([more, defaults.get(name, UNKNOWN)])
    if signature.vararg:
        bound[signature.vararg] = [*args[len(positional) : at], *args[at:]]
    return bound


@dataclass(slots=True)
class Evaluation:
    """An evaluation of a function, while it lasts and after."""

    context: Context
    instance: InstanceValue | None = None
    made: InstanceValue | None = None
    """A copy of the instance as its ``__init__`` left it."""
    result: Value = UNKNOWN

    def remembered(self) -> Value:
        """The result so far; where the instance made was changed since, a new one made in the same way."""
        if self.instance is None:
            return copied(self.result)
        if self.made is not None and self.instance.version != self.made.version:
            self.instance, self.made = self.made, copy_of(self.made)
        return self.instance


class Evaluations:
    """What was evaluated so far, by function and arguments.

    Calls that differ only in sizes are one run: how many channels a layer has decides no call. Functions that return
    numbers are the exception (they are *exact*), as what is computed from these may decide one; and so are functions
    that compare with a size, and all that lead to them.
    """

    def __init__(self) -> None:
        self._runs: dict[Any, Evaluation] = {}
        self._exact: set[ast.AST] = set()
        """Functions that return numbers: what they return depends on every number they are given."""
        self._sized: set[ast.AST] = set()
        """Exact functions that compare with a size, or lead to one that does."""
        self.running: list[ast.AST] = []
        """The functions evaluated now, outermost first."""
        self._misses: dict[ast.AST, int] = {}
        """How often in a row a call of the function was not found; negative after one that was."""

    def clear(self) -> None:
        """Forget all runs."""
        self._runs.clear()
        self._exact.clear()
        self._sized.clear()
        self._misses.clear()

    def key(
        self, function: FunctionValue, args: list[Value], keywords: Keywords, instance: InstanceValue | None
    ) -> Any:
        """What tells this call from others of the function; ``None`` where it is not worth telling."""
        if self._misses.get(function.node, 0) > MAX_MISSES:
            return None
        return self._key(function, args, keywords, instance)

    def recalled(self, function: FunctionValue, key: Any) -> Evaluation | None:
        """The run of a call like this one, finished or not."""
        run = None if key is None else self._runs.get(key)
        if run is not None:
            self._misses[function.node] = -RECALLS_WORTH
        return run

    def depend_on_sizes(self) -> None:
        """Take all functions evaluated now for exact: one of them compares with a size."""
        self._exact.update(self.running)
        self._sized.update(self.running)

    def lead_to(self, function: FunctionValue) -> None:
        """Note that the functions evaluated now call this one, before its key is asked for."""
        if function.node in self._sized:
            self.depend_on_sizes()

    def begin(self, function: FunctionValue, key: Any, run: Evaluation) -> None:
        """Let calls like this one find a run, while it lasts too: a recursion ends where it comes back to itself."""
        if key is not None:
            self._runs[key] = run
            self._misses[function.node] = self._misses.get(function.node, 0) + 1

    def keep(self, key: Any, function: FunctionValue, args: list[Value], keywords: Keywords, run: Evaluation) -> None:
        """Remember a finished run for calls like it, unless it changed its arguments.

        One run stands for calls that differ only in sizes, as long as no number comes back to compute with.
        """
        if key is None:
            return
        returns_sizes = function.node not in self._exact and run.instance is None and has_sizes(run.result)
        if returns_sizes or function.node in self._sized:
            self._runs.pop(key, None)
            self._exact.add(function.node)
            key = self._key(function, args, keywords, run.instance)
            self._runs[key] = run
        may_change = any(isinstance(value, (list, dict, set)) for value in (*args, *keywords.values()))
        if may_change and self._key(function, args, keywords, run.instance) != key:
            del self._runs[key]

    def _key(
        self, function: FunctionValue, args: list[Value], keywords: Keywords, instance: InstanceValue | None
    ) -> Any:
        """All arguments, or all but the sizes among them."""
        made = None if instance is None else instance.cls
        if made:
            args = args[1:]
        sizes: dict[int, int] | None = None if function.node in self._exact else {}
        given = [key_of(value, sizes) for value in args]
        named = [(name, key_of(value, sizes)) for name, value in keywords.items()]
        return function.node, function.closure, made, *given, *named
