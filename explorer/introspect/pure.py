"""What of Python itself the evaluator may run: builtins and methods that only compute."""

import builtins
import copy
from collections.abc import Callable
from typing import Any

from explorer.introspect.operations import copied, has_rest, is_hashable, make_dict, taint
from explorer.introspect.operators import check_text_method, guarded
from explorer.introspect.values import REST, UNKNOWN, Value, is_data, is_known

BUILTINS: dict[str, Callable[..., Any]] = {
    name: getattr(builtins, name)
    for name in (
        "abs all any bool dict divmod enumerate float frozenset int len list max min range reversed round "
        "set sorted str sum tuple zip"
    ).split()
}
"""Builtins that only compute, by name."""

EXTERNALS: dict[str, Callable[..., Any]] = {
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "collections.OrderedDict": dict,
}
"""Functions of the standard library that only compute, by dotted name."""

METHODS: dict[type, frozenset[str]] = {
    str: frozenset(
        (
            "capitalize count endswith find format index isalpha isdigit join lower lstrip partition "
            "removeprefix removesuffix replace rfind rpartition rsplit rstrip split splitlines startswith "
            "strip title upper zfill"
        ).split()
    ),
    dict: frozenset("copy get items keys pop setdefault update values clear popitem".split()),
    list: frozenset("append copy count extend index insert pop remove reverse sort clear".split()),
    tuple: frozenset(("count", "index")),
    set: frozenset("add copy difference discard intersection issubset issuperset remove union update".split()),
    frozenset: frozenset("copy difference intersection issubset issuperset union".split()),
}
"""Methods of plain data that touch nothing but their owner."""

MUTATORS = frozenset("add append clear discard extend insert pop popitem remove reverse setdefault sort update".split())
"""Those of them that change it."""

_ITERATING = frozenset(("list", "tuple", "set", "frozenset", "sorted", "reversed", "enumerate", "zip"))


def call_builtin(name: str, args: list[Value], keywords: dict[Any, Value]) -> Value:
    """Call one of :data:`BUILTINS`.

    Raises:
        GiveUp: it would raise, or give something too large.
    """
    if name == "dict":
        return make_dict(args, keywords)
    if REST in keywords:
        return UNKNOWN
    if name in _ITERATING:
        if not all(isinstance(a, (list, tuple, dict, set, frozenset, str, range)) and not has_rest(a) for a in args):
            return UNKNOWN
        result = guarded(BUILTINS[name], args, keywords)
        return list(result) if name in ("reversed", "enumerate", "zip") else result
    if name == "len" and args and isinstance(args[0], (list, tuple, dict, set, str)):
        return UNKNOWN if has_rest(args[0]) else len(args[0])
    return call_python(BUILTINS[name], args, keywords)


def call_method(owner: Value, name: str, args: list[Value], keywords: dict[Any, Value], uncertain: bool) -> Value:
    """Call a method of plain data; one that is not listed, or may not happen, leaves its owner unknown.

    Raises:
        GiveUp: it would raise, or give something too large.
    """
    if name not in METHODS.get(type(owner), ()):
        taint([owner, *args, *keywords.values()])
        return UNKNOWN
    if name in MUTATORS and uncertain:
        taint([owner])
        return UNKNOWN
    if isinstance(owner, dict):
        return _dict_method(owner, name, args, keywords)
    if has_rest(owner) or REST in keywords:
        return UNKNOWN
    if isinstance(owner, str):
        if not (is_known(args) and is_data(args) and is_known(keywords)):
            return UNKNOWN
        check_text_method(owner, name, args)
    if name in ("extend", "update", "union", "difference", "intersection") and not all(
        isinstance(a, (list, tuple, set, frozenset, dict, str, range)) and not has_rest(a) for a in args
    ):
        if name in MUTATORS:
            taint([owner])
        return UNKNOWN
    return guarded(getattr(owner, name), args, keywords)


def _dict_method(owner: dict[Any, Value], name: str, args: list[Value], keywords: dict[Any, Value]) -> Value:
    if name == "update":
        for key, value in make_dict(args, keywords).items():
            if key is REST:
                taint([owner])
            else:
                owner[key] = value
        return None
    if args and (args[0] is UNKNOWN or not is_hashable(args[0])):
        if name in MUTATORS:
            taint([owner])
        return UNKNOWN
    if REST in owner and not (args and args[0] in owner):
        if name == "setdefault" and args:
            owner[args[0]] = UNKNOWN
        elif name == "copy":
            return dict(owner)
        return UNKNOWN
    result = guarded(getattr(owner, name), args, keywords)
    return list(result) if name in ("items", "keys", "values") else result


def call_python(function: Callable[..., Any], args: list[Value], keywords: dict[Any, Value]) -> Value:
    """Call a function of Python's own on known data.

    Raises:
        GiveUp: it would raise, or give something too large.
    """
    if not (is_known(args) and is_known(keywords)):
        return UNKNOWN
    if function in (copy.copy, copy.deepcopy):
        return copied(args[0]) if len(args) == 1 else UNKNOWN
    if not (is_data(args) or function in (any, all, bool)):
        return UNKNOWN
    return guarded(function, args, keywords)
