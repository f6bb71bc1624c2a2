"""What functions say of themselves, ``__name__`` among it: as Python gives it to them, and as source sets it anew."""

import ast
import functools

from explorer.introspect.evaluator.bounds import GiveUp
from explorer.introspect.evaluator.values import (
    UNKNOWN,
    ClassValue,
    FunctionValue,
    MethodValue,
    Names,
    PartialValue,
    Value,
    join,
)

WRAPPER_ASSIGNMENTS: tuple[Value, ...] = functools.WRAPPER_ASSIGNMENTS
_OWN = frozenset(("__name__", "__qualname__", "__module__", "__doc__"))
"""Attributes that are no part of a function's ``__dict__``."""
_PARTIALS = ("func", "args", "keywords")


def function_attribute(owner: FunctionValue | MethodValue | PartialValue, name: str) -> Value:
    """An attribute of something that can be called; unknown where nothing tells it.

    Raises:
        GiveUp: it has none of this name, as a ``partial`` has no ``__name__``.
    """
    if isinstance(owner, MethodValue):
        owner = owner.function
    given = owner.attributes or {}
    if name in given:
        return given[name]
    if name == "__dict__":
        return {key: value for key, value in given.items() if key not in _OWN}
    return _of_partial(owner, name) if isinstance(owner, PartialValue) else _of_function(owner, name)


def _of_function(function: FunctionValue, name: str) -> Value:
    if name == "__name__":
        return function.qualname.rpartition(".")[2]
    if name == "__qualname__":
        return function.qualname
    if name == "__module__":
        return function.module
    if name == "__doc__":
        return None if isinstance(function.node, ast.Lambda) else ast.get_docstring(function.node, clean=False)
    return UNKNOWN


def _of_partial(partial: PartialValue, name: str) -> Value:
    if name in ("__name__", "__qualname__"):
        raise GiveUp
    parts: Names = {"func": partial.function, "args": partial.args, "keywords": partial.keywords}
    return "functools" if name == "__module__" else parts.get(name, UNKNOWN)


def has_function_attribute(owner: FunctionValue | MethodValue | PartialValue, name: str) -> bool:
    """Whether it has an attribute that something may look for."""
    function = owner.function if isinstance(owner, MethodValue) else owner
    if name in (function.attributes or ()) or name in ("__module__", "__call__", "__doc__", "__dict__"):
        return True
    return name in (_PARTIALS if isinstance(function, PartialValue) else ("__name__", "__qualname__"))


def set_function_attribute(owner: FunctionValue | PartialValue, name: str, value: Value, is_weak: bool) -> None:
    """``function.name = value``; the old value stays possible where it may not happen."""
    if is_weak:
        try:
            value = join([value, function_attribute(owner, name)])
        except GiveUp:
            value = join([value, UNKNOWN])
    owner.attributes = {**(owner.attributes or {}), name: value}


def unwrapped(function: Value) -> Value:
    """What :func:`functools.wraps` says is inside, through every wrapper."""
    seen: set[int] = set()
    while isinstance(function, (FunctionValue, PartialValue)) and id(function) not in seen:
        seen.add(id(function))
        inner = (function.attributes or {}).get("__wrapped__")
        if not isinstance(inner, (FunctionValue, PartialValue, ClassValue)):
            break
        function = inner
    return function
