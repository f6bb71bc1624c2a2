"""The graph as the app asks it: every question is answered off the event loop."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from explorer.errors import ExplorerError
from explorer.graph import Graph, GraphInfo, NodeKind
from explorer.graph.fuzzy import Hit, search
from explorer.tui.background import Background
from explorer.tui.calls import CallPath, call_path
from explorer.tui.catalogue import Catalogue, catalogue
from explorer.tui.failures import unexpected
from explorer.tui.page import Page, page_of

T = TypeVar("T")

MOST_HITS = 50
"""How many hits a search gives at the most."""

_SEARCHED = tuple(kind for kind in NodeKind if kind is not NodeKind.PARAMETER)


class Library:
    """A graph that is loaded once and then asked. Whatever goes wrong is an :class:`ExplorerError`.

    Args:
        load: gives the graph; may take seconds.
    """

    def __init__(self, load: Callable[[], Graph]) -> None:
        self._load = load
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
        graph = await self._run(self._load)
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
        return await self._ask(lambda graph: search(graph, text, _SEARCHED, MOST_HITS)) or []

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
