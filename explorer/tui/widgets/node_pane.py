"""The right-hand side: the chosen node's name, and its details, call path and benchmarks in tabs."""

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Static, TabbedContent, TabPane

from explorer.graph import GraphInfo
from explorer.queries.model_list import Catalogue
from explorer.tui.page import Page, welcome
from explorer.tui.styling import ink, middle_cut, start_cut
from explorer.tui.widgets.bench_pane import BenchPane
from explorer.tui.widgets.call_path import CallPathView
from explorer.tui.widgets.details import Details

DETAILS, CALLS, BENCH = "tab-details", "tab-calls", "tab-bench"


class NodePane(Vertical):
    """Holds the three views of a node and the line that names it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.details = Details(id="details")
        self.calls = CallPathView(id="calls")
        self.bench = BenchPane(id="bench")
        self._heading = Static("", id="node-name", markup=False)
        self._page: Page | None = None

    def compose(self) -> ComposeResult:
        """The name above the tabs."""
        yield self._heading
        with TabbedContent(initial=DETAILS, id="tabs"):
            with TabPane("Details", id=DETAILS):
                yield self.details
            with TabPane("Call path", id=CALLS):
                yield self.calls
            with TabPane("Benchmark", id=BENCH):
                yield self.bench

    @property
    def active(self) -> str:
        """Which tab is open."""
        return self.query_one("#tabs", TabbedContent).active

    def open_tab(self, tab: str) -> None:
        """Open a tab; the focus follows when it was on another."""
        content = self.query_one("#tabs", TabbedContent)
        had_focus = self.has_focus_within
        content.active = tab
        if had_focus:
            self.call_after_refresh(self.focus_content)

    def focus_content(self) -> None:
        """Give the focus to what the open tab shows."""
        targets: dict[str, Widget] = {
            DETAILS: self.details,
            CALLS: self.calls.tree_view,
            BENCH: self.query_one("#bench-scroll"),
        }
        targets.get(self.active, self.details).focus()

    def show_page(self, page: Page) -> None:
        """Show a node's name and details."""
        self._page = page
        self._draw_name()
        self.details.show_sections(page.sections, page.notice)
        self.bench.offer(page.bench)

    def welcome(self, info: GraphInfo, catalogue: Catalogue) -> None:
        """Say what there is, while nothing is chosen."""
        self._heading.update("timm's models, code and speed")
        self.details.show_sections(welcome(info, catalogue))
        self.calls.show_text("Choose a model, or search for a class or function.")
        self.bench.offer(None)

    def on_mount(self) -> None:
        """Draw again in the new colours when the theme changes."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw_name())

    def on_resize(self, _: events.Resize) -> None:
        """Cut the name anew."""
        self._draw_name()

    def _draw_name(self) -> None:
        page = self._page
        if page is None:
            return
        width = self.size.width - 2
        kind = Style(color=ink(page.kind, self.app.current_theme.dark))
        name = middle_cut(page.title, max(10, width - len(page.kind) - 2))
        text = Text.assemble((name, "bold"), "  ", (str(page.kind), kind), no_wrap=True)
        room = width - text.cell_len - 2
        if page.about and room >= 12:
            text.append(f"  {start_cut(page.about, room)}", "dim")
        self._heading.update(text)
