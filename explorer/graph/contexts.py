"""Calls in context: which function calls which *when it is called like this*.

A context is a function with one set of arguments. Rows are what the cache stores: a table of node ids, for every
context its function and the contexts that it calls, and for every model the context of its creation. Contexts that
cannot be told apart by what they call are one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JSON = Any
"""A value that JSON can hold."""

Pair = tuple[str, str]
"""Caller and callee, by node id."""


@dataclass(slots=True)
class Contexts:
    """Contexts by number.

    Attributes:
        ids: node ids, by the number that rows name them with.
        rows: by context ``[id number, contexts called directly, contexts called through foreign code]``; what is
            external is a context that calls nothing.
        models: the context of a model's creation, by model or alias name.
        others: the context of a function called with anything, by node id.
    """

    ids: list[str] = field(default_factory=list)
    rows: list[list[JSON]] = field(default_factory=list)
    models: dict[str, int] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, JSON]:
        """The contexts as a dict that JSON can hold: the arguments they can be made with again."""
        return {"ids": self.ids, "rows": self.rows, "models": self.models, "others": self.others}

    def function(self, context: int) -> str:
        """The node id of a context's function."""
        name: str = self.ids[self.rows[context][0]]
        return name

    def calls(self, context: int) -> list[int]:
        """The contexts that a context calls, directly or through foreign code."""
        _, direct, through = self.rows[context]
        return [*direct, *through]

    def of(self, function: str) -> list[int]:
        """All contexts of a function."""
        if function not in self.ids:
            return []
        number = self.ids.index(function)
        return [i for i, row in enumerate(self.rows) if row[0] == number]

    def reached(self, root: int) -> Iterator[int]:
        """A context and all that it leads to, nearest first, each once."""
        order = {root: None}
        queue = [root]
        for context in queue:
            yield context
            for called in self.calls(context):
                if called not in order:
                    order[called] = None
                    queue.append(called)

    def pairs(self, root: int) -> Iterator[Pair]:
        """The calls of a context and of all it leads to, by function; those of a function to itself left out."""
        seen: set[Pair] = set()
        for context in self.reached(root):
            caller = self.function(context)
            for called in self.calls(context):
                pair = (caller, self.function(called))
                if pair not in seen and pair[0] != pair[1]:
                    seen.add(pair)
                    yield pair


SeenPair = tuple[str, str, tuple[str, ...]]
"""Caller, callee and the ``file:line`` sites of the calls."""


@dataclass(frozen=True)
class Traced:
    """The pairs seen with one timm.

    ``models`` has the indices into ``pairs`` of each model's creation, ascending; ``forward`` those of a forward pass,
    where one was traced. ``devices`` has the device that a model was created on, ``failed`` the reason why one could
    not be created. A pair's sites are those of all models.
    """

    version: str
    digest: str
    pairs: Sequence[SeenPair]
    models: Mapping[str, tuple[int, ...]]
    failed: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    forward: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def pairs_of(self, model: str) -> Iterator[SeenPair]:
        """The pairs of one model's creation; none where it is not traced."""
        return (self.pairs[index] for index in self.models.get(model, ()))
