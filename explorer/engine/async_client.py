"""The near end of the pipe, for code on an event loop; the terminal app's.

A module of its own, because importing asyncio takes as long as half of a graph command.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any, TypeVar, cast

from explorer.engine.client import (
    CHUNK_BYTES,
    StderrTail,
    read_events,
    worker_command,
    worker_died,
    worker_environment,
    worker_not_started,
)
from explorer.protocol.events import Event, Failure, LineSplitter, Result, encode_request
from explorer.protocol.request import Request

R = TypeVar("R")


class _AsyncProcess:
    """A running worker, the lines of its stdout and the end of its stderr, on the event loop."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        assert process.stdin and process.stdout and process.stderr
        self._requests, self._answers, self._notes = process.stdin, process.stdout, process.stderr
        self.lines = LineSplitter()
        self.stderr = StderrTail()
        self.busy = False
        self.cancelled = False
        self._reader = asyncio.create_task(self._read_stderr())

    @classmethod
    async def start(cls, command: Sequence[str]) -> "_AsyncProcess":
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *command, env=worker_environment(), stdin=pipe, stdout=pipe, stderr=pipe
            )
        except OSError as error:
            raise worker_not_started(error) from error
        return cls(process)

    async def _read_stderr(self) -> None:
        while data := await self._notes.read(CHUNK_BYTES):
            self.stderr.feed(data)

    async def send(self, line: bytes) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            self._requests.write(line)
            await self._requests.drain()

    async def receive(self) -> bytes:
        return await self._answers.read(CHUNK_BYTES)

    def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()

    async def wait(self) -> int:
        status = await self.process.wait()
        await self._reader
        return status


class AsyncClient:
    """A worker for code on an event loop. One request at a time; :meth:`close` it, or use ``async with``.

    Args:
        command: how to start the worker, where it is not :func:`worker_command`.
    """

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = list(command or worker_command())
        self._worker: _AsyncProcess | None = None
        self._ended: list[_AsyncProcess] = []
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
        return self._starting or (self._worker is not None and self._worker.busy)

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
            RuntimeError: another request is being answered.
        """
        worker = await self._warm()
        answered = False
        try:
            await worker.send(encode_request(request))
            while data := await worker.receive():
                for event in read_events(worker.lines.feed(data)):
                    answered = isinstance(event, Result | Failure)
                    worker.busy = not answered
                    if worker.cancelled:
                        return
                    if isinstance(event, Failure):
                        raise event.error
                    yield event
                    if answered:
                        return
            if not worker.cancelled:
                raise worker_died(await worker.wait(), worker.stderr)
        finally:
            if not answered:
                self._end(worker)

    async def _warm(self) -> _AsyncProcess:
        if self.busy:
            raise RuntimeError("the worker is answering another request")
        self._starting = True
        try:
            # Held while a worker starts, so that a close() in between waits for it and does not miss it.
            async with self._lock:
                if self._worker is not None and self._worker.process.returncode is not None:
                    self._end(self._worker)
                if self._worker is None:
                    self._worker = await _AsyncProcess.start(self._command)
                self._worker.busy = True
                return self._worker
        finally:
            self._starting = False

    def _end(self, worker: _AsyncProcess) -> None:
        """Kill a worker and let go of it; :meth:`close` waits for its end."""
        worker.cancelled = True
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
            await self._ended.pop().wait()
