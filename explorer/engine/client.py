"""The near end of the pipe for code that may block."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any, TypeVar, cast

from explorer.engine.process import WorkerProcess, worker_command
from explorer.engine.timeout import TIMEOUT
from explorer.protocol.events import Event, Failure, Result, encode_request
from explorer.protocol.request import Request

R = TypeVar("R")


class Client:
    """A worker for code that may block. Use it as a context manager.

    Args:
        command: how to start the worker, where it is not :func:`worker_command`.
        timeout: seconds that the worker may say nothing while it answers; :data:`TIMEOUT` when ``None``.
    """

    def __init__(self, command: Sequence[str] | None = None, timeout: float | None = None) -> None:
        self._command = list(command or worker_command())
        self._timeout = TIMEOUT.get() if timeout is None else timeout
        self._worker: WorkerProcess | None = None

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
            WorkerSilent: the worker said nothing for too long, and was ended.
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
            while events := worker.read():
                for event in events:
                    answered = isinstance(event, Result | Failure)
                    if isinstance(event, Failure):
                        raise event.error
                    yield event
                    if answered:
                        return
            raise worker.death()
        finally:
            if not answered:
                self.close()

    def _warm(self) -> WorkerProcess:
        if self._worker is not None and not self._worker.is_alive():
            self.close()
        if self._worker is None:
            self._worker = WorkerProcess(self._command, self._timeout)
        return self._worker

    def close(self) -> None:
        """End the worker, if there is one; the next request starts another."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()
