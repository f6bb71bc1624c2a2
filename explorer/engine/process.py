"""The worker's process: how it is started, heard, found to be silent or gone, and ended."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from explorer.errors import WorkerDied, WorkerSilent
from explorer.protocol.events import GOES_ON, Event, LineSplitter, Log, Progress, decode_event

_FIRST_NOTICE = 30.0
"""Seconds of silence after which it is told; after that whenever they have doubled."""
_PULSE = 0.5
"""Seconds between two looks at a worker that says nothing."""
_CHUNK_BYTES = 1 << 16
"""Read from a pipe at a time; Linux pipes hold as much."""
_WORDS_KEPT_BYTES = 1 << 16
_LINE_SHOWN = 300
_NOISE = re.compile(r"\s|nanobind:|See https?://|\[?[IW]\d{4}|.*Warning: |.*resource_tracker")
"""Lines that tell nothing of an end: what libraries write whenever a process ends early, warnings, lines of source."""


class Waiting(Log, frozen=True):
    """The worker has said nothing for a while."""


_HINTS = {
    "SIGKILL": "the system may have run out of memory: lower --batch-size, or take a smaller model",
    **dict.fromkeys(("SIGSEGV", "SIGBUS", "SIGILL", "SIGABRT", "SIGFPE"), "compiled code crashed, below Python"),
}
"""What signals are likely to be of."""


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


class WorkerProcess:
    """A running worker, in a session of its own, so that it ends with all that it started.

    Its pipes are read by threads: a worker that fills a pipe which nobody reads stands still, and a child of it may
    hold them open for longer than it lives itself.

    Args:
        command: how to start it.
        timeout: seconds that it may say nothing while it answers.

    Raises:
        WorkerDied: the system does not start it.
    """

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        pipe = subprocess.PIPE
        try:
            self.process = subprocess.Popen(
                command, env=worker_environment(), stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise WorkerDied(f"the worker could not be started: {error}") from error
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self._requests, self._pipes = self.process.stdin, (self.process.stdout, self.process.stderr)
        self._timeout = timeout
        self._lines = LineSplitter()
        self._chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._last_words = _LastWords()
        takers = zip(self._pipes, (self._chunks.put, self._last_words.feed), strict=True)
        self._readers = [threading.Thread(target=_pump, args=pair, daemon=True) for pair in takers]
        for reader in self._readers:
            reader.start()
        self._expect("starting")

    def _expect(self, doing: str) -> None:
        """It has just said, or been told, what it does from now on."""
        self._doing = doing
        self._heard, self._next_notice = time.monotonic(), _FIRST_NOTICE

    def send(self, line: bytes) -> None:
        """Send a request; a worker that is gone shows when its events are read."""
        self._expect("starting")
        with suppress(BrokenPipeError, ValueError):
            self._requests.write(line)
            self._requests.flush()

    def read(self) -> list[Event]:
        """Wait for the events that come next; none once it has ended.

        Raises:
            WorkerDied: it sent what is no event.
            WorkerSilent: it has said nothing for too long.
        """
        has_ended = False
        while True:
            try:
                data = self._chunks.get(timeout=_PULSE)
            except queue.Empty:
                if has_ended:  # and what it had written by then has been read
                    return []
                has_ended = self.process.poll() is not None
                if notice := self._notice():
                    return [notice]
                continue
            events = list(_decoded(self._lines.feed(data)))
            if events or not data:
                self._take(events)
                return events

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            self._expect(event.message if isinstance(event, Progress) else self._doing)

    def _notice(self) -> Waiting | None:
        """Say of a worker that says nothing what it is at, now and then."""
        silent = time.monotonic() - self._heard
        if silent >= self._timeout:
            raise WorkerSilent(
                f"nothing came of {self._doing} for {silent:.0f} s, so it was ended",
                "--timeout SECONDS waits longer",
            )
        if silent < self._next_notice:
            return None
        self._next_notice *= 2
        return Waiting(f"still {self._doing}, for {silent:.0f} s; after {self._timeout:.0f} s it is ended (--timeout)")

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def death(self) -> WorkerDied:
        """Say how a worker ended that did so by itself: by which signal or status, at what, and its last words."""
        try:
            status = self.process.wait(timeout=10 * _PULSE)
        except subprocess.TimeoutExpired:
            return WorkerDied(f"the worker closed its pipe while {self._doing}")
        self._readers[-1].join(_PULSE)  # until the last words are read
        last = self._last_words.last()
        words = f"; its last line was: {last}" if last else ""
        if status >= 0:
            return WorkerDied(f"the worker ended with status {status} while {self._doing}{words}")
        name, meaning = _signal_name(-status)
        hint = _HINTS.get(name, "")
        return WorkerDied(f"the worker was ended by {name} ({meaning}) while {self._doing}{words}", hint)

    def kill(self) -> None:
        """End it, and what it started, now; it holds nothing worth saving."""
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()

    def end(self) -> None:
        """End it now and wait until it is gone."""
        self.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join(2 * _PULSE)  # a child that has left its group may hold the pipe for longer
        for pipe in (self._requests, *self._pipes):
            with suppress(OSError):
                pipe.close()


class _LastWords:
    """The last that the worker wrote on stderr."""

    def __init__(self) -> None:
        self._end = bytearray()

    def feed(self, data: bytes) -> None:
        """Take more bytes."""
        self._end += data
        del self._end[:-_WORDS_KEPT_BYTES]

    def last(self) -> str:
        """The last line that tells something, empty where there was none."""
        lines = self._end.decode("utf-8", "replace").rpartition(GOES_ON)[2].splitlines()
        told = (line for line in reversed(lines) if line.strip() and not _NOISE.match(line))
        return next(told, "").strip()[:_LINE_SHOWN]


def _pump(source: IO[bytes], take: Callable[[bytes], None]) -> None:
    """Hand over what comes out of a pipe, at its end nothing; not by buffered reads, which wait for a whole chunk."""
    with suppress(OSError, ValueError):  # it is closed under the hands of who no longer listens
        while data := os.read(source.fileno(), _CHUNK_BYTES):
            take(data)
    take(b"")


def _decoded(lines: Iterable[bytes]) -> Iterator[Event]:
    for line in lines:
        try:
            yield decode_event(line)
        except ValueError as error:
            raise WorkerDied(f"the worker sent what cannot be read: {error}") from error


def _signal_name(number: int) -> tuple[str, str]:
    try:
        return signal.Signals(number).name, (signal.strsignal(number) or "unknown").lower()
    except ValueError:
        return f"signal {number}", "unknown"
