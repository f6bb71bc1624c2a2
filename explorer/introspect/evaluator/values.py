"""The values the evaluator computes with, beside Python's own constants and containers.

:data:`UNKNOWN` is the answer whenever the source alone does not settle a value; a :class:`Choice` is one of several,
where an unknown condition decides. A container that was changed in an unknown way holds :data:`REST`: a dict as a key
(any key it does not hold itself may then be there), a list or set as an item: how many items there are, and in what
order, is not known then, and those beside it are what may be among them.
"""

import ast
import builtins
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import isfinite
from types import EllipsisType
from typing import Any, ClassVar, Final, TypeAlias

from explorer.introspect.evaluator.bounds import LONGEST_RUN, MAX_BITS, MAX_EXACT, MAX_OPTIONS, MAX_SIZE, GiveUp

Names: TypeAlias = dict[str, "Value"]
FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Unknown:
    """Anything at all. ``origins`` are the parameters that it was computed from, where somebody follows these."""

    __slots__ = ("origins",)

    def __init__(self, origins: frozenset[str] = frozenset()) -> None:
        self.origins = origins

    def __repr__(self) -> str:
        return "UNKNOWN"


class Rest:
    """The type of :data:`REST`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "REST"


def unknown_from(*values: "Value") -> Unknown:
    """What is computed from these, unknown ones among them: it comes from whatever parameters they come from."""
    origins = frozenset(origin for value in values if value.__class__ is Unknown for origin in value.origins)
    return Unknown(origins) if origins else UNKNOWN


UNKNOWN: Final = Unknown()
REST: Final = Rest()


class StandIn:
    """A value that a stand-in for a function of timm made; nothing but the stand-ins looks into it."""

    __slots__ = ()


@dataclass(eq=False, slots=True)
class Environment:
    """Names of a module or of one run of a function; lookups fall back to ``parent``."""

    names: Names = field(default_factory=dict)
    parent: "Environment | None" = None


@dataclass(eq=False, slots=True)
class Choice:
    """One of several values; :data:`UNKNOWN` among them when it may be something else."""

    options: "tuple[Value, ...]"
    key: Any = None
    """What :func:`key_of` found, once it was asked."""


@dataclass(eq=False, slots=True)
class ModuleValue:
    """A module of the packages read."""

    name: str


class ExternalValue:
    """Something outside the packages read, by dotted name: ``torch.nn.Conv2d``, ``builtins.len``.

    There is one for a name as long as the process lives, so that two are the same value where they are one object.
    """

    __slots__ = ("is_class", "name")
    _known: ClassVar["dict[str, ExternalValue]"] = {}
    name: str
    is_class: bool
    """Whether its name is written as a class's is."""

    def __new__(cls, name: str) -> "ExternalValue":
        """The value for a name; the same one each time."""
        value = cls._known.get(name)
        if value is None:
            value = cls._known[name] = super().__new__(cls)
            last = name.rpartition(".")[2].lstrip("_")
            value.name = name
            value.is_class = last[:1].isupper() and not (last.isupper() and "_" in last)
        return value

    def __repr__(self) -> str:
        return f"ExternalValue({self.name!r})"

    def inherits(self, other: "ExternalValue") -> bool | None:
        """Whether it is another class or inherits from it, by their names alone; ``None`` when that is open."""
        if self is other or other.name == "builtins.object":
            return True
        if other.name == MODULE:
            return True if self.name.startswith("torch.nn.") else None
        if self.name in _ROOTS:
            return False
        if self.name.startswith(_BUILTINS) and other.name.startswith(_BUILTINS):
            own, of = (BUILTIN_CLASSES.get(cls.name.removeprefix(_BUILTINS)) for cls in (self, other))
            return issubclass(own, of) if own and of else None
        one, two = self.name.rpartition(".")[2], other.name.rpartition(".")[2]
        if one == two:
            return True
        if two.startswith("_") or one.startswith("_") or not (self.is_class and other.is_class):
            return None
        return False if self.name.partition(".")[0] == other.name.partition(".")[0] else None

    def defines_init(self) -> bool:
        """Whether the base class certainly makes instances by itself, so that no later base's does."""
        return self.name.startswith("torch.nn.") and self.name != MODULE


@dataclass(eq=False, slots=True)
class FunctionValue:
    """A function of the packages read, with the environment it closes over.

    ``owner`` is the class whose body defines it; ``through`` what foreign code wraps it (a decorator's name);
    ``attributes`` what source sets on it, its ``__name__`` perhaps.
    """

    module: str
    qualname: str
    node: FunctionNode
    closure: Environment
    defaults: Names
    owner: "ClassValue | None" = None
    through: str | None = None
    attributes: Names | None = None


@dataclass(eq=False, slots=True)
class ClassValue:
    """A class of the packages read; ``namespace`` and ``mro`` are filled when they are first asked for."""

    module: str
    qualname: str
    node: ast.ClassDef
    closure: Environment
    namespace: Names | None = None
    mro: "tuple[ClassValue | ExternalValue, ...] | None" = None


@dataclass(eq=False, slots=True)
class InstanceValue:
    """An instance of a class, by attribute; ``items`` is what a container of modules holds.

    ``version`` counts changes, so that a computation that saw it before one is not taken for one after it.
    """

    cls: ClassValue | ExternalValue
    fields: Names = field(default_factory=dict)
    items: "list[Value] | dict[Value, Value] | None" = None
    version: int = 0

    def held(self) -> "list[Value]":
        """The items, without their keys."""
        return list(self.items.values() if isinstance(self.items, dict) else self.items or ())


@dataclass(eq=False, slots=True)
class MethodValue:
    """A function bound to its first argument."""

    function: FunctionValue
    owner: "Value"


@dataclass(eq=False, slots=True)
class MemberValue:
    """A method of a value of Python's or torch's own: ``layers.append``, ``module.apply``."""

    owner: "Value"
    name: str


@dataclass(eq=False, slots=True)
class SuperValue:
    """``super()``: attributes of ``owner`` looked up after ``cls``."""

    cls: ClassValue
    owner: "Value"


@dataclass(eq=False, slots=True)
class DescriptorValue:
    """A function under ``property``, ``staticmethod`` or ``classmethod``; ``setter`` is a property's."""

    kind: str
    function: "Value"
    setter: "Value" = None


@dataclass(eq=False, slots=True)
class PartialValue:
    """``functools.partial`` of something callable; ``attributes`` are those that source sets on it."""

    function: "Value"
    args: "tuple[Value, ...]"
    keywords: "dict[Value, Value]"
    attributes: Names | None = None


_Atom: TypeAlias = bool | int | float | complex | str | bytes | EllipsisType
_Made: TypeAlias = range | slice | re.Pattern[str] | re.Match[str]
_Container: TypeAlias = list["Value"] | tuple["Value", ...] | dict["Value", "Value"] | set["Value"] | frozenset["Value"]
_Defined: TypeAlias = ModuleValue | ExternalValue | FunctionValue | ClassValue | InstanceValue | StandIn
_Bound: TypeAlias = MethodValue | MemberValue | SuperValue | DescriptorValue | PartialValue
Value: TypeAlias = _Atom | _Made | _Container | _Defined | _Bound | Unknown | Rest | Choice | None
"""All that an expression can come out as."""

Keywords: TypeAlias = dict[Value, Value]
"""Keyword arguments by name; :data:`REST` among the keys stands for any others."""

ATOMS: frozenset[type] = frozenset((str, int, float, bool, type(None), bytes, complex))
"""Types of constants."""

DEFINITIONS = (FunctionValue, ClassValue, ModuleValue, ExternalValue)
"""What a ``def``, ``class`` or ``import`` binds."""

_CONTAINERS = (dict, list, tuple, set, frozenset)


# one of several


def join(values: Iterable[Value]) -> Value:
    """One of the values: the value itself where all are the same, else a :class:`Choice`."""
    values = list(values)
    if len(values) == 1:
        return values[0]
    found: dict[Any, Value] = {}
    for value in values:
        for option in value.options if value.__class__ is Choice else (value,):
            found.setdefault(option if option.__class__ is str else key_of(option), option)
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        return UNKNOWN
    if len(found) > MAX_OPTIONS:
        # Functions and classes stay as far as there is room: a call of any of them is an edge.
        kept = [v for v in found.values() if v.__class__ not in ATOMS and not isinstance(v, _CONTAINERS)]
        return Choice((*kept[:MAX_OPTIONS], UNKNOWN)) if kept else UNKNOWN
    return Choice(tuple(found.values()))


def options_of(value: Value) -> tuple[Value, ...]:
    """What the value may be."""
    return value.options if value.__class__ is Choice else (value,)


def may_be_anything(values: Iterable[Value]) -> bool:
    """Whether an unknown value is among these."""
    return any(value.__class__ is Unknown for value in values)


# what tells values apart


@dataclass(eq=False, slots=True)
class _Identity:
    """Equal to itself for the same object only, which it keeps alive: an address alone may be another's later."""

    value: "Value | Names"

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.value is self.value


def key_of(value: Value, sizes: dict[int, int] | None = None, depth: int = 8) -> Any:
    """Something hashable that is equal for values that no computation can tell apart.

    With ``sizes`` it is equal for those too that differ only in sizes. A size is a whole number over
    :data:`MAX_EXACT`; ``sizes`` numbers them in order of appearance, so that those equal in one value are equal in the
    other. Fractions are all alike. Containers that lie more than ``depth`` deep in others are told apart by identity.
    """
    kind = value.__class__
    if kind is str or value is None:
        return value
    if value.__class__ is int:
        if sizes is None or -1 <= value <= MAX_EXACT:
            return value
        return (int, sizes.setdefault(value, len(sizes)))
    if kind is float and sizes is not None and value not in (0.0, 1.0):
        return float
    if kind is bool or kind is float:
        return (kind, value)  # as 1, 1.0 and True are equal to Python
    if kind in _KEYED_BY_PARTS and not depth:
        return _Identity(value)
    if value.__class__ is tuple or value.__class__ is list:
        keys = [key_of(v, sizes, depth - 1) for v in value]
        return (kind, *(keys if sizes is None else _runs_shortened(keys)))
    if value.__class__ is dict:
        return (dict, *[(k, key_of(v, sizes, depth - 1)) for k, v in value.items()])
    if value.__class__ is PartialValue:
        parts: tuple[Value, ...] = (value.function, value.args, value.keywords)
        return (PartialValue, *[key_of(part, sizes, depth - 1) for part in parts])
    if value.__class__ is InstanceValue:
        if value.cls.__class__ is ExternalValue:
            return (InstanceValue, value.cls, key_of(value.items), *map(key_of, value.fields.values()))
        return (value, value.version)
    if value.__class__ is Choice:
        if value.key is None:
            value.key = (Choice, frozenset([key_of(v) for v in value.options]))
        return value.key
    if value.__class__ is MethodValue:
        return (MethodValue, value.function, key_of(value.owner))
    if value.__class__ is MemberValue:
        return (MemberValue, key_of(value.owner), value.name)
    if value.__class__ is Unknown:
        return (Unknown, value.origins) if value.origins else value
    if value.__class__ is set or value.__class__ is frozenset:
        return (set, frozenset([key_of(v) for v in value]))
    if value.__class__ is FunctionValue:
        return (value.node, value.closure, None if value.attributes is None else _Identity(value.attributes))
    try:
        hash(value)
    except TypeError:
        return _Identity(value)
    return value


_KEYED_BY_PARTS = frozenset((tuple, list, dict, PartialValue))


def _runs_shortened(keys: list[Any]) -> list[Any]:
    """The keys, where one that comes many times in a row comes three times: how often a block repeats is a size too."""
    if len(keys) <= LONGEST_RUN:
        return keys
    short = keys[:LONGEST_RUN]
    for key in keys[LONGEST_RUN:]:
        if any(key != other for other in short[-LONGEST_RUN:]):
            short.append(key)
    return short


def has_sizes(value: Value) -> bool:
    """Whether the value is a number that a computation may go on with, or a container, which has a length."""
    if value.__class__ is int or value.__class__ is float or value.__class__ in _CONTAINERS:
        return True
    if value.__class__ is Choice:
        return any(has_sizes(v) for v in value.options)
    return value.__class__ is InstanceValue and value.items is not None and value.cls.__class__ is ExternalValue


# what is known


def is_known(value: Value) -> bool:
    """Whether no part of the value is unknown.

    Raises:
        GiveUp: the value has more than :data:`MAX_SIZE` parts.
    """
    if value.__class__ not in _CONTAINER_TYPES:
        return value.__class__ not in _OPEN
    return _OPEN.isdisjoint(part.__class__ for part in _parts(value))


_OPEN = frozenset((Unknown, Rest, Choice))
_CONTAINER_TYPES = frozenset(_CONTAINERS)


def is_data(value: Value) -> bool:
    """Whether the value is known Python data all through: constants and containers of them.

    Raises:
        GiveUp: the value has more than :data:`MAX_SIZE` parts.
    """
    if value.__class__ in ATOMS:
        return True
    return all(part.__class__ in _DATA or isinstance(part, tuple) for part in _parts(value))


_DATA = frozenset((*ATOMS, *_CONTAINERS, range))


def as_json(value: Value) -> Any:
    """The value as JSON holds it, tuples as lists; :data:`UNKNOWN` for what is not known or what JSON cannot hold."""
    if value.__class__ in _CONTAINER_TYPES:
        try:
            for _ in _parts(value):  # what stands in it many times is written as often
                pass
        except GiveUp:
            return UNKNOWN
    return _as_json(value)


def _as_json(value: Value) -> Any:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return UNKNOWN
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else UNKNOWN
    if isinstance(value, (list, tuple)):
        items = [_as_json(item) for item in value]
        return UNKNOWN if UNKNOWN in items else items
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        fields = {key: _as_json(item) for key, item in value.items()}
        return UNKNOWN if UNKNOWN in fields.values() else fields
    return UNKNOWN


def _parts(value: Value) -> Iterator[Value]:
    """The value and everything inside it; what stands in several places comes several times.

    A container that holds itself ends in :class:`GiveUp` like one that is too large.
    """
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


# what the name of something external tells

MODULE = "torch.nn.Module"
_BUILTINS = "builtins."
BUILTIN_CLASSES = {name: value for name, value in vars(builtins).items() if isinstance(value, type)}
"""Python's own classes by name, exceptions among them."""
_ROOTS = (MODULE, "torch.nn.modules.Module", "builtins.object")


@functools.cache
def external_id(dotted: str) -> str:
    """The node id of something external: ``torch.nn.Conv2d`` is ``torch.nn:Conv2d``, ``torch.Tensor.view`` is
    ``torch:Tensor.view``."""
    parts = dotted.split(".")
    first_class = next((i for i, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    cut = max(1, min(first_class, len(parts) - 1))
    return f"{'.'.join(parts[:cut])}:{'.'.join(parts[cut:])}" if len(parts) > 1 else dotted
