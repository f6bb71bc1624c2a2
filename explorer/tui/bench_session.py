"""The benchmarks of this sitting: one at a time, in the worker, each kept however it ended."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from explorer.errors import ExplorerError, StoreError, unexpected

if TYPE_CHECKING:
    from explorer.introspect.reading.source import Extra
    from explorer.protocol import BenchPartial, BenchRequest, BenchResult, Event


class BenchClient(Protocol):
    """The part of :class:`explorer.engine.async_client.AsyncClient` that is used here."""

    async def run(
        self, request: "BenchRequest", on_event: "Callable[[Event], None] | None" = None
    ) -> "BenchResult | None":
        """Have a request answered; ``None`` after :meth:`cancel`."""

    async def cancel(self) -> None:
        """End the request being answered."""

    async def close(self) -> None:
        """End the worker and wait until it is gone."""


Keep = Callable[["BenchRequest", "BenchResult | ExplorerError"], object]
"""Keeps what came of a request; may take a while, and raises :class:`StoreError` where it cannot."""


class State(Enum):
    """How far a run is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass
class BenchRun:
    """One benchmark; ``fraction`` (0 to 1) is of the present phase, ``None`` where not known."""

    model: str
    state: State = State.RUNNING
    phase: str = "starting the worker"
    fraction: float | None = None
    figures: "BenchPartial | None" = None
    notes: list[str] = field(default_factory=list)
    result: "BenchResult | None" = None
    error: ExplorerError | None = None
    ending: bool = False
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken so far, the start of the worker included."""
        return (self.ended or time.monotonic()) - self.started


class BenchSession:
    """Runs benchmarks and keeps what came of them.

    Args:
        connect: makes the client when the first benchmark starts.
        changed: called with a run whenever there is news of it.
        keep: called off the event loop with each run that was not cancelled.
        extras: source of the user's own that the worker has to import.
    """

    def __init__(
        self,
        connect: Callable[[], BenchClient],
        changed: Callable[[BenchRun], None],
        keep: Keep,
        extras: "Sequence[Extra]" = (),
    ) -> None:
        self.runs: list[BenchRun] = []
        self._connect = connect
        self._changed = changed
        self._keep = keep
        self._extra = tuple((name, str(path)) for name, path in extras)
        self._client: BenchClient | None = None

    @property
    def running(self) -> BenchRun | None:
        """The run under way."""
        return self.runs[-1] if self.runs and self.runs[-1].state is State.RUNNING else None

    def begin(self, model: str) -> BenchRun:
        """Note a run that :meth:`measure` is to be called for; none may be under way."""
        run = BenchRun(model)
        self.runs.append(run)
        self._changed(run)
        return run

    async def measure(self, run: BenchRun) -> None:
        """Have a run measured; however it ends, the run says how."""
        from explorer.protocol import BenchRequest

        request = BenchRequest(run.model, extra=self._extra)
        try:
            self._client = self._client or self._connect()
            if not run.ending:
                run.result = await self._client.run(request, lambda event: self._note(run, event))
            run.state = State.DONE if run.result else State.CANCELLED
        except ExplorerError as error:
            run.state, run.error = State.FAILED, error
        except Exception as error:
            run.state, run.error = State.FAILED, unexpected(error)
        run.ended = time.monotonic()
        self._changed(run)
        outcome = run.result or run.error
        if outcome is not None:
            await self._kept(run, request, outcome)

    async def _kept(self, run: BenchRun, request: "BenchRequest", outcome: "BenchResult | ExplorerError") -> None:
        import asyncio

        try:
            await asyncio.to_thread(self._keep, request, outcome)
        except StoreError as error:
            run.notes.append(f"not kept: {error}")
            self._changed(run)

    async def cancel(self) -> None:
        """End the run under way, and the worker with it."""
        run = self.running
        if run is None:
            return
        run.ending, run.phase, run.fraction = True, "ending the worker", None
        self._changed(run)
        if self._client is not None:
            await self._client.cancel()

    async def close(self) -> None:
        """End the worker; what was measured stays."""
        if self._client is not None:
            await self._client.close()

    def _note(self, run: BenchRun, event: "Event") -> None:
        from explorer import protocol

        if run.ending:
            return
        match event:
            case protocol.Progress(message=message, fraction=fraction):
                run.phase, run.fraction = message, fraction
            case protocol.Partial(value=value):
                run.figures = value
            case protocol.Log(message=message):
                run.notes.append(message)
        self._changed(run)
