"""Operations on values of which some are unknown."""

from collections.abc import Callable, Iterable
from typing import Any

from explorer.introspect.evaluator.bounds import MAX_COMBINATIONS, MAX_OPTIONS, MAX_SIZE, GiveUp
from explorer.introspect.evaluator.values import (
    ATOMS,
    REST,
    UNKNOWN,
    Choice,
    ClassValue,
    DescriptorValue,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    Keywords,
    MemberValue,
    MethodValue,
    ModuleValue,
    PartialValue,
    SuperValue,
    Unknown,
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
_CONTAINERS = frozenset((dict, list, set, tuple))


def make_dict(args: list[Value], keywords: Keywords) -> Keywords:
    """``dict(*args, **keywords)``."""
    result: Keywords = {}
    for argument in args:
        if isinstance(argument, (list, tuple)):
            pairs = [p for p in argument if isinstance(p, (list, tuple)) and len(p) == 2 and is_hashable(p[0])]
            merge_into(result, {p[0]: p[1] for p in pairs} if len(pairs) == len(argument) else UNKNOWN)
        else:
            merge_into(result, argument)
    merge_into(result, keywords)
    return result


def merge_into(result: Keywords, value: Value) -> None:
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
    if value.__class__ in ATOMS:
        return bool(value)
    if value.__class__ is Unknown:
        return None
    if value.__class__ is ExternalValue:
        return True if value.is_class or value.name.startswith("builtins.") else None
    if value.__class__ is Choice:
        truths = {truth_of(option) for option in value.options}
        return truths.pop() if len(truths) == 1 else None
    if value.__class__ is InstanceValue:
        return None if value.items is not None else True
    if has_rest(value):
        return None
    return True if isinstance(value, _ALWAYS_TRUE) else bool(value)


def same(first: Value, second: Value) -> bool:
    """Whether two values are known to be equal."""
    if first is second:
        return first.__class__ is not Unknown and first.__class__ is not Choice
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
        if len(combinations) * len(options) > MAX_COMBINATIONS:
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
            value[:] = [REST, UNKNOWN, *[item for item in value if item is not REST and item.__class__ is not Unknown]]
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
