"""Operations on values of which some are unknown: looking into containers, changing them, and Python's operators.

What Python itself computes it computes here, within bounds of size; where it would raise, so does :class:`GiveUp`.
"""

import ast
import functools
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from explorer.introspect.evaluator.bounds import MAX_BITS, MAX_COMBINATIONS, MAX_OPTIONS, MAX_SIZE, GiveUp, check_size
from explorer.introspect.evaluator.values import (
    ATOMS,
    DEFINITIONS,
    REST,
    UNKNOWN,
    Choice,
    ExternalValue,
    InstanceValue,
    Keywords,
    PartialValue,
    Unknown,
    Value,
    is_data,
    is_known,
    join,
    key_of,
    may_be_anything,
    options_of,
    unknown_from,
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
            except (IndexError, ValueError, OverflowError) as error:
                raise GiveUp from error
        if isinstance(owner, (str, range)):
            return UNKNOWN
        if isinstance(key, slice):
            return [REST, *[item for item in owner if item is not REST]]
        items = [item for item in owner if item is not REST]
        # Where the length is not known, the key is one of a range that is not either; else it may well be a slice.
        return join(items if has_rest(owner) else [UNKNOWN, *items])
    if isinstance(owner, dict):
        if is_known(key) and is_hashable(key):
            if key in owner:
                return owner[key]
            if REST not in owner:
                raise GiveUp
            return owner[REST]
        return join([UNKNOWN, *owner.values()]) if len(owner) <= MAX_OPTIONS else UNKNOWN
    return unknown_from(owner)


def items_of(value: Value) -> list[Value] | None:
    """What iterating over a value gives, ``None`` when that is not known."""
    if has_rest(value):
        return None
    if isinstance(value, dict):
        return list(value)
    if isinstance(value, (list, tuple, str, range)):
        return list(value) if length_of(value) < MAX_SIZE else None
    if isinstance(value, (set, frozenset)) and is_data(value):
        return sorted(value, key=repr)
    return None


def length_of(value: str | list[Value] | tuple[Value, ...] | range) -> int:
    """How many items it has; a range may have more than Python's own ``len`` can say."""
    if not isinstance(value, range):
        return len(value)
    return max(0, -((value.start - value.stop) // value.step))


def possible_item(value: Value) -> Value:
    """What any one item of a value may be, where :func:`items_of` does not know how many there are."""
    if value.__class__ is Choice:
        return join(possible_item(option) for option in value.options)
    if isinstance(value, dict):
        return join([*(key for key in value if key is not REST), *([UNKNOWN] if REST in value else [])])
    if isinstance(value, (list, tuple, set, frozenset)):
        return join(item for item in value if item is not REST)
    return UNKNOWN


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
    return bool(value)


def same(first: Value, second: Value) -> bool:
    """Whether two values are known to be equal."""
    if first is second:
        return first.__class__ is not Unknown and first.__class__ is not Choice
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
    result: Value
    if value.__class__ is dict:
        result = memo[id(value)] = {}  # known before its items are, as it may hold itself
        for key, item in value.items():
            result[key] = item if item.__class__ in ATOMS else copied(item, memo)
    elif value.__class__ is list:
        result = memo[id(value)] = []
        result.extend([item if item.__class__ in ATOMS else copied(item, memo) for item in value])
    elif value.__class__ is tuple:
        result = memo[id(value)] = tuple([item if item.__class__ in ATOMS else copied(item, memo) for item in value])
    else:
        result = memo[id(value)] = set(value)
    return result


# operators

_WIDE = re.compile(r"\d{5}|\*|\{[^{}]*\{")
"""A format that may pad to any width: five digits, a width taken from an argument, a nested field."""

_WIDTH = re.compile(r"\d")
_WIDEST = 9999

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
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
    ast.MatMult: operator.matmul,
}
"""Operators, by name those of the special methods of a class that does them."""
_NUMBERS = (int, float)
_CHEAP = {kind: BINARY[kind] for kind in (ast.Add, ast.Sub)}
"""Operators that neither fail on numbers nor make them much larger."""
_CONVERSIONS: dict[int, Callable[[Any], str]] = {ord("s"): str, ord("r"): repr, ord("a"): ascii}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}


def _contains(container: Any, item: Any) -> bool:
    if isinstance(container, range) and not isinstance(item, int):  # which Python looks for one by one
        check_size(length_of(container))
    return item in container


COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: _contains(b, a),
    ast.NotIn: lambda a, b: not _contains(b, a),
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


def binary(op: type[ast.operator], left: Value, right: Value) -> Value:
    """``left op right``.

    Raises:
        GiveUp: Python would raise, or the result would be too large.
    """
    if left.__class__ in _NUMBERS and right.__class__ in _NUMBERS and op in _CHEAP:
        number: Value = _CHEAP[op](left, right)
        return number
    if left.__class__ is Choice or right.__class__ is Choice:
        return lifted(functools.partial(binary, op), left, right)
    if op is ast.Add and left.__class__ is right.__class__ and left.__class__ in (list, tuple):
        return guarded(operator.add, [left, right])  # items may be unknown, as nothing looks into them
    if op is ast.Mult:
        for sequence, times in ((left, right), (right, left)):
            if isinstance(sequence, (list, tuple, str, bytes)) and isinstance(times, int):
                check_size(len(sequence) * max(times, 0))
                return sequence * times
    function = BINARY.get(op)
    if function is None or not (is_data(left) and is_data(right)):
        return unknown_from(left, right)
    check_bits(op, left, right)
    if op is ast.Mod and isinstance(left, (str, bytes)):
        _check_format(left)
    return guarded(function, [left, right])


def unary(op: type[ast.unaryop], value: Value) -> Value:
    """``op value`` for numbers; ``not`` is the caller's."""
    if value.__class__ is Choice:
        return lifted(functools.partial(unary, op), value)
    return guarded(_UNARY[op], [value]) if isinstance(value, (int, float)) else unknown_from(value)


def compare(op: type[ast.cmpop], left: Value, right: Value) -> Value:
    """``left op right``: true, false or unknown.

    Raises:
        GiveUp: Python would raise.
    """
    if left.__class__ in ATOMS and right.__class__ in ATOMS:
        try:
            return bool(COMPARE[op](left, right))
        except TypeError as error:
            raise GiveUp from error
    if left.__class__ is Choice or right.__class__ is Choice:
        return lifted(functools.partial(compare, op), left, right)
    if _comparable(op, left, right):
        return bool(guarded(COMPARE[op], [left, right]))
    return _identity(op, left, right)


def _identity(op: type[ast.cmpop], left: Value, right: Value) -> Value:
    """Whether two values are the same, as far as definitions and constants tell."""
    if op in (ast.In, ast.NotIn):
        if right is _ENVIRONMENT or right is EVERYTHING:
            return (op is ast.In) is (right is EVERYTHING)
        if not isinstance(right, (list, tuple, set, frozenset)) or has_rest(right):
            return UNKNOWN
        equals = [_equal(left, item) for item in right]
        found = True if True in equals else None if None in equals else False
    elif op in (ast.Eq, ast.NotEq, ast.Is, ast.IsNot):
        found = _equal(left, right)
    else:
        return UNKNOWN
    return UNKNOWN if found is None else found is (op in (ast.In, ast.Eq, ast.Is))


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
    if not is_data(value) or not isinstance(spec, str):
        return unknown_from(value, spec)
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
        check_size(len(result))
    return result


def check_text_method(owner: str, name: str, args: Sequence[Value]) -> None:
    """Whether a method of a text may be called.

    Raises:
        GiveUp: its result could be too large.
    """
    if name == "format":
        _check_format(owner)
    elif name == "zfill" and args and isinstance(args[0], int):
        check_size(args[0])
    elif name == "replace" and len(args) > 1 and isinstance(args[1], str):
        check_size((len(owner) + 1) * len(args[1]))
    elif name == "join" and args and isinstance(args[0], (list, tuple)):
        check_size(sum(len(part) for part in args[0] if isinstance(part, str)) + len(owner) * len(args[0]))


def _comparable(op: type[ast.cmpop], left: Value, right: Value) -> bool:
    if op in (ast.Is, ast.IsNot):
        known = left.__class__ is not Unknown and right.__class__ is not Unknown
        return known and (left is None or right is None)
    if op in (ast.In, ast.NotIn) and isinstance(right, dict):
        if not (is_known(left) and is_hashable(left)):
            return False
        return not may_be_anything(options_of(right[left])) if left in right else not has_rest(right)
    return is_data(left) and is_data(right)


def check_bits(op: type[ast.operator], left: Value, right: Value) -> None:
    """Whether an operator may be applied to whole numbers.

    Raises:
        GiveUp: the result would be too large.
    """
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * abs(right) if op is ast.Pow else left.bit_length() + right.bit_length()
        if bits > MAX_BITS:
            raise GiveUp


def _check_format(spec: str | bytes) -> None:
    text = spec if isinstance(spec, str) else spec.decode("latin-1")
    if _WIDE.search(text):
        raise GiveUp
    check_size((text.count("%") + text.count("{")) * _WIDEST if _WIDTH.search(text) else len(text))
