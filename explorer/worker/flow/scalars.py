"""What an operator is called with besides tensors: numbers, words and switches, by name."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

_MOST = 16
"""Scalars kept of one operator: more is a table of values."""

_LONGEST = 40
"""Characters of a word that are kept."""

_TELLS_NOTHING = frozenset({"inplace", "_stacklevel"})
"""Arguments that change where a value is written or who is warned, not what it is."""


def scalars_of(args: Sequence[Any], named: Mapping[str, Any], module: object) -> tuple[tuple[str, str], ...]:
    """The scalars among the arguments of a function and in their lists, as Python writes them.

    Args:
        args: arguments in order.
        named: arguments by keyword.
        module: the one that runs; a fraction is called as its attribute that is this very object.
    """
    names = {id(value): name for name, value in getattr(module, "__dict__", {}).items() if isinstance(value, float)}
    given = [*(("", value) for value in args), *(item for item in named.items() if item[0] not in _TELLS_NOTHING)]
    found = (scalar for name, value in given for scalar in _in(name, value, names))
    return tuple(islice(found, _MOST))


def _in(name: str, value: Any, names: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, float):
        yield names.get(id(value), name), float.__repr__(value)
    elif type(value) in (bool, int, str):
        yield name, ascii(value)[:_LONGEST]
    elif type(value) in (list, tuple):
        for item in value:
            yield from _in(name, item, names)
