"""What long work in this process is at, told step by step to whoever listens: building a graph above all.

A listener belongs to a context and not to a call, because a graph builds its parts when somebody first asks for them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """What is done now (``doing``), and how much of it: ``done`` of ``total`` ``things``; 0 where it is not known."""

    doing: str
    done: int = 0
    total: int = 0
    things: str = ""

    @property
    def fraction(self) -> float | None:
        """How much is done, from 0 to 1; ``None`` where not known."""
        return self.done / self.total if self.total else None

    @property
    def whole(self) -> str:
        """What is done, and how much there is of it in all."""
        return f"{self.doing}: {self.total:,} {self.things}" if self.total else self.doing

    @property
    def amount(self) -> str:
        """How much is done, in words; empty where not known."""
        if self.total:
            return f"{self.done:,} of {self.total:,} {self.things}"
        return f"{self.done:,} {self.things}" if self.done else ""

    def __str__(self) -> str:
        return f"{self.doing}: {self.amount}" if self.amount else self.doing


Listener = Callable[[Step], None]

_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have steps told to this listener, and to no other; it is called often and must be quick."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def tell(doing: str, done: int = 0, total: int = 0, things: str = "") -> None:
    """Tell what is done now, if anybody listens; the arguments are those of :class:`Step`."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(Step(doing, done, total, things))


def counted(items: Sequence[T], doing: str, things: str) -> Iterator[T]:
    """Go through the items and tell how many are begun."""
    for number, item in enumerate(items, 1):
        tell(doing, number, len(items), things)
        yield item
