"""Text set as a page: all that is known of one node, or why there is no graph to know anything from."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from explorer.errors import ExplorerError
from explorer.plain_text import plain_line, plain_lines
from explorer.tui.actions import IN_PAGE, bindings
from explorer.tui.page import Section, Span, Value
from explorer.tui.styling import foreground, two_columns

_SEPARATOR = ", "
_LEAST_KEY = 12


class Details(VerticalScroll):
    """Draws a :class:`~explorer.tui.page.Page`. Names of other nodes and web addresses can be clicked."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "details--heading",
        "details--key",
        "details--link",
        "details--muted",
        "details--notice",
    }

    BINDINGS: ClassVar[list[BindingType]] = bindings(IN_PAGE)

    _sections: Sequence[Section] = ()
    _notice = ""

    def compose(self) -> ComposeResult:
        """One block of text."""
        yield Static(id="details-text", markup=False)

    def on_mount(self) -> None:
        """Draw again in the new colours when the theme changes."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())

    def show_sections(self, sections: Sequence[Section], notice: str = "") -> None:
        """Replace what is shown, from the top."""
        self._sections, self._notice = sections, notice
        self._draw()
        self.scroll_home(animate=False)

    def _draw(self) -> None:
        self.query_one(Static).update(Group(*self._blocks()))

    def _blocks(self) -> Iterator[RenderableType]:
        if self._notice:
            yield Text(f"{self._notice}\n", self._style("notice"))
        for i, section in enumerate(self._sections):
            if i:
                yield Text()
            yield from self._section(section)

    def _section(self, section: Section) -> Iterator[RenderableType]:
        if section.title:
            yield Text(section.title, self._style("heading"))
        if section.fields:
            yield self._table(section)
        if section.items:
            yield Padding(self._value(section.items), (0, 0, 0, 2))
        if section.text:
            yield Padding(Text(plain_lines(section.text)), (0, 0, 0, 2))
        if section.note:
            yield Padding(Text(section.note, self._style("muted")), (1 if section.fields else 0, 0, 0, 2))

    def _table(self, section: Section) -> RenderableType:
        rows = [(Text(key, self._style("key")), self._value(value)) for key, value in section.fields]
        return Padding(two_columns(rows, _LEAST_KEY), (0, 0, 0, 2 if section.title else 0))

    def _value(self, value: Value) -> Text:
        text = Text(overflow="fold")
        for i, span in enumerate(value):
            text.append(_SEPARATOR if i else "", self._style("muted"))
            text.append(plain_line(span.text), self._span_style(span))
        return text

    def _span_style(self, span: Span) -> Style:
        if span.node_id is not None:
            return self._style("link") + Style(meta={"@click": f"app.go_to({span.node_id!r})"})
        # Terminals open an OSC 8 link by themselves, but where the app takes the mouse they never see the click.
        if span.url is not None:
            return self._style("link") + Style(link=span.url, meta={"@click": f"app.open_page({span.url!r})"})
        return self._style("muted") if span.muted else Style()

    def _style(self, name: str) -> Style:
        return foreground(self, f"details--{name}")


class FailurePanel(Vertical):
    """An error's message and its mend, in a frame."""

    def compose(self) -> ComposeResult:
        """One framed text."""
        yield Static(id="failure-text", markup=False)

    def show_error(self, error: ExplorerError) -> None:
        """Show the error and nothing else."""
        text = Text(error.message, "bold")
        if error.hint:
            text.append(f"\n\n{error.hint}", "not bold")
        text.append("\n\nq leaves.", "dim not bold")
        frame = self.query_one(Static)
        frame.update(text)
        frame.border_title = "timm's source could not be read"
        self.display = True
