"""Going from node to node: what is shown, what is fetched for it, and the way back."""

from collections.abc import Awaitable, Callable

from textual.app import App

from explorer.errors import ExplorerError
from explorer.tui.graph_service import GraphService
from explorer.tui.page import Page
from explorer.tui.widgets.browser import Browser
from explorer.tui.widgets.node_pane import CALLS, NodePane


class Navigation:
    """Keeps the tree and the pane on the right at one node.

    Args:
        app: whose screen it is.
        service: where pages and call paths come from.
        arrived: called when a node is shown.
    """

    def __init__(self, app: App[None], service: GraphService, arrived: Callable[[], None]) -> None:
        self.page: Page | None = None
        self._app = app
        self._service = service
        self._arrived = arrived
        self._wanted = ""
        self._path_shown = ""
        self._history: list[str] = []

    @property
    def pane(self) -> NodePane:
        """The right-hand side."""
        return self._app.query_one(NodePane)

    @property
    def browser(self) -> Browser:
        """The tree of families."""
        return self._app.query_one(Browser)

    @property
    def can_go_back(self) -> bool:
        """Whether there was a jump to return from."""
        return bool(self._history)

    def show(self, node_id: str) -> None:
        """Show a node where it is not shown already."""
        if node_id != self._wanted:
            self._wanted = node_id
            self._begin(lambda: self._fetch(node_id))

    def go_to(self, node_id: str) -> None:
        """Show a node, in the tree too where it stands there, and note where from."""
        if self._wanted and self._wanted != node_id:
            self._history.append(self._wanted)
        self.show(node_id)
        self.browser.reveal_node(node_id)

    def go_back(self) -> None:
        """Show what was shown before the last jump."""
        if self._history:
            node_id = self._history.pop()
            self.show(node_id)
            self.browser.reveal_node(node_id)

    def fetch_path(self) -> None:
        """Work out the call path if its tab is open and shows another one."""
        self._begin(self._fetch_path, group="path")

    def _begin(self, fetch: Callable[[], Awaitable[None]], group: str = "page") -> None:
        # Of a key held down only the last node is worth fetching: an exclusive worker cancels the one before it.
        self._app.run_worker(self._guarded(fetch), group=group, exclusive=True)

    async def _guarded(self, fetch: Callable[[], Awaitable[None]]) -> None:
        """What cannot be shown is said, and the rest goes on."""
        try:
            await fetch()
        except ExplorerError as error:
            self._app.notify(error.message, title=error.hint, severity="error", markup=False)

    async def _fetch(self, node_id: str) -> None:
        page = await self._service.page(node_id)
        if page is None:
            return
        self.page = page
        self.pane.show_page(page)
        self._arrived()
        await self._fetch_path()

    async def _fetch_path(self) -> None:
        if self.pane.active != CALLS or self.page is None or self.page.node_id == self._path_shown:
            return
        path = await self._service.call_path(self.page.node_id)
        if path is not None:
            self._path_shown = path.node_id
            self.pane.calls.show_path(path)
