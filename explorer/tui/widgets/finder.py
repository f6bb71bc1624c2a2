"""The search line and the list of what it found."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from explorer.graph import Node, NodeKind
from explorer.graph.fuzzy import Hit
from explorer.plain_text import plain_line
from explorer.queries.node_data import AliasData, WeightsData, home_of
from explorer.tui.actions import IN_SEARCH, bindings
from explorer.tui.styling import end_cut, foreground, ink, middle_cut, start_cut

_DELAY_SECONDS = 0.12
"""From the last key to the search: one who types on is not to wait for the answers to each letter."""
_PLACEHOLDER = "/ to search models, weights, classes, functions, modules"
_KIND_WIDTH = 9
_MOST_NAME = 64


class SearchLine(Input):
    """Where the text to look for is typed; the arrows move through what was found."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(IN_SEARCH)

    def action_move(self, by: int) -> None:
        """Move through the hits."""
        self.query_ancestor(Finder).query_one(Hits).move(by)

    def action_leave(self) -> None:
        """Give up the focus."""
        self.query_ancestor(Finder).close()


class Hits(OptionList, can_focus=False):
    """Hits, one a line: name, kind, place."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"hits--muted"}

    _hits: Sequence[Hit] = ()
    wanted = ""

    def show_hits(self, wanted: str, hits: Sequence[Hit]) -> None:
        """Replace the list; the best hit is highlighted."""
        self._hits, self.wanted = hits, wanted
        self._draw()
        self.highlighted = 0 if hits else None
        self.display = True

    def node(self) -> Node | None:
        """The node of the highlighted line."""
        index = self.highlighted
        return self._hits[index].node if index is not None and index < len(self._hits) else None

    def move(self, by: int) -> None:
        """Move the highlight, stopping at the ends."""
        if self._hits:
            self.highlighted = min(max((self.highlighted or 0) + by, 0), len(self._hits) - 1)

    def on_resize(self, _: events.Resize) -> None:
        """Set the columns anew."""
        if self._hits:
            kept = self.highlighted
            self._draw()
            self.highlighted = kept

    def _draw(self) -> None:
        self.clear_options()
        width = max(20, self.app.size.width - 4)
        if not self._hits:
            text = end_cut(f"Nothing in timm is like “{self.wanted}”.", width)
            self.add_option(Option(Text(text, self._muted()), disabled=True))
        names = min(_MOST_NAME, max((len(plain_line(hit.node.name)) for hit in self._hits), default=0))
        names = min(names, max(10, width - _KIND_WIDTH - 24))
        self.add_options([Option(self._line(hit.node, names, width)) for hit in self._hits])

    def _line(self, node: Node, names: int, width: int) -> Text:
        kind = Style(color=ink(node.kind, self.app.current_theme.dark))
        text = Text(no_wrap=True, end="")
        text.append(f"{middle_cut(node.name or node.id, names):<{names}}  ")
        text.append(f"{node.kind:<{_KIND_WIDTH}}", kind)
        text.append(f" {start_cut(_where(node), width - names - _KIND_WIDTH - 4)}", self._muted())
        return text

    def _muted(self) -> Style:
        return foreground(self, "hits--muted")


class Finder(Vertical):
    """A line to type in, and a list of hits that drops down over the panes."""

    class Found(Message):
        """A hit was chosen."""

        def __init__(self, node: Node) -> None:
            super().__init__()
            self.node = node

    class Closed(Message):
        """The user is done with searching."""

    def __init__(self, search: Callable[[str], Awaitable[Sequence[Hit]]], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._search = search
        self._line = SearchLine(placeholder=_PLACEHOLDER, id="search", compact=True, disabled=True)
        self._hits = Hits(id="hits", markup=False)
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The line, and the list below it."""
        yield self._line
        yield self._hits

    def open(self) -> None:
        """Let the user type."""
        self._line.disabled = False

    def begin(self) -> None:
        """Give the line the focus."""
        self._line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search a moment after the last key."""
        event.stop()
        self._stop_waiting()
        self._timer = self.set_timer(_DELAY_SECONDS, self._begin_search)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: the highlighted hit, or that of a search for what stands there now."""
        event.stop()
        self._stop_waiting()
        if self._hits.wanted == event.value and self._hits.display:
            self._choose()
        elif event.value.strip():
            self.run_worker(self._find(event.value, choose=True), group="search", exclusive=True)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click on a hit."""
        event.stop()
        self._choose()

    def close(self) -> None:
        """Done with searching."""
        self.clear()
        self.post_message(self.Closed())

    def clear(self) -> None:
        """Empty the line and put the list away."""
        self._stop_waiting()
        self.workers.cancel_group(self, "search")
        self._line.value = ""
        self._hits.display = False

    def _stop_waiting(self) -> None:
        """A search that is still to begin would call off the one under way."""
        if self._timer is not None:
            self._timer.stop()

    def _begin_search(self) -> None:
        text = self._line.value
        if text.strip():
            self.run_worker(self._find(text, choose=False), group="search", exclusive=True)
        else:
            self._hits.display = False

    async def _find(self, text: str, choose: bool) -> None:
        hits = await self._search(text)
        # The line may have been cleared or typed into while the answer was looked for.
        if self._line.value == text:
            self._hits.show_hits(text, hits)
            if choose:
                self._choose()

    def _choose(self) -> None:
        node = self._hits.node()
        if node is not None:
            self.clear()
            self.post_message(self.Found(node))


def _where(node: Node) -> str:
    if node.kind is NodeKind.WEIGHTS:
        return f"of {WeightsData.of(node).architecture}"
    if node.kind is NodeKind.ALIAS:
        replaced_by = AliasData.of(node).replaced_by
        return f"now {replaced_by}" if replaced_by else "removed"
    if node.file:
        return f"{node.file}:{node.line}"
    return home_of(node)
