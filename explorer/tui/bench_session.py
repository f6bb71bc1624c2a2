"""The benchmarks of this sitting: one at a time, in one worker that stays warm, each kept however it ended."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from explorer.engine.async_client import AsyncClient
from explorer.errors import ExplorerError, StoreError, unexpected
from explorer.introspect import Extra
from explorer.protocol.bench import BenchRequest, BenchResult
from explorer.protocol.events import Event
from explorer.usecases.following import WorkState
from explorer.usecases.loading import for_worker

Keep = Callable[[BenchRequest, BenchResult | ExplorerError], object]
"""Keeps what came of a request; may take a while, and raises :class:`StoreError` where it cannot."""


def keep_in_results(request: BenchRequest, outcome: BenchResult | ExplorerError) -> None:
    """Put a measurement into the user's results file.

    Raises:
        StoreError: it cannot be kept.
    """
    # SQLite and the rest of the results take a tenth of the time to the first paint, and no benchmark has run then.
    from explorer.usecases.recording import keep

    keep(request, outcome)


class State(Enum):
    """How far a run is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass
class BenchRun:
    """One benchmark: what it is at while it runs, then its result or error."""

    model: str
    state: State = State.RUNNING
    work: WorkState = field(default_factory=WorkState)
    result: BenchResult | None = None
    error: ExplorerError | None = None
    is_ending: bool = False
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken so far, the start of the worker included."""
        return (self.ended or time.monotonic()) - self.started


class BenchSession:
    """Runs benchmarks and keeps what came of them.

    Args:
        changed: called with a run whenever there is news of it.
        connect: makes the client when the first benchmark starts.
        keep: called off the event loop with each run that was not cancelled.
        extras: source of the user's own that the worker has to import.
    """

    def __init__(
        self,
        changed: Callable[[BenchRun], None],
        connect: Callable[[], AsyncClient] = AsyncClient,
        keep: Keep = keep_in_results,
        extras: Sequence[Extra] = (),
    ) -> None:
        self.runs: list[BenchRun] = []
        self._connect = connect
        self._changed = changed
        self._keep = keep
        self._extra = for_worker(extras)
        self._client: AsyncClient | None = None

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
        request = BenchRequest(run.model, extra=self._extra)
        try:
            self._client = self._client or self._connect()
            # It may have been cancelled before there was a client to tell of it.
            if not run.is_ending:
                run.result = await self._client.run(request, lambda event: self._follow(run, event))
            run.state = State.DONE if run.result else State.CANCELLED
        except ExplorerError as error:
            run.state, run.error = State.FAILED, error
        except Exception as error:
            run.state, run.error = State.FAILED, unexpected(error)
        run.ended = time.monotonic()
        self._changed(run)
        if outcome := run.result or run.error:
            try:
                await asyncio.to_thread(self._keep, request, outcome)
            except StoreError as error:
                run.work.notes.append(f"not kept: {error}")
                self._changed(run)

    async def cancel(self) -> None:
        """End the run under way, and the worker with it."""
        run = self.running
        if run is None:
            return
        run.is_ending = True
        run.work.phase, run.work.fraction = "ending the worker", None
        self._changed(run)
        if self._client is not None:
            await self._client.cancel()

    async def close(self) -> None:
        """End the worker; what was measured stays."""
        if self._client is not None:
            await self._client.close()

    def _follow(self, run: BenchRun, event: Event) -> None:
        # What the worker still says while it is being ended would bring the old phase back.
        if not run.is_ending and run.work.take(event):
            self._changed(run)
