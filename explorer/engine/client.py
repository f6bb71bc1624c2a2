"""The near end of the pipe, for code that may block: starts the worker, sends requests, gives events."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from typing import Any, TypeVar, cast

from explorer.engine.process import (
    CHUNK_BYTES,
    EventReader,
    StderrTail,
    worker_command,
    worker_died,
    worker_environment,
    worker_not_started,
)
from explorer.protocol import Event, Failure, Request, Result, encode_request

R = TypeVar("R")


class _Process:
    """A running worker, its events and the end of its stderr."""

    def __init__(self, command: Sequence[str]) -> None:
        pipe = subprocess.PIPE
        try:
            self.process = subprocess.Popen(command, env=worker_environment(), stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as error:
            raise worker_not_started(error) from error
        self.events = EventReader()
        self.stderr = StderrTail()
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        fd = self.process.stderr.fileno()
        while data := os.read(fd, CHUNK_BYTES):
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
        return os.read(self.process.stdout.fileno(), CHUNK_BYTES)

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
        return worker_died(status, worker.stderr)

    def close(self) -> None:
        """End the worker, if there is one; the next request starts another."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()
