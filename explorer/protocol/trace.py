"""What is called while a model is created: the request and its answer, and the folded form of a tree of calls.

The folded form, which :class:`TraceResult` calls a story, is one JSON object::

    {"steps": [step, ...], "roots": [[index, count], ...]}

A step holds ``callee`` (``module:qualname``), ``at`` (``file:line`` of the call; of the definition where nothing
recorded made the call), ``arguments`` (those that differ from their parameter's default or have none), ``defaults``
(the others) and ``result``, all in short text, and ``steps``: ``[index, count]`` of what it called, in order, repeats
in a row folded to a count. Where it applies: ``through`` (foreign code lies between it and its parent), ``part``
(``<lambda>``, ``<genexpr>``: only this part of the callee ran), ``raised``, ``yields`` (how often a generator yielded).
What is empty, or a result that is ``None``, is left out. Equal steps are stored once, whatever calls them, and come
before the steps that call them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar

from explorer.protocol.request import JSON, Flag, Message, ModelName, Request, Sources


class TraceResult(Message, frozen=True):
    """What was called inside timm, and inside the sources given with it, while one model was created.

    ``pairs`` are ``[caller, callee, {"file:line": count}]`` by call site, sorted; ``story`` is the steps in order,
    folded as this module's docstring says. ``digest`` is that of the source that ran. ``device`` is the one the model
    was created on, ``meta`` or ``cpu``. The same of one forward pass is in the ``forward`` fields, ``None``
    where none was asked for. ``seconds`` is the whole time, recording included.
    """

    model: str
    timm_version: str
    digest: str
    python: str
    device: str
    seconds: float
    pairs: list[list[JSON]]
    story: Mapping[str, JSON]
    forward_device: str | None = None
    forward_pairs: list[list[JSON]] | None = None
    forward_story: Mapping[str, JSON] | None = None


class TraceRequest(Request[TraceResult], frozen=True, tag="trace"):
    """Create a model and record what is called inside timm meanwhile. No weights, no network.

    Args:
        model: a name as timm takes it, with or without a tag.
        forward: record one forward pass too.
        extra: source of the user's own that registers models: (module or package name, path) of each.

    Raises:
        RequestError: a value makes no sense on any machine.
    """

    model: ModelName
    forward: Flag = False
    extra: Sources = ()

    kind: ClassVar[str] = "trace"
    result_type: ClassVar[type[TraceResult]] = TraceResult


@dataclass(slots=True, eq=False)
class CallStep:
    """One call, while it is recorded; ``children`` are the calls made by it."""

    callee: str
    at: str
    part: str = ""
    through: bool = False
    arguments: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    result: str = ""
    raised: str = ""
    yields: int = 0
    children: list["CallStep"] = field(default_factory=list)

    def known(self) -> tuple[tuple[str, JSON], ...]:
        """What is known of it besides its children, in the order of the folded form; empty fields are left out."""
        pairs = ((name, getattr(self, name)) for name in self.__slots__ if name != "children")
        return tuple((name, tuple(v.items()) if isinstance(v, dict) else v) for name, v in pairs if v)


def folded(roots: Sequence[CallStep]) -> dict[str, JSON]:
    """The folded form of the steps that nothing else called."""
    rows: list[dict[str, JSON]] = []
    indexes: dict[Any, int] = {}  # equal steps share one
    index_of: dict[int, int] = {}

    def counted(steps: Sequence[CallStep]) -> list[list[int]]:
        runs = groupby(index_of[id(step)] for step in steps)
        return [[index, len(list(run))] for index, run in runs]

    for step in _children_first(roots):
        fields, children = step.known(), counted(step.children)
        index = indexes.setdefault((fields, tuple(map(tuple, children))), len(rows))
        if index == len(rows):
            row = {name: dict(value) if isinstance(value, tuple) else value for name, value in fields}
            rows.append({**row, "steps": children} if children else row)
        index_of[id(step)] = index
    return {"steps": rows, "roots": counted(roots)}


def _children_first(roots: Sequence[CallStep]) -> Iterator[CallStep]:
    """Every step, after its children; calls may be nested deeper than Python lets a function call itself."""
    open_steps = [(step, iter(step.children)) for step in reversed(roots)]
    while open_steps:
        step, children = open_steps[-1]
        child = next(children, None)
        if child is None:
            open_steps.pop()
            yield step
        else:
            open_steps.append((child, iter(child.children)))


def call_count(story: Mapping[str, JSON]) -> int:
    """How many calls a folded story stands for."""
    counts: list[int] = []
    for step in story["steps"]:
        counts.append(1 + sum(counts[index] * times for index, times in step.get("steps", ())))
    return sum(counts[index] * times for index, times in story["roots"])
