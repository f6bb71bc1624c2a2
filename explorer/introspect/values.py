"""The values the evaluator computes with, beside Python's own constants and containers.

``UNKNOWN`` is the answer whenever the source alone does not settle a value. A container that was changed in an unknown
way holds :data:`REST`: a dict as a key (any key it does not hold itself may then be there), a list or set as an item
(its length and the rest of its items are not known then).
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from math import isfinite
from typing import Any, Final

Value = Any
"""A Python constant, tuple, list, dict or set of values, or one of the classes below."""


class Special(Enum):
    """Markers that no Python value can be confused with."""

    UNKNOWN = "unknown"
    REST = "rest"

    def __repr__(self) -> str:
        return self.name


MAX_SIZE = 1_000_000
"""Parts that a value made while evaluating may have."""

UNKNOWN: Final = Special.UNKNOWN
REST: Final = Special.REST


@dataclass(eq=False, slots=True)
class Environment:
    """Names of a module or of one run of a function; lookups fall back to ``parent``."""

    names: dict[str, Value] = field(default_factory=dict)
    parent: "Environment | None" = None


@dataclass(eq=False, slots=True)
class ModuleValue:
    """A module of timm."""

    name: str


@dataclass(frozen=True, slots=True)
class ExternalValue:
    """Something outside timm, by dotted name: ``torch.nn.Conv2d``."""

    name: str


@dataclass(eq=False, slots=True)
class FunctionValue:
    """A function of timm with the environment it closes over."""

    module: str
    qualname: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    closure: Environment
    defaults: dict[str, Value]


@dataclass(eq=False, slots=True)
class ClassValue:
    """A class of timm."""

    module: str
    qualname: str
    node: ast.ClassDef
    closure: Environment


@dataclass(eq=False, slots=True)
class RecordValue:
    """An instance of a timm dataclass, by field."""

    cls: ClassValue
    fields: dict[str, Value]


@dataclass(eq=False, slots=True)
class PartialValue:
    """``functools.partial`` of something callable."""

    function: Value
    args: tuple[Value, ...]
    keywords: dict[str, Value]


class GiveUp(Exception):
    """The evaluation in hand cannot be known: an error would be raised, or it takes too much time or memory."""


_ATOMS = (str, int, float, bool, type(None))


def is_known(value: Value) -> bool:
    """Whether no part of the value is unknown.

    Raises:
        GiveUp: the value has more than :data:`MAX_SIZE` parts.
    """
    if value.__class__ in _ATOMS:
        return True
    return all(part is not UNKNOWN and part is not REST for part in _parts(value))


def is_data(value: Value) -> bool:
    """Whether the value is Python data all through: constants and containers of them.

    Raises:
        GiveUp: the value has more than :data:`MAX_SIZE` parts.
    """
    if value.__class__ in _ATOMS:
        return True
    return all(
        part is None or isinstance(part, (bool, int, float, complex, str, bytes, *_CONTAINERS))
        for part in _parts(value)
    )


def as_json(value: Value) -> Value:
    """The value as JSON holds it, tuples as lists; :data:`UNKNOWN` for what is not known or what JSON cannot hold."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else UNKNOWN
    if isinstance(value, (list, tuple)):
        items = [as_json(item) for item in value]
        return UNKNOWN if UNKNOWN in items else items
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        fields = {key: as_json(item) for key, item in value.items()}
        return UNKNOWN if UNKNOWN in fields.values() else fields
    return UNKNOWN


def _parts(value: Value) -> Iterator[Value]:
    """The value and everything inside it; what stands in several places comes several times."""
    pending = [value]
    count = 0
    while pending:
        part = pending.pop()
        count += 1
        if count > MAX_SIZE:
            raise GiveUp
        yield part
        if isinstance(part, dict):
            pending += part.keys()
            pending += part.values()
        elif isinstance(part, _CONTAINERS):
            pending += part
        elif isinstance(part, RecordValue):
            pending += part.fields.values()


_CONTAINERS = (dict, list, tuple, set, frozenset)
