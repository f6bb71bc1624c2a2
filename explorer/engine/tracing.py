"""Many models traced and stored, by several workers at once. Imports no torch; the workers do."""

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from explorer.engine.client import Client
from explorer.engine.protocol import TraceRequest
from explorer.errors import ExplorerError, OutOfMemory, TimmNotFound, WorkerDied
from explorer.introspect import traces
from explorer.introspect.extras import Extra

WORKER_MEMORY_BYTES = 2 << 30
"""What a worker is reckoned to take when it is decided how many there are."""

MOST_WORKERS = 8

HOPELESS = 5
"""When this many models have failed, none has not, and all say the same, it is not about them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one model fared: ``error`` is ``None`` when it was traced and stored."""

    model: str
    seconds: float
    error: ExplorerError | None = None


Report = Callable[[Outcome, int, int], None]
"""Takes each outcome as it comes, how many there are by now, and how many there will be."""


def untraced(names: Sequence[str], version: str, digest: str) -> list[str]:
    """Those of the names that the user has neither a trace of, made from this source, nor a noted failure."""
    have = traces.own_traces(version, digest)
    return [name for name in names if have is None or (name not in have.models and name not in have.failed)]


def trace_all(
    names: Sequence[str],
    version: str,
    digest: str,
    *,
    extras: Sequence[Extra] = (),
    forward: bool = False,
    workers: int | None = None,
    report: Report = lambda outcome, done, total: None,
) -> list[Outcome]:
    """Trace these models and store what comes of it; one that fails, or ends its worker, does not stop the others.

    A model's own failure is stored; that of a worker, or for want of memory, is not, so that it is tried again.

    Args:
        names: models, each traced once.
        version: timm's, as its source states it.
        digest: of timm's source and the extras together.
        extras: sources of the user's own.
        forward: trace a forward pass too.
        workers: processes; ``None``: as many as there are cores and memory for, :data:`MOST_WORKERS` at most.
        report: is called in this thread.

    Raises:
        ExplorerError: nothing can be traced here, whatever the model: timm is missing, or every model fails alike.
        OutputError: a trace cannot be stored.
        KeyboardInterrupt: Ctrl-C; what was traced is stored.
    """
    work = _Work(names, extras, forward)
    outcomes: list[Outcome] = []
    with work.running(min(workers or usual_workers(), len(names))):
        for _ in names:
            outcome = work.next_outcome()
            outcomes.append(outcome)
            _check_hope(outcomes)
            if outcome.error and _is_of_the_model(outcome.model, outcome.error):
                traces.save_failure(version, digest, outcome.model, outcome.error.message)
            report(outcome, len(outcomes), len(names))
    return outcomes


def usual_workers() -> int:
    """How many workers suit this machine."""
    cores = os.cpu_count() or 1
    with suppress(ImportError, OSError):
        import psutil

        cores = min(cores, psutil.virtual_memory().available // WORKER_MEMORY_BYTES)
    return max(1, min(MOST_WORKERS, cores))


def _is_of_the_model(model: str, error: ExplorerError) -> bool:
    """An error that is about a model names it; want of memory and a worker's end may be another's fault."""
    return model in error.message and not isinstance(error, OutOfMemory | WorkerDied)


def _check_hope(outcomes: Sequence[Outcome]) -> None:
    """Raise the error that all models fail with."""
    errors = [outcome.error for outcome in outcomes]
    last = errors[-1]
    if isinstance(last, TimmNotFound):
        raise last
    if last and len(errors) >= HOPELESS and all(e is not None and e.message == last.message for e in errors):
        raise last


class _Work:
    """Names to be done, threads that have them done by a worker each, and what comes of it."""

    def __init__(self, names: Sequence[str], extras: Sequence[Extra], forward: bool) -> None:
        self._names: queue.SimpleQueue[str] = queue.SimpleQueue()
        for name in names:
            self._names.put(name)
        self._extra = tuple((name, str(path)) for name, path in extras)
        self._forward = forward
        self._outcomes: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        self._stopped = threading.Event()

    @contextmanager
    def running(self, count: int) -> Iterator[None]:
        """So many workers work through the names; they end with the block."""
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

    def next_outcome(self) -> Outcome:
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
                    self._outcomes.put(self._traced(client, name))
                except BaseException as error:
                    self._outcomes.put(error)
                    return

    def _traced(self, client: Client, name: str) -> Outcome:
        start = time.perf_counter()
        try:
            result = client.run(TraceRequest(name, self._forward, self._extra))
        except ExplorerError as error:
            return Outcome(name, time.perf_counter() - start, error)
        traces.save(result.to_json())
        return Outcome(name, time.perf_counter() - start)
