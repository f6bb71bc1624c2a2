"""The near end of the pipe: how the worker is started, read and ended, and a client for code that may block."""

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from explorer.errors import WorkerDied
from explorer.protocol.events import Event, Failure, LineSplitter, Result, decode_event, encode_request
from explorer.protocol.request import Request

R = TypeVar("R")

CHUNK_BYTES = 1 << 16
"""Read from a pipe at a time; Linux pipes hold as much."""

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


class StderrTail:
    """The last lines the worker wrote on stderr."""

    def __init__(self) -> None:
        self._splitter = LineSplitter()
        self._lines: deque[bytes] = deque(maxlen=_LINES_KEPT)

    def feed(self, data: bytes) -> None:
        """Take more bytes; of each whole line the beginning is kept."""
        self._lines.extend(line[:_LINE_KEPT_BYTES] for line in self._splitter.feed(data) if line.strip())

    def last(self) -> str:
        """The last whole line, empty where there was none."""
        return self._lines[-1].decode("utf-8", "replace").strip() if self._lines else ""


def read_events(lines: Iterable[bytes]) -> Iterator[Event]:
    """The events that these lines of the worker's stdout hold.

    Raises:
        WorkerDied: a line is no event.
    """
    for line in lines:
        try:
            yield decode_event(line)
        except ValueError as error:
            raise WorkerDied(f"the worker sent what cannot be read: {error}") from error


def worker_died(exit_status: int, stderr: StderrTail) -> WorkerDied:
    """Say how the worker ended: by which signal or with which status, and its last words."""
    last = stderr.last()
    words = f"; its last line was: {last}" if last else ""
    if exit_status >= 0:
        return WorkerDied(f"the worker ended with status {exit_status} before it answered{words}")
    name, meaning = _signal_name(-exit_status)
    hint = "the system may have run out of memory: lower --batch-size" if name == "SIGKILL" else ""
    return WorkerDied(f"the worker was ended by {name} ({meaning}){words}", hint)


def worker_not_started(error: OSError) -> WorkerDied:
    """The error for a worker that the system would not start."""
    return WorkerDied(f"the worker could not be started: {error}")


def _signal_name(number: int) -> tuple[str, str]:
    try:
        return signal.Signals(number).name, (signal.strsignal(number) or "unknown").lower()
    except ValueError:
        return f"signal {number}", "unknown"


class _Process:
    """A running worker, the lines of its stdout and the end of its stderr."""

    def __init__(self, command: Sequence[str]) -> None:
        pipe = subprocess.PIPE
        try:
            self.process = subprocess.Popen(command, env=worker_environment(), stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as error:
            raise worker_not_started(error) from error
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self._requests, self._answers, self._notes = self.process.stdin, self.process.stdout, self.process.stderr
        self.lines = LineSplitter()
        self.stderr = StderrTail()
        # Read all the time: a worker that fills a pipe which nobody reads stands still.
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()

    def _read_stderr(self) -> None:
        while data := os.read(self._notes.fileno(), CHUNK_BYTES):
            self.stderr.feed(data)

    def send(self, line: bytes) -> None:
        """Send a request; a worker that is gone shows when its events are read."""
        with suppress(BrokenPipeError):
            self._requests.write(line)
            self._requests.flush()

    def receive(self) -> bytes:
        # Not a buffered read, which would wait for a whole chunk while events are due.
        return os.read(self._answers.fileno(), CHUNK_BYTES)

    def wait(self) -> int:
        """Wait for the end and for the last of stderr; the exit status, negative for a signal."""
        status = self.process.wait()
        self._reader.join(timeout=1)
        return status

    def end(self) -> None:
        """End it now; it holds nothing worth saving."""
        self.process.kill()
        self.wait()
        for pipe in (self._requests, self._answers, self._notes):
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
                for event in read_events(worker.lines.feed(data)):
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
        # Ctrl-C reaches the whole process group, and the worker may be gone before it is this process's turn.
        if status == -signal.SIGINT:
            return KeyboardInterrupt()
        return worker_died(status, worker.stderr)

    def close(self) -> None:
        """End the worker, if there is one; the next request starts another."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()
