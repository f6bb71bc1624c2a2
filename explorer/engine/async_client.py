"""The near end of the pipe, for code on an event loop; the terminal app's. Threads wait for the worker.

A module of its own, because importing asyncio takes as long as half of a graph command.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar, cast

from explorer.engine.process import WorkerProcess, worker_command
from explorer.engine.timeout import TIMEOUT
from explorer.protocol.events import Event, Failure, Result, encode_request
from explorer.protocol.request import Request

R = TypeVar("R")


class AsyncClient:
    """A worker for code on an event loop. One request at a time; :meth:`close` it, or use ``async with``.

    Args:
        command: how to start the worker, where it is not :func:`worker_command`.
        timeout: seconds that the worker may say nothing while it answers; :data:`TIMEOUT` when ``None``.
    """

    def __init__(self, command: Sequence[str] | None = None, timeout: float | None = None) -> None:
        self._command = list(command or worker_command())
        self._timeout = TIMEOUT.get() if timeout is None else timeout
        self._worker: WorkerProcess | None = None
        self._answering: WorkerProcess | None = None
        self._ended: list[WorkerProcess] = []
        self._starting = False
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def pid(self) -> int | None:
        """The worker's process id, ``None`` while there is none."""
        return self._worker.process.pid if self._worker else None

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self._starting or (self._worker is not None and self._worker is self._answering)

    async def run(self, request: Request[R], on_event: Callable[[Event], None] | None = None) -> R | None:
        """Have a request answered; every event but the last is handed to ``on_event``.

        Returns ``None`` after :meth:`cancel`. Raises what :meth:`events` raises.
        """
        async with aclosing(self.events(request)) as events:
            async for event in events:
                if isinstance(event, Result):
                    return cast(R, event.value)
                if on_event is not None:
                    on_event(event)
        return None

    async def events(self, request: Request[Any]) -> AsyncGenerator[Event, None]:
        """The events that answer a request, as they come; the last is a :class:`Result`.

        After :meth:`cancel` they end without one. Closing the generator early, or cancelling the task that
        reads it, ends the worker.

        Raises:
            ExplorerError: what the worker answered instead.
            WorkerDied: the worker ended without an answer.
            WorkerSilent: the worker said nothing for too long, and was ended.
            RuntimeError: another request is being answered.
        """
        worker = await self._warm()
        answered = False
        try:
            await asyncio.to_thread(worker.send, encode_request(request))
            while events := await asyncio.to_thread(worker.read):
                for event in events:
                    answered = isinstance(event, Result | Failure)
                    if answered:
                        self._answering = None
                    if worker is not self._worker:  # it was cancelled
                        return
                    if isinstance(event, Failure):
                        raise event.error
                    yield event
                    if answered:
                        return
            if worker is self._worker:
                raise await asyncio.to_thread(worker.death)
        finally:
            if not answered:
                self._end(worker)

    async def _warm(self) -> WorkerProcess:
        if self.busy:
            raise RuntimeError("the worker is answering another request")
        self._starting = True
        try:
            # Held while a worker starts, so that a close() in between waits for it and does not miss it.
            async with self._lock:
                if self._worker is not None and not self._worker.is_alive():
                    self._end(self._worker)
                if self._worker is None:
                    self._worker = await asyncio.to_thread(WorkerProcess, self._command, self._timeout)
                self._answering = self._worker
                return self._worker
        finally:
            self._starting = False

    def _end(self, worker: WorkerProcess) -> None:
        """Kill a worker and let go of it; :meth:`close` waits for its end."""
        worker.kill()
        if self._worker is worker:
            self._worker = None
        if worker not in self._ended:
            self._ended.append(worker)

    async def cancel(self) -> None:
        """End the request being answered, and the worker with it; the next request starts another.

        An idle worker is left warm.
        """
        if self.busy:
            await self.close()

    async def close(self) -> None:
        """End the worker, if there is one, and wait until it is gone; the next request starts another."""
        async with self._lock:
            if self._worker is not None:
                self._end(self._worker)
        while self._ended:
            await asyncio.to_thread(self._ended.pop().end)
