"""One thread for whatever takes longer than a frame."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class Background:
    """Answers questions in the order they come, off the event loop.

    There is one thread because the graph builds its indexes when they are first asked for, and two threads would
    meet one half built. It is a daemon, so that quitting does not wait for an answer nobody will see.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def ask(self, work: Callable[[], T]) -> T:
        """What ``work`` returns or raises. When the task that waits is cancelled first, ``work`` is not begun."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="explorer-background", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put(partial(_answer, work, answer, loop))
        return await answer

    def close(self) -> None:
        """Let the thread end after what it is at."""
        self._jobs.put(None)

    def _run(self) -> None:
        while job := self._jobs.get():
            job()


def _answer(work: Callable[[], T], answer: "asyncio.Future[T]", loop: asyncio.AbstractEventLoop) -> None:
    if answer.cancelled():
        return
    settle: Callable[[], None]
    try:
        settle = partial(_settle, answer, work())
    except Exception as error:
        settle = partial(_fail, answer, error)
    # A closed loop belongs to an app that has been left.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(settle)


def _settle(answer: "asyncio.Future[T]", value: T) -> None:
    if not answer.done():
        answer.set_result(value)


def _fail(answer: "asyncio.Future[T]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
