"""The values the evaluator computes with, beside Python's own constants and containers.

``UNKNOWN`` is the answer whenever the source alone does not settle a value. A dict that was updated from something
unknown keeps the key :data:`REST`: any key it does not hold itself may then be there with any value.
"""

import ast
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

Value = Any
"""A Python constant, tuple, list, dict or set of values, or one of the classes below."""


class Special(Enum):
    """Markers that no Python value can be confused with."""

    UNKNOWN = "unknown"
    REST = "rest"

    def __repr__(self) -> str:
        return self.name


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


def is_known(value: Value) -> bool:
    """Whether no part of the value is unknown."""
    if value is UNKNOWN or value is REST:
        return False
    if isinstance(value, dict):
        return all(is_known(k) and is_known(v) for k, v in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(is_known(item) for item in value)
    if isinstance(value, RecordValue):
        return is_known(value.fields)
    return True


def is_data(value: Value) -> bool:
    """Whether the value is Python data all through: constants and containers of them."""
    if isinstance(value, dict):
        return all(is_data(k) and is_data(v) for k, v in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(is_data(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, complex, str, bytes))
