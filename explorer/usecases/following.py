"""A piece of work as its events tell of it: what it is at, how far, its figures so far, and what was noted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from explorer.protocol.events import Event, Log, Partial, Progress
from explorer.usecases.telling import Emit, Notice


@dataclass
class WorkState:
    """How far a piece of work is.

    ``phase`` is what it does now in words, ``fraction`` (0 to 1) how much of that is done, ``None`` where not known;
    ``partial`` is its answer so far, ``notes`` the lines a user should see, each once.
    """

    phase: str = "starting the worker"
    fraction: float | None = None
    partial: Any = None
    notes: list[str] = field(default_factory=list)

    def take(self, event: Event | Notice) -> bool:
        """Follow an event; whether it told anything new."""
        match event:
            case Progress(message=message, fraction=fraction):
                self.phase, self.fraction = message, fraction
            case Partial(value=value):
                self.partial = value
            case Log(message=message) | Notice(message=message) if message not in self.notes:
                self.notes.append(message)
            case _:
                return False
        return True


def counted(emit: Emit, total: int, doing: str, done_to_them: str) -> Callable[[str, str | None], None]:
    """Tells of many models how many are done: to be called with each that is, and why it failed where it did.

    Args:
        emit: takes the events.
        total: how many there are.
        doing, done_to_them: the verb: ``tracing``, ``traced``.
    """
    done = 0
    if total:
        emit(Progress("start", f"{doing} {total:,} {'model' if total == 1 else 'models'}", 0.0))

    def tell(model: str, failure: str | None) -> None:
        nonlocal done
        done += 1
        if failure is not None:
            emit(Log(failure if model in failure else f"{model}: {failure}"))
        # A plain narrator writes a line for each phase, and one for each tenth is enough.
        emit(Progress(f"tenth {done * 10 // total}", f"{done:,} of {total:,} models {done_to_them}", done / total))

    return tell
