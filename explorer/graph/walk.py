"""The one breadth-first walk: what can be reached step by step, nearest first, be it nodes, contexts or modules."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import chain
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def levels(starts: Iterable[T], onward: Callable[[T], Iterable[T]], steps: int | None = None) -> Iterator[list[T]]:
    """The starts, then all that is one step away, then two, and so on; each thing once, where it is first reached.

    A level is followed only when the next one is asked for. ``onward`` is called once for each thing, in order, so it
    may note by which step a thing is first reached, or leave out what a caller has no room for.

    Args:
        starts: where to begin.
        onward: what is one step away from a thing.
        steps: how many steps to take at the most; as many as there are when ``None``.
    """
    level = list(dict.fromkeys(starts))
    seen = set(level)
    taken = 0
    while level:
        yield level
        if taken == steps:
            return
        taken += 1
        following: list[T] = []
        for here in level:
            for there in onward(here):
                if there not in seen:
                    seen.add(there)
                    following.append(there)
        level = following


def reached(starts: Iterable[T], onward: Callable[[T], Iterable[T]], steps: int | None = None) -> Iterator[T]:
    """The same in one row: the starts and all that they lead to, nearest first, each once."""
    return chain.from_iterable(levels(starts, onward, steps))


def visit(starts: Iterable[T], onward: Callable[[T], Iterable[T]], steps: int | None = None) -> None:
    """Take the walk for what ``onward`` notes on its way."""
    for _ in levels(starts, onward, steps):
        pass
