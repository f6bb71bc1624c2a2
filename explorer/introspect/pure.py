"""What of Python itself the evaluator may run."""

import builtins
import copy
from collections.abc import Callable
from typing import Any

BUILTINS: dict[str, Callable[..., Any]] = {
    name: getattr(builtins, name)
    for name in [
        "abs",
        "all",
        "any",
        "bool",
        "dict",
        "divmod",
        "enumerate",
        "float",
        "frozenset",
        "int",
        "len",
        "list",
        "max",
        "min",
        "range",
        "reversed",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "tuple",
        "zip",
    ]
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
        [
            "capitalize",
            "count",
            "endswith",
            "find",
            "format",
            "index",
            "isalpha",
            "isdigit",
            "join",
            "lower",
            "lstrip",
            "partition",
            "removeprefix",
            "removesuffix",
            "replace",
            "rfind",
            "rpartition",
            "rsplit",
            "rstrip",
            "split",
            "splitlines",
            "startswith",
            "strip",
            "title",
            "upper",
            "zfill",
        ]
    ),
    dict: frozenset(["copy", "get", "items", "keys", "pop", "setdefault", "update", "values", "clear", "popitem"]),
    list: frozenset(
        ["append", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort", "clear"]
    ),
    tuple: frozenset(("count", "index")),
    set: frozenset(
        ["add", "copy", "difference", "discard", "intersection", "issubset", "issuperset", "remove", "union", "update"]
    ),
    frozenset: frozenset(["copy", "difference", "intersection", "issubset", "issuperset", "union"]),
}
"""Methods of plain data that touch nothing but their owner."""

MUTATORS = frozenset(
    [
        "add",
        "append",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "reverse",
        "setdefault",
        "sort",
        "update",
    ]
)
"""Those of them that change it."""
