"""The graph as the app asks it: every question is answered by one thread beside the event loop."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from explorer import collector
from explorer.errors import ExplorerError, unexpected
from explorer.graph import EdgeKind, Graph, GraphInfo, NodeKind
from explorer.graph.fuzzy import Hit
from explorer.introspect import Extra
from explorer.queries.call_tree import CallPath, call_path
from explorer.queries.model_list import Catalogue, catalogue
from explorer.tui.page import Page, page_of
from explorer.underway import Listener, Step, listening
from explorer.usecases.finding import search
from explorer.usecases.loading import load

T = TypeVar("T")

MOST_HITS = 50
"""How many hits a search gives at the most."""

_PAUSE_SECONDS = 0.2
"""Between two steps that are told."""

# A parameter is known by its function's page; among the hits they would crowd out what is looked for.
_SEARCHED = tuple(kind for kind in NodeKind if kind is not NodeKind.PARAMETER)


def load_whole(timm: Path | None, extras: Sequence[Extra] = ()) -> Graph:
    """The graph of this timm, the installed one when ``None``, with all that a command would read as it needs it.

    ``extras`` are source of the user's own that registers models into it.

    Raises:
        ExplorerError: there is no graph.
    """
    with collector.keeping():
        graph = load(timm, extras)
        for _ in graph.sections():
            pass
        for kind in EdgeKind:
            # The index of incoming edges is built by the first question about a kind.
            next(graph.in_edges("", kind), None)
    return graph


class GraphService:
    """A graph that is loaded once and then asked. Whatever goes wrong is an :class:`ExplorerError`.

    Args:
        load: gives the graph; may take seconds.
        told: takes on the event loop what that is at, now and then.
    """

    def __init__(self, load: Callable[[], Graph], told: Listener = lambda step: None) -> None:
        self._load = load
        self._told = told
        self._graph: Graph | None = None
        self._background = Background()

    @property
    def is_open(self) -> bool:
        """Whether there is a graph to ask."""
        return self._graph is not None

    async def open(self) -> tuple[GraphInfo, Catalogue]:
        """Load the graph; what it says of itself, and its families.

        Raises:
            ExplorerError: there is no graph.
        """
        listener = _Relay(asyncio.get_running_loop(), self._told)

        def load() -> Graph:
            with listening(listener):
                return self._load()

        graph = await self._run(load)
        listing = await self._run(lambda: catalogue(graph))
        self._graph = graph
        return graph.info, listing

    async def page(self, node_id: str) -> Page | None:
        """What is known of a node, ``None`` when there is none of this id."""
        return await self._ask(lambda graph: page_of(graph, graph.node(node_id)) if node_id in graph else None)

    async def call_path(self, node_id: str) -> CallPath | None:
        """The call path of a node, ``None`` when there is none of this id."""
        return await self._ask(lambda graph: call_path(graph, graph.node(node_id)) if node_id in graph else None)

    async def search(self, text: str) -> Sequence[Hit]:
        """Nodes whose name is like the text, best first."""
        return await self._ask(lambda graph: search(text, kinds=_SEARCHED, limit=MOST_HITS, graph=graph)) or []

    async def _ask(self, question: Callable[[Graph], T]) -> T | None:
        graph = self._graph
        return None if graph is None else await self._run(lambda: question(graph))

    async def _run(self, work: Callable[[], T]) -> T:
        """Have it done in the background; a bug comes out as an :class:`ExplorerError` too."""
        try:
            return await self._background.ask(work)
        except ExplorerError:
            raise
        except Exception as error:
            raise unexpected(error) from error

    def close(self) -> None:
        """Ask no more."""
        self._background.close()


class _Relay:
    """Listens in another thread and tells the event loop, not more often than a screen can follow."""

    def __init__(self, loop: asyncio.AbstractEventLoop, told: Listener) -> None:
        self._loop = loop
        self._told = told
        self._last = 0.0

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        if now - self._last >= _PAUSE_SECONDS:
            self._last = now
            with suppress(RuntimeError):  # the app has been left meanwhile
                self._loop.call_soon_threadsafe(self._told, step)


class Background:
    """Answers questions in the order they come, off the event loop."""

    # One thread, because the graph builds its indexes when they are first asked for, and two threads would meet one
    # half built. A thread of our own and no executor's, because Python waits for those when it ends: quitting would
    # hang until an answer is found that nobody will see.

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def ask(self, work: Callable[[], T]) -> T:
        """What ``work`` returns or raises. When the task that waits is cancelled first, ``work`` is not begun."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="explorer-background", daemon=True)
            self._thread.start()
        answer: Future[T] = Future()
        self._jobs.put((work, answer))
        return await asyncio.wrap_future(answer)

    def close(self) -> None:
        """Let the thread end after what it is at."""
        self._jobs.put(None)

    def _run(self) -> None:
        while job := self._jobs.get():
            work, answer = job
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(work())
            except Exception as error:
                answer.set_exception(error)
