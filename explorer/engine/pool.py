"""Many models, one piece of work for each, by several warm workers at once."""

import os
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from explorer.engine.client import Client
from explorer.engine.process import Waiting
from explorer.errors import ExplorerError, OutOfMemory, TimmNotFound, WorkerDied, WorkerSilent
from explorer.protocol.events import Emit, Event

T = TypeVar("T")
"""What comes of the work for one model."""

WORKER_MEMORY_BYTES = 2 << 30
"""What a worker is reckoned to take when it is decided how many there are."""

MOST_WORKERS = 8

SAME_FAILURES = 5
"""When this many models have failed, none has not, and all say the same, it is not about them."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """How one model fared: either ``error`` is ``None``, or ``value`` is."""

    model: str
    seconds: float
    error: ExplorerError | None = None
    value: T | None = None


def each(
    names: Sequence[str], do: Callable[[Client, str], T], workers: int | None = None
) -> Generator[Outcome[T], None, None]:
    """Have the work done for every name; one that fails, or ends its worker, does not stop the others.

    Outcomes come as they are ready. Closing the generator ends the workers.

    Args:
        names: models, each dealt with once.
        do: does the work for a name by a client; called in other threads.
        workers: processes; ``None``: as many as there are cores and memory for, :data:`MOST_WORKERS` at most.

    Raises:
        ExplorerError: nothing can be done here, whatever the model: timm is missing, or every model fails alike.
        KeyboardInterrupt: Ctrl-C.
        Exception: what ``do`` raised besides an :class:`ExplorerError`.
    """
    work = _Work(names, do)
    messages: set[str | None] = set()
    with work.running(min(workers or usual_workers(), len(names))):
        for count in range(1, len(names) + 1):
            outcome = work.next_outcome()
            error = outcome.error
            messages.add(error.message if error else None)
            is_common = count >= SAME_FAILURES and len(messages) == 1
            if error and (is_common or isinstance(error, TimmNotFound)):
                raise error
            yield outcome


def usual_workers() -> int:
    """How many workers suit this machine."""
    cores = os.cpu_count() or 1
    with suppress(ImportError, OSError):
        import psutil  # one model needs no pool, and starts without it

        cores = min(cores, psutil.virtual_memory().available // WORKER_MEMORY_BYTES)
    return max(1, min(MOST_WORKERS, cores))


def waits_only(emit: Emit) -> Emit:
    """Takes a worker's events and passes on only that it says nothing: of many models the rest would be too much."""

    def tell(event: Event) -> None:
        if isinstance(event, Waiting):
            emit(event)

    return tell


def is_of_the_model(model: str, error: ExplorerError) -> bool:
    """An error that is about a model names it; want of memory or time and a worker's end may be another's fault."""
    return model in error.message and not isinstance(error, OutOfMemory | WorkerDied | WorkerSilent)


class _Work(Generic[T]):
    """Names to be dealt with, threads that do so by a worker each, and what comes of it."""

    def __init__(self, names: Sequence[str], do: Callable[[Client, str], T]) -> None:
        self._names: queue.SimpleQueue[str] = queue.SimpleQueue()
        for name in names:
            self._names.put(name)
        self._do = do
        self._outcomes: queue.SimpleQueue[Outcome[T] | BaseException] = queue.SimpleQueue()
        self._stopped = threading.Event()

    @contextmanager
    def running(self, count: int) -> Iterator[None]:
        """So many workers work through the names; they end with the block."""
        # Daemons, because a thread that waits for its worker must not keep an interrupted process alive.
        clients = [Client() for _ in range(count)]
        threads = [threading.Thread(target=self._serve, args=(client,), daemon=True) for client in clients]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for client in clients:
                client.close()
            for thread in threads:
                thread.join()

    def next_outcome(self) -> Outcome[T]:
        """Wait for the next outcome; what a thread could not deal with is raised here."""
        outcome = self._outcomes.get()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _serve(self, client: Client) -> None:
        with client, suppress(queue.Empty):
            while not self._stopped.is_set():
                name = self._names.get_nowait()
                try:
                    self._outcomes.put(self._done(client, name))
                except BaseException as error:
                    self._outcomes.put(error)
                    return

    def _done(self, client: Client, name: str) -> Outcome[T]:
        start = time.perf_counter()
        try:
            value = self._do(client, name)
        except ExplorerError as error:
            return Outcome(name, time.perf_counter() - start, error)
        return Outcome(name, time.perf_counter() - start, value=value)
