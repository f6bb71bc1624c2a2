"""Everything that a key does, in one table: bindings, footer and the page of help are made of it.

A table a place of focus, because one key does several things: Escape leaves the search line, closes the help, and
elsewhere goes back to the tree.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from explorer.tui.styling import two_columns


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do.

    Attributes:
        name: the ``action_`` method that does it, with its arguments, as Textual parses it.
        keys: by Textual's names of them.
        title: what the footer calls it.
        help: a line on what it does; the title where that says it all.
        in_footer: whether the footer offers it when it can be done.
    """

    name: str
    keys: tuple[str, ...]
    title: str
    help: str = ""
    in_footer: bool = False

    @property
    def shown_keys(self) -> str:
        """The keys as they are written on a keyboard."""
        return " ".join(_KEYCAPS.get(key, key) for key in self.keys)


_KEYCAPS = {
    "backspace": "⌫",
    "ctrl+p": "Ctrl+P",
    "down": "↓",
    "end": "End",
    "enter": "Enter",
    "escape": "Esc",
    "home": "Home",
    "left": "←",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "question_mark": "?",
    "right": "→",
    "shift+tab": "Shift+Tab",
    "slash": "/",
    "space": "Space",
    "tab": "Tab",
    "up": "↑",
}

EVERYWHERE = (
    Action("search", ("slash",), "Search", "Search models, classes, functions, modules", in_footer=True),
    Action("bench", ("b",), "Benchmark", "Benchmark the model that is shown", in_footer=True),
    Action("cancel_bench", ("c",), "Cancel", "Cancel the benchmark", in_footer=True),
    Action("open_tab('tab-details')", ("1",), "Details", "Details tab"),
    Action("open_tab('tab-calls')", ("2",), "Call path", "Call path tab"),
    Action("open_tab('tab-bench')", ("3",), "Benchmark", "Benchmark tab"),
    Action("app.focus_next", ("tab",), "Next pane"),
    Action("app.focus_previous", ("shift+tab",), "Previous pane"),
    Action("open_source", ("o",), "Source", "Open the source on the web", in_footer=True),
    Action("copy_name", ("y",), "Copy", "Copy the name"),
    Action("go_back", ("backspace",), "Back", "Back to what was shown before", in_footer=True),
    Action("leave", ("escape",), "Leave", "To the tree; in the Benchmark tab, cancel it"),
    Action("command_palette", ("ctrl+p",), "Palette", "Themes and commands"),
    Action("help", ("question_mark",), "Help", "This list", in_footer=True),
    Action("quit", ("q",), "Quit", "Quit; a benchmark under way is ended", in_footer=True),
)

IN_TREE = (
    Action("cursor_down", ("j", "down"), "Down"),
    Action("cursor_up", ("k", "up"), "Up"),
    Action("open_branch", ("l", "right"), "Open the branch"),
    Action("close_branch", ("h", "left"), "Close the branch, or go to its parent"),
    Action("toggle_node", ("space",), "Open or close the branch"),
    Action("choose", ("enter",), "Go to it"),
    Action("scroll_home", ("g", "home"), "First line"),
    Action("scroll_end", ("G", "end"), "Last line"),
    Action("page_up", ("pageup",), "A page up"),
    Action("page_down", ("pagedown",), "A page down"),
)

IN_SEARCH = (
    Action("move(1)", ("down",), "Down", "Next hit", in_footer=True),
    Action("move(-1)", ("up",), "Up", "Previous hit", in_footer=True),
    Action("submit", ("enter",), "Go", "Go to the hit", in_footer=True),
    Action("leave", ("escape",), "Clear", "Clear, back to the tree", in_footer=True),
)

IN_PAGE = (
    Action("scroll_down", ("j", "down"), "Down"),
    Action("scroll_up", ("k", "up"), "Up"),
    Action("scroll_home", ("g", "home"), "Top"),
    Action("scroll_end", ("G", "end"), "Bottom"),
)

IN_RUNS = (
    Action("cursor_down", ("j", "down"), "Down"),
    Action("cursor_up", ("k", "up"), "Up"),
)

IN_HELP = (
    Action("dismiss", ("escape", "question_mark", "q", "enter"), "Close"),
    Action("scroll(1)", ("j", "down"), "Down"),
    Action("scroll(-1)", ("k", "up"), "Up"),
)

HELP = (("Everywhere", EVERYWHERE), ("In a tree", IN_TREE), ("In the search line", IN_SEARCH))
"""The headings of the page of help, and what stands under each. Pages and runs move as a tree does."""


def bindings(actions: Iterable[Action]) -> list[BindingType]:
    """The actions as Textual binds them, in their order: it is the footer's too."""
    return [
        Binding(
            ",".join(action.keys),
            action.name,
            action.title,
            show=action.in_footer,
            key_display=action.shown_keys,
            tooltip=action.help,
        )
        for action in actions
    ]


def help_lines(actions: Iterable[Action]) -> list[tuple[str, str]]:
    """For each action, its keys and what it does."""
    return [(action.shown_keys, action.help or action.title) for action in actions]


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
                yield Static(two_columns([(Text(k, "bold"), Text(what)) for k, what in lines], key_width))

    def action_scroll(self, by: int) -> None:
        """Move the table by a line."""
        self.query_one("#help", VerticalScroll).scroll_relative(y=by, animate=False)
