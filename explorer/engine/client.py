"""The near end of the pipe: starts the worker, sends requests, gives events.

Two clients share one protocol: :class:`Client` blocks and serves the command line, :class:`AsyncClient`
serves the terminal app. Both start the worker with the first request and keep it warm for the next. Neither
imports torch.
"""

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from explorer.errors import WorkerDied
from explorer.protocol import Event, Failure, LineSplitter, Request, Result, decode_event, encode_request

if TYPE_CHECKING:
    import asyncio

R = TypeVar("R")

_CHUNK_BYTES = 1 << 16
_LINES_KEPT = 50
_LINE_KEPT_BYTES = 2000


def worker_command() -> list[str]:
    """The command line of the worker; ``-P`` keeps modules that lie in the current folder out of its way."""
    return [sys.executable, "-P", "-m", "explorer.worker.serve"]


def worker_environment() -> dict[str, str]:
    """This process's environment, with a search path on which the worker finds the very same packages."""
    folders = [str(Path(p or ".").absolute()) for p in sys.path]
    home = str(Path(__file__).parents[2])
    if home not in folders:
        folders.append(home)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}


class _Stderr:
    """The last lines the worker wrote on stderr."""

    def __init__(self) -> None:
        self._splitter = LineSplitter()
        self._lines: deque[bytes] = deque(maxlen=_LINES_KEPT)

    def feed(self, data: bytes) -> None:
        self._lines.extend(line[:_LINE_KEPT_BYTES] for line in self._splitter.feed(data) if line.strip())

    def last(self) -> str:
        return self._lines[-1].decode("utf-8", "replace").strip() if self._lines else ""


class _Events:
    """Cuts the worker's stdout into events."""

    def __init__(self) -> None:
        self._splitter = LineSplitter()

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take more bytes, give the events they complete.

        Raises:
            WorkerDied: the bytes are not events.
        """
        for line in self._splitter.feed(data):
            try:
                yield decode_event(line)
            except ValueError as error:
                raise WorkerDied(f"the worker sent what cannot be read: {error}") from error


def _death(exit_status: int, stderr: _Stderr) -> WorkerDied:
    """Say how the worker ended: by which signal or with which status, and its last words."""
    last = stderr.last()
    words = f"; its last line was: {last}" if last else ""
    if exit_status >= 0:
        return WorkerDied(f"the worker ended with status {exit_status} before it answered{words}")
    name, meaning = _signal_name(-exit_status)
    hint = "the system may have run out of memory: lower --batch-size" if name == "SIGKILL" else ""
    return WorkerDied(f"the worker was ended by {name} ({meaning}){words}", hint)


def _no_start(error: OSError) -> WorkerDied:
    return WorkerDied(f"the worker could not be started: {error}")


def _signal_name(number: int) -> tuple[str, str]:
    try:
        return signal.Signals(number).name, (signal.strsignal(number) or "unknown").lower()
    except ValueError:
        return f"signal {number}", "unknown"


class _Process:
    """A running worker, its events and the end of its stderr."""

    def __init__(self, command: Sequence[str]) -> None:
        pipe = subprocess.PIPE
        try:
            self.process = subprocess.Popen(command, env=worker_environment(), stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as error:
            raise _no_start(error) from error
        self.events = _Events()
        self.stderr = _Stderr()
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        fd = self.process.stderr.fileno()
        while data := os.read(fd, _CHUNK_BYTES):
            self.stderr.feed(data)

    def send(self, line: bytes) -> None:
        """Send a request; a worker that is gone shows when its events are read."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def receive(self) -> bytes:
        assert self.process.stdout is not None
        return os.read(self.process.stdout.fileno(), _CHUNK_BYTES)

    def wait(self) -> int:
        """Wait for the end and for the last of stderr; the exit status, negative for a signal."""
        status = self.process.wait()
        self._reader.join(timeout=1)
        return status

    def end(self) -> None:
        """End it now; it holds nothing worth saving."""
        self.process.kill()
        self.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


class Client:
    """A worker for code that may block. Use it as a context manager.

    Args:
        command: how to start the worker, where it is not :func:`worker_command`.
    """

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = list(command or worker_command())
        self._worker: _Process | None = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The worker's process id, ``None`` while there is none."""
        return self._worker.process.pid if self._worker else None

    def run(self, request: Request[R], on_event: Callable[[Event], None] | None = None) -> R:
        """Have a request answered; every event but the last is handed to ``on_event``.

        Raises:
            ExplorerError: what the worker answered instead.
            WorkerDied: the worker ended without an answer.
            KeyboardInterrupt: Ctrl-C; the worker is ended too.
        """
        with closing(self.events(request)) as events:
            for event in events:
                if isinstance(event, Result):
                    return cast(R, event.value)
                if on_event is not None:
                    on_event(event)
        raise AssertionError("events end with a result or an error")

    def events(self, request: Request[Any]) -> Generator[Event, None, None]:
        """The events that answer a request, as they come; the last is a :class:`Result`.

        Closing the generator early ends the worker. Raises what :meth:`run` raises.
        """
        worker = self._warm()
        answered = False
        try:
            worker.send(encode_request(request))
            while data := worker.receive():
                for event in worker.events.feed(data):
                    answered = isinstance(event, Result | Failure)
                    if isinstance(event, Failure):
                        raise event.error
                    yield event
                    if answered:
                        return
            raise self._death(worker)
        finally:
            if not answered:
                self.close()

    def _warm(self) -> _Process:
        if self._worker is not None and self._worker.process.poll() is not None:
            self.close()
        if self._worker is None:
            self._worker = _Process(self._command)
        return self._worker

    def _death(self, worker: _Process) -> BaseException:
        status = worker.wait()
        if status == -signal.SIGINT:
            return KeyboardInterrupt()
        return _death(status, worker.stderr)

    def close(self) -> None:
        """End the worker, if there is one; the next request starts another."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()


class _AsyncProcess:
    """A running worker, its events and the end of its stderr, on the event loop."""

    def __init__(self, process: "asyncio.subprocess.Process") -> None:
        import asyncio

        self.process = process
        self.events = _Events()
        self.stderr = _Stderr()
        self.busy = False
        self.cancelled = False
        self._reader = asyncio.create_task(self._read_stderr())

    @classmethod
    async def start(cls, command: Sequence[str]) -> "_AsyncProcess":
        import asyncio

        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *command, env=worker_environment(), stdin=pipe, stdout=pipe, stderr=pipe
            )
        except OSError as error:
            raise _no_start(error) from error
        return cls(process)

    async def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        while data := await self.process.stderr.read(_CHUNK_BYTES):
            self.stderr.feed(data)

    async def send(self, line: bytes) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line)
            await self.process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass

    async def receive(self) -> bytes:
        assert self.process.stdout is not None
        return await self.process.stdout.read(_CHUNK_BYTES)

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
        import asyncio

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
                for event in worker.events.feed(data):
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
                raise _death(await worker.wait(), worker.stderr)
        finally:
            if not answered:
                self._end(worker)

    async def _warm(self) -> _AsyncProcess:
        if self.busy:
            raise RuntimeError("the worker is answering another request")
        self._starting = True
        try:
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
