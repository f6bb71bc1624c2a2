"""Operations on values of which some are unknown."""

import ast
from collections.abc import Iterable
from typing import Any

from explorer.introspect.values import (
    MAX_SIZE,
    REST,
    UNKNOWN,
    ClassValue,
    ExternalValue,
    FunctionValue,
    GiveUp,
    ModuleValue,
    PartialValue,
    RecordValue,
    Value,
    is_data,
    is_known,
)


def bind(
    parameters: ast.arguments, defaults: dict[str, Value], args: list[Value], keywords: dict[Any, Value]
) -> dict[str, Value]:
    """Names of a function's run, as Python binds arguments."""
    positional = [a.arg for a in (*parameters.posonlyargs, *parameters.args)]
    names = [*positional, *(a.arg for a in parameters.kwonlyargs)]
    keywords = dict(keywords)
    rest = REST in keywords
    keywords.pop(REST, None)
    bound: dict[str, Value] = dict(zip(positional, args, strict=False))
    if parameters.vararg:
        bound[parameters.vararg.arg] = tuple(args[len(positional) :])
    elif len(args) > len(positional):
        raise GiveUp
    for name in names:
        if name in bound:
            continue
        if name in keywords:
            bound[name] = keywords.pop(name)
        elif rest or name not in defaults:
            bound[name] = UNKNOWN
        else:
            bound[name] = defaults[name]
    if parameters.kwarg:
        bound[parameters.kwarg.arg] = {**keywords, **({REST: UNKNOWN} if rest else {})}
    elif keywords:
        raise GiveUp
    return bound


def make_dict(args: list[Value], keywords: dict[Any, Value]) -> dict[Any, Value]:
    """``dict(*args, **keywords)``."""
    result: dict[Any, Value] = {}
    for argument in args:
        if isinstance(argument, (list, tuple)):
            is_pairs = all(isinstance(p, (list, tuple)) and len(p) == 2 and is_hashable(p[0]) for p in argument)
            merge_into(result, {key: value for key, value in argument} if is_pairs else UNKNOWN)  # noqa: C416
        else:
            merge_into(result, argument)
    merge_into(result, keywords)
    return result


def merge_into(result: dict[Any, Value], value: Value) -> None:
    """``result.update(value)``, where either may be partly unknown."""
    if not isinstance(value, dict) or REST in value:
        for key in result:
            result[key] = UNKNOWN
        result[REST] = UNKNOWN
    if isinstance(value, dict):
        result.update(value)


def item_of(owner: Value, key: Value) -> Value:
    """``owner[key]``."""
    if isinstance(owner, (list, tuple, str)) and isinstance(key, (int, slice)) and not has_rest(owner):
        try:
            return owner[key]
        except IndexError as error:
            raise GiveUp from error
    if isinstance(owner, dict) and is_known(key) and is_hashable(key):
        if key in owner:
            return owner[key]
        if REST not in owner:
            raise GiveUp
    return UNKNOWN


def items_of(value: Value) -> list[Value] | None:
    """What iterating over a value gives, ``None`` when that is not known."""
    if has_rest(value):
        return None
    if isinstance(value, dict):
        return list(value)
    if isinstance(value, (list, tuple, str, range)):
        return list(value) if len(value) < MAX_SIZE else None
    if isinstance(value, (set, frozenset)) and is_data(value):
        return sorted(value, key=repr)
    return None


def truth_of(value: Value) -> bool | None:
    """The truth of a value, ``None`` when it is not known."""
    if value is UNKNOWN or isinstance(value, ExternalValue):
        return None
    if has_rest(value):
        return None
    if isinstance(value, (FunctionValue, ClassValue, ModuleValue, RecordValue, PartialValue)):
        return True
    return bool(value)


def same(first: Value, second: Value) -> bool:
    """Whether two values are known to be equal."""
    if first is second:
        return first is not UNKNOWN
    if isinstance(first, ExternalValue) and isinstance(second, ExternalValue):
        return first == second
    return is_data(first) and is_data(second) and type(first) is type(second) and bool(first == second)


def is_hashable(value: Value) -> bool:
    """Whether the value can be a key."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def has_rest(value: Value) -> bool:
    """Whether a container was changed in an unknown way."""
    if isinstance(value, list):
        return any(item is REST for item in value)
    return isinstance(value, (dict, set)) and REST in value


def taint(values: Iterable[Value]) -> None:
    """Something unknown may have changed these containers."""
    for value in values:
        if isinstance(value, dict):
            for key in value:
                value[key] = UNKNOWN
            value[REST] = UNKNOWN
        elif isinstance(value, list):
            value[:] = [REST]
        elif isinstance(value, set):
            value.clear()
            value.add(REST)


def copied(value: Value, memo: dict[int, Value] | None = None) -> Value:
    """A deep copy of containers, in which what was shared is shared; functions and classes stay themselves."""
    if value.__class__ in (str, int, float, bool, type(None)):
        return value
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)]
    result = value
    if isinstance(value, dict):
        result = {k: copied(v, memo) for k, v in value.items()}
    elif isinstance(value, (list, tuple, set)):
        result = type(value)(copied(v, memo) for v in value)
    elif isinstance(value, RecordValue):
        result = RecordValue(value.cls, {k: copied(v, memo) for k, v in value.fields.items()})
    memo[id(value)] = result
    return result
