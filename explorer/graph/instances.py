"""What a model's instance is made of: its own class, and which classes' instances hold which others'.

Each model has its own, so that nothing is joined of two models. Models that are made alike share one row.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

JSON = Any
"""A value that JSON can hold."""

Pair = tuple[str, str]
"""A class and one of which its instances hold some, by node id."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one instance is made of, nearest first.

    ``own`` has the class of the instance itself, or those that it may be of where its source does not settle that.
    """

    own: tuple[str, ...]
    pairs: tuple[Pair, ...]

    def classes(self) -> dict[str, None]:
        """Every class that there is an instance of, nearest first."""
        return dict.fromkeys([*self.own, *(part for _, part in self.pairs)])


@dataclass(slots=True)
class Instances:
    """What is held by the instances of models, as columns that JSON can hold.

    Attributes:
        ids: class ids, by the number that the others name them with.
        pairs: holder and held, by class number.
        own: by row, the numbers of the classes that the model may be of.
        holds: by row, the numbers of its pairs, nearest first.
        models: by model or alias name, its row; one whose source does not tell what its creation gives has none.
    """

    ids: list[str] = field(default_factory=list)
    pairs: list[list[int]] = field(default_factory=list)
    own: list[list[int]] = field(default_factory=list)
    holds: list[list[int]] = field(default_factory=list)
    models: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, JSON]:
        """The instances as a dict that JSON can hold: the arguments they can be made with again. Nothing is copied."""
        return {name: getattr(self, name) for name in Instances.__slots__}

    def of(self, model: str) -> Held | None:
        """What a model's instance is made of, ``None`` where that is not known."""
        row = self.models.get(model)
        return None if row is None else self._held(row)

    def having(self, classes: Collection[str]) -> Iterator[tuple[str, Held]]:
        """The models that hold an instance of one of these classes, or are one, by name."""
        wanted = {number for number, name in enumerate(self.ids) if name in classes}
        found: dict[int, Held] = {}
        for row, (own, holds) in enumerate(zip(self.own, self.holds, strict=True)):
            if not wanted.isdisjoint([*own, *(self.pairs[pair][1] for pair in holds)]):
                found[row] = self._held(row)
        return ((name, found[row]) for name, row in self.models.items() if row in found)

    def all_pairs(self) -> Iterator[Pair]:
        """Who holds what in any model."""
        return ((self.ids[holder], self.ids[part]) for holder, part in self.pairs)

    def _held(self, row: int) -> Held:
        ids, pairs = self.ids, self.pairs
        holds = tuple((ids[pairs[pair][0]], ids[pairs[pair][1]]) for pair in self.holds[row])
        return Held(tuple(ids[number] for number in self.own[row]), holds)


class InstanceTable:
    """Writes :class:`Instances`: each class, each pair and each row once."""

    def __init__(self) -> None:
        self.instances = Instances()
        self._ids: dict[str, int] = {}
        self._pairs: dict[Pair, int] = {}
        self._rows: dict[Held, int] = {}

    def add(self, model: str, held: Held) -> None:
        """Note what a model is made of."""
        row = self._rows.get(held)
        if row is None:
            row = self._rows[held] = len(self._rows)
            self.instances.own.append([self._id(name) for name in held.own])
            self.instances.holds.append([self._pair(pair) for pair in held.pairs])
        self.instances.models[model] = row

    def _id(self, name: str) -> int:
        number = self._ids.setdefault(name, len(self._ids))
        if number == len(self.instances.ids):
            self.instances.ids.append(name)
        return number

    def _pair(self, pair: Pair) -> int:
        number = self._pairs.setdefault(pair, len(self._pairs))
        if number == len(self.instances.pairs):
            self.instances.pairs.append([self._id(pair[0]), self._id(pair[1])])
        return number
