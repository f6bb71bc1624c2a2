"""Operations on values of which some are unknown."""

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from explorer.introspect.evaluator.values import (
    ATOMS,
    MAX_OPTIONS,
    MAX_SIZE,
    REST,
    UNKNOWN,
    Choice,
    ClassValue,
    DescriptorValue,
    ExternalValue,
    FunctionValue,
    GiveUp,
    InstanceValue,
    MemberValue,
    MethodValue,
    ModuleValue,
    PartialValue,
    SuperValue,
    Value,
    is_data,
    is_known,
    join,
    key_of,
    options_of,
)

_ALWAYS_TRUE = (
    FunctionValue,
    ClassValue,
    ModuleValue,
    PartialValue,
    MethodValue,
    MemberValue,
    SuperValue,
    DescriptorValue,
)
_MAX_COMBINATIONS = 64
_CONTAINERS = frozenset((dict, list, set, tuple))


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


def bind(
    signature: Signature, defaults: dict[str, Value], args: list[Value], keywords: dict[Any, Value]
) -> dict[str, Value]:
    """Names of a function's run, as Python binds arguments.

    Positional arguments that end in :data:`REST` fill any number of parameters.

    Raises:
        GiveUp: Python would raise.
    """
    positional = signature.positional
    bound: dict[str, Value]
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
    left = keywords
    if keywords:
        left = {name: value for name, value in keywords.items() if name is not REST}
    for name in signature.named:
        if name in bound:
            continue
        if name in left:
            bound[name] = left.pop(name)
        else:
            bound[name] = defaults.get(name, UNKNOWN)
    if signature.kwarg:
        bound[signature.kwarg] = {**left, REST: keywords[REST]} if REST in keywords else dict(left)
    elif left and any(name not in bound for name in left):
        raise GiveUp
    return bound


def _bound_loosely(
    signature: Signature, defaults: dict[str, Value], args: list[Value], keywords: dict[Any, Value]
) -> dict[str, Value]:
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
    if value.__class__ is Choice:
        dicts = [option for option in value.options if isinstance(option, dict)]
        for key in dict.fromkeys(key for option in dicts for key in option):
            given = [option.get(key, result.get(key, UNKNOWN)) for option in dicts]
            result[key] = join(given if len(dicts) == len(value.options) else [*given, UNKNOWN])
        if len(dicts) < len(value.options) and not all(o is None or o == {} for o in value.options if o not in dicts):
            taint([result])
        return
    if not isinstance(value, dict) or REST in value:
        for key in result:
            result[key] = join([result[key], UNKNOWN])
        result[REST] = UNKNOWN
    if isinstance(value, dict):
        result.update(value)


def item_of(owner: Value, key: Value) -> Value:
    """``owner[key]`` of Python's own containers; where it is not settled which item, any of them.

    Raises:
        GiveUp: there is no such item.
    """
    if owner.__class__ is Choice or key.__class__ is Choice:
        return lifted(item_of, owner, key)
    if isinstance(owner, (list, tuple, str, range)):
        if isinstance(key, (int, slice)) and not has_rest(owner):
            try:
                return owner[key]
            except IndexError as error:
                raise GiveUp from error
        if isinstance(owner, (str, range)):
            return UNKNOWN
        if isinstance(key, slice):
            return [REST, *[item for item in owner if item is not REST]]
        return join([UNKNOWN, *[item for item in owner if item is not REST]])
    if isinstance(owner, dict):
        if is_known(key) and is_hashable(key):
            if key in owner:
                return owner[key]
            if REST not in owner:
                raise GiveUp
            return owner[REST]
        return join([UNKNOWN, *owner.values()]) if len(owner) <= MAX_OPTIONS else UNKNOWN
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


def possible_item(value: Value) -> Value:
    """What any one item of a value may be, where :func:`items_of` does not know how many there are."""
    if value.__class__ is Choice:
        return join(possible_item(option) for option in value.options)
    if isinstance(value, dict):
        return join([*(key for key in value if key is not REST), *([UNKNOWN] if REST in value else [])])
    if isinstance(value, (list, tuple, set, frozenset)):
        return join(item for item in value if item is not REST)
    return UNKNOWN


def listed(value: Value) -> list[Value]:
    """What iterating over a value gives, :data:`REST` before what may be among it where that is not known."""
    items = items_of(value)
    return [REST, *options_of(possible_item(value))] if items is None else items


def truth_of(value: Value) -> bool | None:
    """The truth of a value, ``None`` when it is not known."""
    kind = value.__class__
    if kind in ATOMS:
        return bool(value)
    if value is UNKNOWN:
        return None
    if kind is ExternalValue:
        return True if value.is_class or value.name.startswith("builtins.") else None
    if kind is Choice:
        truths = {truth_of(option) for option in value.options}
        return truths.pop() if len(truths) == 1 else None
    if kind is InstanceValue:
        return None if value.items is not None else True
    if has_rest(value):
        return None
    return True if isinstance(value, _ALWAYS_TRUE) else bool(value)


def same(first: Value, second: Value) -> bool:
    """Whether two values are known to be equal."""
    if first is second:
        return first is not UNKNOWN and first.__class__ is not Choice
    if isinstance(first, ExternalValue) and isinstance(second, ExternalValue):
        return first == second
    return is_data(first) and is_data(second) and type(first) is type(second) and bool(first == second)


def lifted(operation: Callable[..., Value], *values: Value) -> Value:
    """An operation on every combination of what the values may be; one that Python would refuse gives nothing."""
    if Choice not in map(type, values):
        return operation(*values)
    combinations: list[tuple[Value, ...]] = [()]
    for value in values:
        options = options_of(value)
        if len(combinations) * len(options) > _MAX_COMBINATIONS:
            return UNKNOWN
        combinations = [(*before, option) for before in combinations for option in options]
    results: list[Value] = []
    for combination in combinations:
        try:
            results.append(operation(*combination))
        except GiveUp:
            continue
    return join(results)


def is_hashable(value: Value) -> bool:
    """Whether the value can be a key."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def has_rest(value: Value) -> bool:
    """Whether a container was changed in an unknown way."""
    return isinstance(value, (list, dict, set)) and REST in value


def taint(values: Iterable[Value]) -> None:
    """Something unknown may have changed these containers."""
    for value in values:
        if isinstance(value, dict):
            for key in value:
                value[key] = join([value[key], UNKNOWN])
            value[REST] = UNKNOWN
        elif isinstance(value, list):
            value[:] = [REST, UNKNOWN, *[item for item in value if item is not REST and item is not UNKNOWN]]
        elif isinstance(value, set):
            value.add(REST)
        elif value.__class__ is Choice:
            taint(value.options)


def loosen(owner: Value, added: Iterable[Value] = ()) -> None:
    """A change that may not have happened: ``added`` may be among the items now, and their number is not known."""
    if isinstance(owner, list):
        seen: dict[Any, Value] = {key_of(item): item for item in (*owner, *added) if item is not REST}
        owner[:] = [REST, *seen.values()]
    else:
        taint([owner])


def copy_of(instance: InstanceValue) -> InstanceValue:
    """Another instance with the same attributes and items."""
    items = instance.items
    return InstanceValue(
        instance.cls, dict(instance.fields), items if items is None else items.copy(), instance.version
    )


def copied(value: Value, memo: dict[int, Value] | None = None) -> Value:
    """A deep copy of containers, in which what was shared is shared; functions and classes stay themselves."""
    if value.__class__ not in _CONTAINERS:
        return value
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)]
    result = value
    if isinstance(value, dict):
        result = {k: copied(v, memo) for k, v in value.items()}
    elif type(value) in (list, tuple, set):
        result = type(value)(copied(v, memo) for v in value)
    memo[id(value)] = result
    return result
