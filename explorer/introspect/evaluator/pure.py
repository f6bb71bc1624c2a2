"""What of Python itself the evaluator may run: builtins, methods and functions that only compute."""

import ast
import builtins
import math
import os.path
import posixpath
import re
import textwrap
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any

from explorer.introspect.evaluator.bounds import GiveUp, check_size
from explorer.introspect.evaluator.operations import (
    check_bits,
    check_text_method,
    guarded,
    has_rest,
    is_hashable,
    item_of,
    length_of,
    lifted,
    loosen,
    make_dict,
    merge_into,
    possible_item,
    taint,
    truth_of,
)
from explorer.introspect.evaluator.values import (
    ATOMS,
    REST,
    UNKNOWN,
    Choice,
    Keywords,
    Unknown,
    Value,
    is_data,
    is_known,
    join,
    may_be_anything,
)

_REPEATED = re.compile(r"[*+?{]")
_REPEATED_GROUP = re.compile(r"\([^)]*[*+{|][^)]*\)\s*[*+{]")
_MOST_TRIES = 10_000_000


def check_pattern(pattern: str | bytes, text: object) -> None:
    """Whether a text may be held against a pattern: Python tries every way to do so, which may be without end.

    Raises:
        GiveUp: there may be too many ways.
    """
    written = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
    size = len(text) if isinstance(text, (str, bytes)) else 0
    if _REPEATED_GROUP.search(written) and size > 20:
        raise GiveUp
    if (size + 1) ** max(1, len(_REPEATED.findall(written))) > _MOST_TRIES and size > 200:
        raise GiveUp


def _matching(function: Callable[..., Any]) -> Callable[..., Any]:
    def matched(pattern: Any, *args: Any, **keywords: Any) -> Any:
        source = pattern.pattern if isinstance(pattern, re.Pattern) else pattern
        texts = [value for value in (*args, *keywords.values()) if isinstance(value, (str, bytes))]
        if isinstance(source, (str, bytes)) and texts:
            check_pattern(source, max(texts, key=len))
            check_size(len(texts[0]) * max(map(len, texts)) if function is re.sub else len(texts[-1]))
        return function(pattern, *args, **keywords)

    return matched


def _absolute(path: str) -> str:
    """What is absolute already, made plain; of any other path it depends on where one is."""
    if not path.startswith("/"):
        raise ValueError(path)
    return posixpath.normpath(path)


BUILTINS: dict[str, Callable[..., Any]] = {
    name: getattr(builtins, name)
    for name in (
        "abs all any bool dict divmod enumerate float frozenset int len list max min pow range reversed round "
        "set slice sorted str sum tuple zip"
    ).split()
}
"""Builtins that only compute, by name."""

EXTERNALS: dict[str, Callable[..., Any]] = {
    "textwrap.dedent": textwrap.dedent,
    "urllib.parse.urlsplit": urllib.parse.urlsplit,
    "os.path.split": os.path.split,
    "os.path.splitext": os.path.splitext,
    "os.path.basename": os.path.basename,
    "os.path.join": posixpath.join,
    "os.path.dirname": posixpath.dirname,
    "os.path.normpath": posixpath.normpath,
    "os.path.abspath": _absolute,
    "os.path.realpath": _absolute,
    "os.fspath": os.fspath,
    **{f"re.{name}": _matching(getattr(re, name)) for name in ("match", "fullmatch", "search", "split", "sub")},
    "re.compile": re.compile,
    **{f"math.{name}": getattr(math, name) for name in ("ceil", "exp", "floor", "log", "log2", "prod", "sqrt")},
}
"""Functions of the standard library that only compute, by dotted name."""

METHODS: dict[type, frozenset[str]] = {
    str: frozenset(
        (
            "capitalize count endswith find format index isalnum isalpha isdecimal isdigit isnumeric join lower "
            "lstrip partition removeprefix removesuffix replace rfind rpartition rsplit rstrip split splitlines "
            "startswith strip title upper zfill"
        ).split()
    ),
    dict: frozenset("copy get items keys pop setdefault update values clear popitem move_to_end".split()),
    list: frozenset("append appendleft copy count extend index insert pop popleft remove reverse sort clear".split()),
    tuple: frozenset(("count", "index")),
    set: frozenset("add copy difference discard intersection issubset issuperset remove union update".split()),
    frozenset: frozenset("copy difference intersection issubset issuperset union".split()),
    int: frozenset(("bit_length", "item")),
    float: frozenset(("is_integer", "item")),
    re.Pattern: frozenset("findall fullmatch match search split sub".split()),
    re.Match: frozenset("end group groupdict groups span start".split()),
}
"""Methods of plain data that touch nothing but their owner."""

MUTATORS = frozenset(
    (
        "add append appendleft clear discard extend insert pop popitem popleft remove reverse setdefault sort update"
    ).split()
)
"""Those of them that change it."""

_LISTED: dict[str, Callable[..., Any]] = {
    "reversed": lambda *args, **keywords: list(reversed(*args, **keywords)),
    "zip": lambda *args, **keywords: list(zip(*args, **keywords)),  # noqa: B905 -- the source says whether strict
}
_ADDS = frozenset("add append appendleft insert".split())
_ITERATING = frozenset(("list", "tuple", "set", "frozenset", "sorted", "reversed", "zip"))
_ITERABLES = (list, tuple, dict, set, frozenset, str, range)
_PATTERNS = (re.Pattern, re.Match)


def call_builtin(name: str, args: list[Value], keywords: Keywords) -> Value:
    """Call one of :data:`BUILTINS`.

    Raises:
        GiveUp: it would raise, or give something too large.
    """
    if name == "dict":
        return make_dict(args, keywords)
    if REST in keywords:
        return UNKNOWN
    if name in _ITERATING and args:
        looks_into = name in ("sorted", "set", "frozenset")
        if not _are_listed(args) or (looks_into and not is_known(args[0])):
            return _of_unknown_length(name, args)
        # What Python makes lazily is made at once: nothing but the items of it is ever asked for.
        for argument in args:
            if isinstance(argument, (list, tuple, str, range)):
                check_size(length_of(argument))
        function = _LISTED.get(name) or BUILTINS[name]
        return guarded(function, args, keywords)
    if name == "len" and len(args) == 1 and isinstance(args[0], range):
        return length_of(args[0])
    if name == "len" and args and isinstance(args[0], (list, tuple, dict, set, str)):
        items = args[0]
        is_open = has_rest(items) or (isinstance(items, dict) and any(may_be_absent(v) for v in items.values()))
        return UNKNOWN if is_open else len(items)
    if name in ("any", "all") and len(args) == 1 and isinstance(args[0], (list, tuple)):
        return _quantified(name, args[0])
    if name == "bool" and len(args) == 1:
        truth = truth_of(args[0])
        return UNKNOWN if truth is None else truth
    if any(a.__class__ is Choice for a in args) and not keywords:
        return lifted(lambda *each: call_builtin(name, list(each), {}), *args)
    if name in ("max", "min", "sum") and len(args) == 1 and not is_known(args[0]):
        return possible_item(args[0]) if name != "sum" else UNKNOWN
    if name == "range" and not is_known(args):
        return [REST, UNKNOWN]
    _check_cost(name, args)
    return computed(BUILTINS[name], args, keywords)


def _check_cost(name: str, args: list[Value]) -> None:
    """Whether calling a builtin is no more work than what it gives is worth.

    Raises:
        GiveUp: it is.
    """
    for argument in args:
        if isinstance(argument, range) and name != "len":
            check_size(length_of(argument))
    match name, args:
        case "pow", [base, exponent, *_]:
            check_bits(ast.Pow, base, exponent)
        case "round", [_, int(digits)]:
            check_size(abs(digits) * 100)


def _of_unknown_length(name: str, args: list[Value]) -> Value:
    if not is_iterable(args[0]):
        return UNKNOWN
    each = [possible_item(argument) for argument in args]
    if name == "zip":
        return [REST, tuple(each)]
    return [REST, each[0]]


def _are_listed(values: list[Value]) -> bool:
    """Whether it is known what iterating over each of these gives."""
    return all(isinstance(value, _ITERABLES) and not has_rest(value) for value in values)


def is_iterable(value: Value) -> bool:
    """Whether the value is a container, or may be one."""
    if value.__class__ is Choice:
        return any(is_iterable(option) for option in value.options)
    return value.__class__ is Unknown or isinstance(value, _ITERABLES)


def may_be_absent(value: Value) -> bool:
    """Whether a dict's key with this value may have been taken out, or never put in."""
    return value.__class__ is Choice and may_be_anything(value.options)


def _quantified(name: str, items: Iterable[Value]) -> Value:
    truths = [None if item is REST else truth_of(item) for item in items]
    decides = name == "any"
    if decides in truths:
        return decides
    return UNKNOWN if None in truths else not decides


def call_method(owner: Value, name: str, args: list[Value], keywords: Keywords, weak: bool) -> Value:
    """Call a method of plain data; one that is not listed leaves its owner unknown.

    Args:
        owner: the data; changed in place by a mutator.
        weak: the call may not happen, so that a change leaves the old value possible.

    Raises:
        GiveUp: it would raise, or give something too large.
    """
    if name not in METHODS.get(type(owner), ()):
        taint([owner, *args, *keywords.values()])
        return UNKNOWN
    if isinstance(owner, dict):
        return _dict_method(owner, name, args, keywords, weak)
    if name == "item":  # of a number that came out of a tensor
        return owner
    if name in MUTATORS and (weak or has_rest(owner)):
        return _changed_loosely(owner, name, args)
    if has_rest(owner) or REST in keywords:
        return shallow(owner) if name == "copy" else UNKNOWN
    if isinstance(owner, (str, *_PATTERNS)) and not _settled(args, keywords):
        return UNKNOWN
    if isinstance(owner, str):
        check_text_method(owner, name, args)
    if isinstance(owner, re.Pattern) and args:
        check_pattern(owner.pattern, args[-1])
    if name in ("extend", "update", "union", "difference", "intersection") and not _are_listed(args):
        return _changed_loosely(owner, name, args) if name in MUTATORS else UNKNOWN
    if isinstance(owner, list) and name in _DEQUE:
        return guarded(getattr(owner, _DEQUE[name]), [0, *args])
    return guarded(getattr(owner, name), args, keywords)


_DEQUE = {"appendleft": "insert", "popleft": "pop"}
"""Methods of a ``collections.deque``, which is a list here, and those of a list that do the same at its start."""


def _settled(args: list[Value], keywords: Keywords) -> bool:
    """Whether all arguments are known data."""
    if not keywords and ATOMS.issuperset(map(type, args)):
        return True
    return is_data(args) and is_known(keywords)


def _changed_loosely(owner: Value, name: str, args: list[Value]) -> Value:
    """Change a list or set where it is not known whether, where or how often."""
    before = possible_item(owner)
    added = args[-1:] if name in _ADDS else []
    loosen(owner, map(possible_item, args) if name in ("extend", "update") else added)
    return before if name in ("pop", "popleft") else None


def _dict_method(owner: Keywords, name: str, args: list[Value], keywords: Keywords, weak: bool) -> Value:
    if name == "update":
        changes = make_dict(args, keywords)
        if weak:
            changes = {k: join([v, owner.get(k, UNKNOWN)]) for k, v in changes.items()}
        merge_into(owner, changes)
        return None
    if name in ("items", "keys", "values", "copy"):
        return _view(owner, name)
    if name in ("clear", "popitem") and (weak or has_rest(owner)):
        taint([owner])
        return UNKNOWN
    if name in ("get", "pop", "setdefault") and args:
        return _looked_up(owner, name, args, weak)
    return guarded(getattr(owner, name), args, keywords) if name in ("clear", "popitem") else None


def _view(owner: Keywords, name: str) -> Value:
    if name == "copy":
        return dict(owner)
    keys: list[Value] = [UNKNOWN if key is REST else key for key in owner]
    items: list[Value] = keys if name == "keys" else list(owner.values())
    if name == "items":
        items = list(zip(keys, owner.values(), strict=True))
    return [REST, *items] if REST in owner else items


def _looked_up(owner: Keywords, name: str, args: list[Value], weak: bool) -> Value:
    """``owner.get(key, default)``, ``owner.pop(key, default)``, ``owner.setdefault(key, default)``."""
    key = args[0]
    default = args[1] if len(args) > 1 else None
    if not is_known(key) or not is_hashable(key):
        if name != "get":
            taint([owner])
        return join([item_of(owner, key), default])
    if key in owner:
        value = owner[key]
        if name == "pop":
            if weak:
                owner[key] = join([value, UNKNOWN])
            else:
                del owner[key]
        return value
    if REST in owner:
        value = join([owner[REST], default])
        if name == "setdefault":
            owner[key] = value
        return value
    if name == "pop" and len(args) == 1:
        raise GiveUp
    if name == "setdefault":
        owner[key] = join([default, UNKNOWN]) if weak else default
    return default


def computed(function: Callable[..., Any], args: list[Value], keywords: Keywords) -> Value:
    """Call a function of Python's own, where all its arguments are known data.

    Raises:
        GiveUp: it would raise, or give something too large.
    """
    if not (is_known(args) and is_known(keywords) and (is_data(args) or function in (any, all, bool))):
        return UNKNOWN
    return guarded(function, args, keywords)


def shallow(value: Value) -> Value:
    """A copy of a container that shares its items; anything else stays itself."""
    return value.copy() if isinstance(value, (list, dict, set)) else value
