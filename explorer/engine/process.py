"""The worker as a process: how it is started, what its two output pipes say, and how its end is told."""

import os
import signal
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from explorer.errors import WorkerDied
from explorer.protocol import Event, LineSplitter, decode_event

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


class EventReader:
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
