"""The list of keys, made from the bindings themselves."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

KeyLine = tuple[str, str]
"""A key as it is written on a keyboard, and what it does."""


def key_lines(bindings: Iterable[BindingType]) -> list[KeyLine]:
    """One line for each thing the bindings do, in their order."""
    lines: dict[str, list[str]] = {}
    for binding in Binding.make_bindings(bindings):
        if binding.description:
            keys = lines.setdefault(binding.tooltip or binding.description, [])
            keys.extend(k for k in [binding.key_display or _key_name(binding.key)] if k not in keys)
    return [(" ".join(keys), what) for what, keys in lines.items()]


def _key_name(key: str) -> str:
    names = {"question_mark": "?", "slash": "/", "escape": "Esc", "space": "Space", "enter": "Enter"}
    names |= {"pageup": "PgUp", "pagedown": "PgDn", "tab": "Tab", "shift+tab": "Shift+Tab", "ctrl+p": "Ctrl+P"}
    return names.get(key, key)


class HelpScreen(ModalScreen[None]):
    """A table of keys over whatever is there; any of its keys closes it.

    Args:
        groups: a heading, and the bindings under it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "Close", key_display="Esc"),
        Binding("j,down", "scroll(1)", "Down", show=False),
        Binding("k,up", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, groups: Sequence[tuple[str, Iterable[BindingType]]]) -> None:
        super().__init__()
        self._groups = [(title, key_lines(bindings)) for title, bindings in groups]

    @property
    def groups(self) -> Sequence[tuple[str, Sequence[KeyLine]]]:
        """What is shown."""
        return self._groups

    def compose(self) -> ComposeResult:
        """One table that scrolls where it has to."""
        with VerticalScroll(id="help") as frame:
            frame.border_title = "Keys"
            frame.border_subtitle = "Esc closes"
            for title, lines in self._groups:
                yield Static(title, classes="help-heading", markup=False)
                yield Static(self._table(lines), markup=False)

    def action_scroll(self, by: int) -> None:
        """Move the table by a line."""
        self.query_one("#help", VerticalScroll).scroll_relative(y=by, animate=False)

    def _table(self, lines: Sequence[KeyLine]) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=max(len(key) for _, group in self._groups for key, _ in group), no_wrap=True)
        table.add_column()
        for key, what in lines:
            table.add_row(Text(key, "bold"), Text(what))
        return table
