"""What a graph is made of: kinds, nodes and edges, and what only one kind of them has.

A node or an edge is a view of a stored row; its ``data`` is the row's own JSON object, so that making one costs
nothing. Nobody reads that object by its keys: a :class:`Payload` class says what is in it, and a reader asks for
``FunctionData.of(node)``, which mypy knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

JSON = Any
"""A value that JSON can hold."""


class NodeKind(StrEnum):
    """What a node stands for."""

    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"
    MODEL = "model"
    WEIGHTS = "weights"
    ALIAS = "alias"
    PARAMETER = "parameter"
    EXTERNAL = "external"


class EdgeKind(StrEnum):
    """How one node relates to another."""

    CONTAINS = "contains"
    IMPORTS = "imports"
    INHERITS = "inherits"
    CALLS = "calls"
    REGISTERS = "registers"
    DISPATCHES = "dispatches"
    CONFIGURES = "configures"
    REPLACES = "replaces"
    COMPOSES = "composes"
    PASSES = "passes"


class Evidence(StrEnum):
    """How an edge is known: read from source, or seen at run time."""

    STATIC = "static"
    TRACED = "traced"


REGISTERED_KINDS = (NodeKind.MODEL, NodeKind.WEIGHTS, NodeKind.ALIAS)
"""Kinds whose ids are a registered name after the kind (``model:net``), and not a place in the source."""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in the source that was read, or one that it uses.

    ``file`` is relative to the package that was read (``models/net.py``); ``line`` and ``end_line`` count from 1.
    ``data`` is read by the payload class of the node's kind.
    """

    id: str
    kind: NodeKind
    file: str | None = None
    line: int | None = None
    end_line: int | None = None
    doc: str | None = None
    data: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name without its module or kind: ``Net.forward``, ``net.tag``, ``package.models.net``."""
        return self.id.partition(":")[2] or self.id

    @property
    def module(self) -> str | None:
        """The dotted module of a source or external node, ``None`` for a registered name."""
        return None if self.kind in REGISTERED_KINDS else self.id.partition(":")[0]

    def to_json(self) -> dict[str, JSON]:
        """``id, kind, name``, and of ``file, line, end_line, doc, data`` what it has."""
        known = {"file": self.file, "line": self.line, "end_line": self.end_line, "doc": self.doc}
        record: dict[str, JSON] = {"id": self.id, "kind": str(self.kind), "name": self.name}
        record |= {name: value for name, value in known.items() if value is not None}
        return record | ({"data": dict(self.data)} if self.data else {})

    @classmethod
    def from_json(cls, record: Mapping[str, JSON]) -> Self:
        """The node that :meth:`to_json` wrote.

        Raises:
            KeyError, ValueError: the record is not of that form.
        """
        place = {name: record.get(name) for name in ("file", "line", "end_line", "doc")}
        return cls(record["id"], NodeKind(record["kind"]), **place, data=record.get("data", {}))


@dataclass(frozen=True, slots=True)
class Edge:
    """One relation.

    ``sites`` are ``file:line`` places of the call. ``data`` is read by the payload class of the edge's kind.
    """

    source: str
    target: str
    kind: EdgeKind
    evidence: tuple[Evidence, ...] = (Evidence.STATIC,)
    sites: tuple[str, ...] = ()
    data: Mapping[str, JSON] = field(default_factory=dict)

    def to_json(self) -> dict[str, JSON]:
        """``source, target, key, kind, evidence, sites``, and ``data`` where it has some; ``key`` is networkx's."""
        kind = str(self.kind)
        record: dict[str, JSON] = {"source": self.source, "target": self.target, "key": kind, "kind": kind}
        record |= {"evidence": [str(e) for e in self.evidence], "sites": list(self.sites)}
        return record | ({"data": dict(self.data)} if self.data else {})

    @classmethod
    def from_json(cls, record: Mapping[str, JSON]) -> Self:
        """The edge that :meth:`to_json` wrote.

        Raises:
            KeyError, ValueError: the record is not of that form.
        """
        evidence = tuple(map(Evidence, record["evidence"]))
        sites, data = tuple(record["sites"]), record.get("data", {})
        return cls(record["source"], record["target"], EdgeKind(record["kind"]), evidence, sites, data)


@dataclass(frozen=True, slots=True)
class Payload:
    """What only one kind of node or edge has. Subclasses are dataclasses of what JSON can hold."""

    @classmethod
    def of(cls, element: Node | Edge) -> Self:
        """What an element holds.

        Raises:
            TypeError: it is of a kind that this class does not describe.
        """
        return cls(**element.data)

    def to_json(self) -> dict[str, JSON]:
        """As it is stored: a field that has a default is left out where it is empty."""
        record = {}
        for each in fields(self):
            value = getattr(self, each.name)
            is_required = each.default is MISSING and each.default_factory is MISSING
            if value or is_required:
                record[each.name] = list(value) if isinstance(value, tuple) else value
        return record


@dataclass(frozen=True, slots=True)
class FunctionData(Payload):
    """A function or method: its signature as it is written, on one line.

    ``keywords`` says by parameter what the function does with arguments that it takes by any name.
    """

    signature: str
    keywords: Mapping[str, JSON] = field(default_factory=dict)
    decorators: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ClassData(Payload):
    """A class: the names of a dataclass's own fields, and its decorators."""

    fields: Sequence[str] = ()
    decorators: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class CallData(Payload):
    """A call that does not say whom it calls.

    ``through`` is the foreign code that lies between the two (``torch.nn.Module.apply``); ``via`` is the local name
    that the callee goes by.
    """

    through: str | None = None
    via: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A source file that could not be read; everything else was."""

    file: str
    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class GraphInfo:
    """Where a graph comes from: the version and place of what was read, the source's digest, what was skipped, and
    where source may register what it does not tell."""

    timm_version: str = "unknown"
    origin: str = ""
    digest: str = ""
    problems: tuple[Problem, ...] = ()
    untold: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, JSON]:
        """The fields by name."""
        lists = {name: [asdict(problem) for problem in getattr(self, name)] for name in _PROBLEMS}
        return asdict(self) | lists

    @classmethod
    def from_json(cls, record: Mapping[str, JSON]) -> Self:
        """What :meth:`to_json` wrote.

        Raises:
            KeyError, TypeError: the record is not of that form.
        """
        known = {each.name: record[each.name] for each in fields(cls) if each.name not in _PROBLEMS}
        problems, untold = (tuple(Problem(**each) for each in record.get(name, ())) for name in _PROBLEMS)
        return cls(**known, problems=problems, untold=untold)


_PROBLEMS = ("problems", "untold")
