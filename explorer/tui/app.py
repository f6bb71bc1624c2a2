"""The app: what is shown when, and what the keys do."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.filter import LineFilter
from textual.widgets import Footer, Static, TabbedContent, Tree

from explorer.engine.async_client import AsyncClient
from explorer.errors import ExplorerError
from explorer.graph import Graph, GraphInfo, NodeKind
from explorer.introspect import Extra
from explorer.queries.model_list import Catalogue
from explorer.tui.actions import EVERYWHERE, HelpScreen, bindings
from explorer.tui.bench_session import BenchRun, BenchSession, Keep, keep_in_results
from explorer.tui.graph_service import GraphService, load_whole
from explorer.tui.page import Page
from explorer.tui.styling import PlainCells
from explorer.tui.widgets.browser import Browser
from explorer.tui.widgets.details import FailurePanel
from explorer.tui.widgets.finder import Finder, SearchLine
from explorer.tui.widgets.fitted_tree import FittedTree, TreeRow
from explorer.tui.widgets.node_pane import BENCH, CALLS, NodePane
from explorer.underway import Step


class ExplorerApp(App[None]):
    """timm's families on the left, the chosen thing on the right, a search line above.

    Args:
        load: gives the graph; called off the event loop after the first paint.
        connect: makes the client whose worker measures models; called when the first benchmark starts.
        keep: keeps what was measured; called off the event loop.
        extras: source of the user's own that the worker has to import for it.
    """

    TITLE = "explorer"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(EVERYWHERE)

    def __init__(
        self,
        load: Callable[[], Graph],
        connect: Callable[[], AsyncClient] = AsyncClient,
        keep: Keep = keep_in_results,
        extras: Sequence[Extra] = (),
    ) -> None:
        super().__init__()
        self.load_error: ExplorerError | None = None
        self._service = GraphService(load, self._tell_reading)
        self._bench = BenchSession(self._bench_changed, connect, keep, extras)
        self._page: Page | None = None
        self._wanted_id = ""
        self._path_shown = ""
        self._jumped_from: list[str] = []
        self._offered: list[bool | None] = []

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and what keeps other people's control characters off the terminal."""
        return (*super().get_line_filters(), PlainCells())

    # the screen

    def compose(self) -> ComposeResult:
        """Everything there will be, still empty."""
        with Horizontal(id="top"):
            yield Static("explorer", id="title", markup=False)
            yield Finder(self._service.search, id="finder")
        yield FailurePanel(id="failure")
        with Horizontal(id="body"):
            with Vertical(id="side"):
                yield Static("Reading timm's source…", id="side-name", markup=False)
                yield Browser(id="browser")
            yield NodePane(id="main")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Read the graph once the first picture is on the screen."""
        # Reading takes the interpreter for itself now and then; before the first picture it would delay that.
        self._browser.focus()
        self.call_after_refresh(lambda: self.run_worker(self._read(), group="read"))

    async def on_unmount(self) -> None:
        """Leave no process and no thread behind, however the app ends."""
        self._service.close()
        await self._bench.close()

    def on_descendant_focus(self, _: events.DescendantFocus) -> None:
        """Show which side has the focus."""
        for side in self.query("#side, #main"):
            side.set_class(side.has_focus_within, "-active")

    # reading the graph

    async def _read(self) -> None:
        try:
            info, catalogue = await self._service.open()
        except ExplorerError as error:
            self.load_error = error
            self.query_one("#body").display = False
            self.query_one("#failure", FailurePanel).show_error(error)
            self._offer()
        else:
            self._fill(info, catalogue)

    def _tell_reading(self, step: Step) -> None:
        for line in self.query("#side-name").results(Static):  # none while the app ends
            # How far it is comes first, because of a long line a narrow screen shows the beginning.
            line.update(f"{step.amount}: {step.doing}…" if step.amount else f"{step.doing}…")

    def _fill(self, info: GraphInfo, catalogue: Catalogue) -> None:
        self.title = f"explorer · timm {info.timm_version}"
        self.query_one("#title", Static).update(self.title)
        models = catalogue.counts[NodeKind.MODEL]
        self.query_one("#side-name", Static).update(f"{len(catalogue.families)} families · {models:,} models")
        self._browser.show_catalogue(catalogue)
        self._pane.welcome(info, catalogue)
        self.query_one(Finder).open()
        self._offer()
        if info.problems:
            count = f"{len(info.problems)} file{'' if len(info.problems) == 1 else 's'}"
            files = ", ".join(problem.file for problem in info.problems[:5])
            self.notify(
                f"{count} of timm could not be read and left out: {files}",
                severity="warning",
                markup=False,
                timeout=10,
            )

    # going from node to node

    @property
    def _pane(self) -> NodePane:
        return self.query_one(NodePane)

    @property
    def _browser(self) -> Browser:
        return self.query_one(Browser)

    def action_go_to(self, node_id: str) -> None:
        """Show a node, in the tree too where it stands there; Back returns."""
        if self._wanted_id and self._wanted_id != node_id:
            self._jumped_from.append(self._wanted_id)
        self._show(node_id)
        self._browser.reveal_node(node_id)

    def action_go_back(self) -> None:
        """Show what was shown before the last jump."""
        if self._jumped_from:
            node_id = self._jumped_from.pop()
            self._show(node_id)
            self._browser.reveal_node(node_id)

    def _show(self, node_id: str) -> None:
        """Show a node where it is not shown already."""
        if node_id != self._wanted_id:
            self._wanted_id = node_id
            self._begin(partial(self._fetch, node_id), group="page")

    def _begin(self, fetch: Callable[[], Awaitable[None]], group: str) -> None:
        # Of a key held down only the last node is worth fetching: an exclusive worker cancels the one before it.
        self.run_worker(self._guarded(fetch), group=group, exclusive=True)

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[TreeRow]) -> None:
        """The details follow the cursor."""
        row = event.node.data
        if row is not None and row.node_id is not None:
            self._show(row.node_id)

    def on_fitted_tree_chosen(self, event: FittedTree.Chosen) -> None:
        """Enter: from the tree into the details, in a call path to what it names."""
        if event.tree is self._browser:
            self._pane.focus_content()
        elif event.row.node_id is not None:
            self.action_go_to(event.row.node_id)

    def on_finder_found(self, event: Finder.Found) -> None:
        """A hit: show it."""
        self.action_go_to(event.node.id)
        in_tree = event.node.kind in (NodeKind.MODEL, NodeKind.WEIGHTS, NodeKind.ALIAS)
        self._browser.focus() if in_tree else self._pane.focus_content()

    def on_finder_closed(self) -> None:
        """Done with searching."""
        self._browser.focus()

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        """Fetch what the tab shows."""
        self._begin(self._fetch_path, group="path")

    async def _guarded(self, fetch: Callable[[], Awaitable[None]]) -> None:
        """What cannot be shown is said, and the rest goes on."""
        try:
            await fetch()
        except ExplorerError as error:
            self.notify(error.message, title=error.hint, severity="error", markup=False)

    async def _fetch(self, node_id: str) -> None:
        page = await self._service.page(node_id)
        if page is None:
            return
        self._page = page
        self._pane.show_page(page)
        self._offer()
        await self._fetch_path()

    async def _fetch_path(self) -> None:
        """Work out the call path if its tab is open and shows another one."""
        if self._pane.active != CALLS or self._page is None or self._page.node_id == self._path_shown:
            return
        path = await self._service.call_path(self._page.node_id)
        if path is not None:
            self._path_shown = path.node_id
            self._pane.calls.show_path(path)

    # keys

    def action_search(self) -> None:
        """Go to the search line."""
        self.query_one(Finder).begin()

    def action_open_tab(self, tab: str) -> None:
        """Open a tab of the right-hand side."""
        self._pane.open_tab(tab)

    def action_open_source(self) -> None:
        """Open the source of what is shown, in the browser."""
        if self._page is not None and self._page.source_url:
            self.action_open_page(self._page.source_url)

    def action_open_page(self, url: str) -> None:
        """Open a web page, in the browser."""
        self.open_url(url)
        self.notify(url, title="Opened in the browser", markup=False)

    def action_copy_name(self) -> None:
        """Copy the name of what is shown."""
        if self._page is not None:
            self.copy_to_clipboard(self._page.title)
            self.notify(f"Copied {self._page.title}", markup=False)

    def action_leave(self) -> None:
        """Cancel the benchmark that is looked at, or else return to the tree."""
        if self._bench.running and self._pane.active == BENCH:
            self.run_worker(self._bench.cancel(), group="cancel")
        else:
            self._browser.focus()

    def action_help(self) -> None:
        """List the keys."""
        self.push_screen(HelpScreen())

    async def action_quit(self) -> None:
        """End the worker, then the app."""
        await self._bench.close()
        self.exit()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done now."""
        match action:
            case "search":
                return self._service.is_open and not isinstance(self.focused, SearchLine)
            case "bench":
                return self.load_error is None
            case "cancel_bench":
                return self._bench.running is not None
            case "go_back":
                return bool(self._jumped_from)
            case "open_source":
                return self._page is not None and self._page.source_url is not None
        return True

    def _offer(self) -> None:
        """Draw the footer anew if other keys can be used now."""
        # Textual makes every key of the footer anew, which costs more than most of what the keys do.
        offered = [self.check_action(action, ()) for action in ("bench", "cancel_bench", "go_back", "open_source")]
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    # benchmarks

    def action_bench(self) -> None:
        """Measure the model that is shown."""
        if self._bench.running:
            self.notify(f"{self._bench.running.model} is being measured; c cancels it.", markup=False)
        elif self._page is None or self._page.bench is None:
            self.notify("Choose a model first: this is none.", markup=False)
        else:
            self._pane.open_tab(BENCH)
            run = self._bench.begin(self._page.bench)
            self.run_worker(self._bench.measure(run), group="bench")

    def action_cancel_bench(self) -> None:
        """End the benchmark under way."""
        self.run_worker(self._bench.cancel(), group="cancel")

    def _bench_changed(self, run: BenchRun) -> None:
        self._pane.bench.show_run(self._bench.runs, run)
        self._offer()


def run_app(timm: Path | None = None, extras: Sequence[Extra] = ()) -> None:
    """Run the app in this terminal until the user quits.

    Args:
        timm: a folder, wheel or sdist of timm; the installed package when ``None``.
        extras: source of the user's own that registers models into it.

    Raises:
        ExplorerError: there was no graph to show; the app has shown the same error.
        SystemExit: the app itself broke.
    """
    app = ExplorerApp(partial(load_whole, timm, extras), extras=extras)
    app.run()
    if app.load_error:
        raise app.load_error
    if app.return_code:
        raise SystemExit(app.return_code)
