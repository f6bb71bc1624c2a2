"""Which function calls which *when it is called like this*, evaluated from source; and which was seen to at run time.

A context is a function with one set of arguments. Contexts that cannot be told apart by what they call are one, so
that a thousand models' creations fit into one file.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from explorer.graph.walk import reached

JSON = Any
"""A value that JSON can hold."""

Pair = tuple[str, str]
"""Caller and callee, by node id."""

SeenPair = tuple[str, str, tuple[str, ...]]
"""Caller, callee and the ``file:line`` sites of the calls."""


@dataclass(slots=True)
class Contexts:
    """Contexts by number, as columns: reading them from JSON makes no object for each, and there are tens of thousands.

    Attributes:
        ids: node ids, by the number that ``functions`` names them with.
        functions: by context, the number of its function's id; what is external is a context that calls nothing.
        direct: by context, the contexts that it calls itself.
        through: by context, those that it calls through foreign code.
        models: the context of a model's creation, by model or alias name.
        others: the context of a function called with anything, by node id.
    """

    ids: list[str] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)
    direct: list[list[int]] = field(default_factory=list)
    through: list[list[int]] = field(default_factory=list)
    models: dict[str, int] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, JSON]:
        """The contexts as a dict that JSON can hold: the arguments they can be made with again. Nothing is copied."""
        return {name: getattr(self, name) for name in Contexts.__slots__}

    def __len__(self) -> int:
        return len(self.functions)

    def add(self, function: int, direct: list[int], through: list[int]) -> int:
        """Add a context of the function whose id has this number; returns the context's own."""
        self.functions.append(function)
        self.direct.append(direct)
        self.through.append(through)
        return len(self.functions) - 1

    def function(self, context: int) -> str:
        """The node id of a context's function."""
        return self.ids[self.functions[context]]

    def calls(self, context: int) -> list[int]:
        """The contexts that a context calls, directly or through foreign code."""
        return self.direct[context] + self.through[context]

    def of(self, functions: Collection[str]) -> list[int]:
        """All contexts of these functions, ascending."""
        wanted = {number for number, name in enumerate(self.ids) if name in functions}
        return [context for context, number in enumerate(self.functions) if number in wanted]

    def reached(self, root: int) -> Iterator[int]:
        """A context and all that it leads to, nearest first, each once."""
        return reached([root], self.calls)

    def created(self, model: str) -> Iterator[int]:
        """The contexts that a model's creation leads to, nearest first; none where it was not evaluated."""
        root = self.models.get(model)
        return iter(()) if root is None else self.reached(root)

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
