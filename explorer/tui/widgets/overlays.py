"""What stands over the panes, or in their place: the page of help, and why there is no graph."""

from collections.abc import Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from explorer.errors import ExplorerError
from explorer.tui.actions import HELP, IN_HELP, bindings, help_lines


class HelpScreen(ModalScreen[None]):
    """A table of keys over whatever is there; any of its keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(IN_HELP)

    def compose(self) -> ComposeResult:
        """A table under each heading, all in one frame that scrolls where it has to."""
        groups = [(title, help_lines(actions)) for title, actions in HELP]
        key_width = max(len(keys) for _, lines in groups for keys, _ in lines)
        with VerticalScroll(id="help") as frame:
            frame.border_title = "Keys"
            frame.border_subtitle = "Esc closes"
            for title, lines in groups:
                yield Static(title, classes="help-heading", markup=False)
                yield Static(_key_table(lines, key_width), markup=False)

    def action_scroll(self, by: int) -> None:
        """Move the table by a line."""
        self.query_one("#help", VerticalScroll).scroll_relative(y=by, animate=False)


def _key_table(lines: Sequence[tuple[str, str]], key_width: int) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=key_width, no_wrap=True)
    table.add_column()
    for keys, what in lines:
        table.add_row(Text(keys, "bold"), Text(what))
    return table


class FailurePanel(Vertical):
    """An error's message and its mend, in a frame."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._text = Static(id="failure-text", markup=False)

    def compose(self) -> ComposeResult:
        """One framed text."""
        yield self._text

    def show_error(self, error: ExplorerError) -> None:
        """Show the error and nothing else."""
        text = Text(error.message, "bold")
        if error.hint:
            text.append(f"\n\n{error.hint}", "not bold")
        text.append("\n\nq leaves.", "dim not bold")
        self._text.update(text)
        self._text.border_title = "timm's source could not be read"
        self.display = True
