"""Python's operators on values of which some are unknown, and calls of Python itself, within bounds of size."""

import ast
import functools
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from explorer.introspect.evaluator.bounds import MAX_BITS, MAX_SIZE, GiveUp
from explorer.introspect.evaluator.operations import has_rest, is_hashable, lifted, truth_of
from explorer.introspect.evaluator.values import (
    ATOMS,
    DEFINITIONS,
    UNKNOWN,
    Choice,
    ExternalValue,
    InstanceValue,
    PartialValue,
    Unknown,
    Value,
    is_data,
    is_known,
    may_be_anything,
    options_of,
)

_WIDE = re.compile(r"\d{5}|\*|\{[^{}]*\{")
"""A format that may pad to any width: five digits, a width taken from an argument, a nested field."""

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
    ast.Pow: operator.pow,
}
_NUMBERS = (int, float)
_CHEAP = {kind: _BINARY[kind] for kind in (ast.Add, ast.Sub)}
"""Operators that neither fail on numbers nor make them much larger."""
_CONVERSIONS: dict[int, Callable[[Any], str]] = {ord("s"): str, ord("r"): repr, ord("a"): ascii}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


def binary(op: ast.operator, left: Value, right: Value) -> Value:
    """``left op right``.

    Raises:
        GiveUp: Python would raise, or the result would be too large.
    """
    if left.__class__ in _NUMBERS and right.__class__ in _NUMBERS and op.__class__ in _CHEAP:
        number: Value = _CHEAP[op.__class__](left, right)
        return number
    if left.__class__ is Choice or right.__class__ is Choice:
        return lifted(functools.partial(binary, op), left, right)
    if isinstance(op, ast.Add):
        # Items may be unknown here, as nothing looks into them.
        if isinstance(left, list) and isinstance(right, list):
            _check_size(len(left) + len(right))
            return left + right
        if type(left) is tuple and type(right) is tuple:
            _check_size(len(left) + len(right))
            return left + right
    if isinstance(op, ast.Mult):
        for sequence, times in ((left, right), (right, left)):
            if isinstance(sequence, (list, tuple, str, bytes)) and isinstance(times, int):
                _check_size(len(sequence) * max(times, 0))
                return sequence * times
    function = _BINARY.get(type(op))
    if function is None or not (is_known(left) and is_known(right) and is_data(left) and is_data(right)):
        return UNKNOWN
    _check_bits(op, left, right)
    if isinstance(op, ast.Mod) and isinstance(left, (str, bytes)):
        _check_format(left)
    return guarded(function, [left, right])


def unary(op: ast.unaryop, value: Value) -> Value:
    """``op value`` for numbers; ``not`` is the caller's."""
    if value.__class__ is Choice:
        return lifted(functools.partial(unary, op), value)
    return guarded(_UNARY[type(op)], [value]) if isinstance(value, (int, float)) else UNKNOWN


def compare(op: ast.cmpop, left: Value, right: Value) -> Value:
    """``left op right``: true, false or unknown.

    Raises:
        GiveUp: Python would raise.
    """
    if left.__class__ in ATOMS and right.__class__ in ATOMS:
        try:
            return bool(_COMPARE[op.__class__](left, right))
        except TypeError as error:
            raise GiveUp from error
    if left.__class__ is Choice or right.__class__ is Choice:
        return lifted(functools.partial(compare, op), left, right)
    if _comparable(op, left, right):
        return bool(guarded(_COMPARE[type(op)], [left, right]))
    return _identity(op, left, right)


def _identity(op: ast.cmpop, left: Value, right: Value) -> Value:
    """Whether two values are the same, as far as definitions and constants tell."""
    if isinstance(op, (ast.In, ast.NotIn)):
        if right is _ENVIRONMENT or right is EVERYTHING:
            return isinstance(op, ast.In) is (right is EVERYTHING)
        if not isinstance(right, (list, tuple, set, frozenset)) or has_rest(right):
            return UNKNOWN
        equals = [_equal(left, item) for item in right]
        found = True if True in equals else None if None in equals else False
    elif isinstance(op, (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)):
        found = _equal(left, right)
    else:
        return UNKNOWN
    return UNKNOWN if found is None else found is isinstance(op, (ast.In, ast.Eq, ast.Is))


def _equal(left: Value, right: Value) -> bool | None:
    if left.__class__ in ATOMS and right.__class__ in ATOMS:
        return bool(left == right)
    if isinstance(left, _DISTINCT) and isinstance(right, _DISTINCT):
        return bool(left == right)
    for one, other in ((left, right), (right, left)):
        if isinstance(one, _DISTINCT) and other.__class__ in ATOMS and truth_of(one) is not None:
            return False
    return None


EVERYTHING = ExternalValue("builtins.dir()")
"""A container that has whatever is looked for in it."""
_ENVIRONMENT = ExternalValue("os.environ")
"""No variable is taken to be set."""
_DISTINCT = (*DEFINITIONS, PartialValue, InstanceValue)


def formatted(value: Value, conversion: int, spec: Value) -> Value:
    """The text of ``{value!conversion:spec}``.

    Raises:
        GiveUp: Python would raise, or the text would be too wide.
    """
    if not (is_known(value) and is_data(value)) or not isinstance(spec, str):
        return UNKNOWN
    _check_format(spec)
    return guarded(format, [_CONVERSIONS[conversion](value) if conversion in _CONVERSIONS else value, spec])


def guarded(function: Callable[..., Any], args: Sequence[Value], keywords: Mapping[Any, Value] | None = None) -> Value:
    """Call Python itself.

    Raises:
        GiveUp: it raises, or the result is too large.
    """
    try:
        result: Value = function(*args, **(keywords or {}))
    except Exception as error:
        raise GiveUp from error
    if isinstance(result, (str, bytes, list, tuple, dict, set)):
        _check_size(len(result))
    return result


def check_text_method(owner: str, name: str, args: Sequence[Value]) -> None:
    """Whether a method of a text may be called.

    Raises:
        GiveUp: its result could be too large.
    """
    if name == "format":
        _check_format(owner)
    elif name == "zfill" and args and isinstance(args[0], int):
        _check_size(args[0])
    elif name == "replace" and len(args) > 1 and isinstance(args[1], str):
        _check_size((len(owner) + 1) * len(args[1]))
    elif name == "join" and args and isinstance(args[0], (list, tuple)):
        _check_size(sum(len(part) for part in args[0] if isinstance(part, str)) + len(owner) * len(args[0]))


def _comparable(op: ast.cmpop, left: Value, right: Value) -> bool:
    if isinstance(op, (ast.Is, ast.IsNot)):
        known = left.__class__ is not Unknown and right.__class__ is not Unknown
        return known and (left is None or right is None)
    if isinstance(op, (ast.In, ast.NotIn)) and isinstance(right, dict):
        if not (is_known(left) and is_hashable(left)):
            return False
        return not may_be_anything(options_of(right[left])) if left in right else not has_rest(right)
    return is_known(left) and is_known(right) and is_data(left) and is_data(right)


def _check_size(size: int) -> None:
    if size > MAX_SIZE:
        raise GiveUp


def _check_bits(op: ast.operator, left: Value, right: Value) -> None:
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * abs(right) if isinstance(op, ast.Pow) else left.bit_length() + right.bit_length()
        if bits > MAX_BITS:
            raise GiveUp


def _check_format(spec: str | bytes) -> None:
    if _WIDE.search(spec if isinstance(spec, str) else spec.decode("latin-1")):
        raise GiveUp
