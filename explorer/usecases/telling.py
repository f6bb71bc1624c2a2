"""What a use case tells while it works, and who takes it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from explorer.protocol.events import Event


@dataclass(frozen=True, slots=True)
class Notice:
    """One line that the user should see, told on this side of the pipe; from the worker comes a ``Log``.

    It has a class of its own because what only reads the graph tells things too, and to import the protocol would cost
    it a fifth of its time.
    """

    message: str


Emit = Callable[[Union["Event", Notice]], None]
"""Takes what a use case tells: a :class:`Notice`, or what the worker does, as the protocol's events."""


def quiet(event: "Event | Notice") -> None:
    """An ``emit`` for who wants the answer alone."""


def tell(emit: Emit, message: str) -> None:
    """Emit one line that the user should see."""
    emit(Notice(message))
