"""A tree whose lines always fit its width, and whose branches are filled when they are opened."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from explorer.graph import NodeKind
from explorer.tui.actions import IN_TREE, bindings
from explorer.tui.styling import foreground, ink, middle_cut

CHUNK = 200
"""How many children are added to a branch at a time: so many keep the event loop for some ten milliseconds."""

_NARROW = 48
"""In a tree of fewer columns than this each level is indented by two, not three."""


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A line of the tree: a mark, a name that is cut last, and a note at the side that goes first.

    ``below`` gives the rows under it when it is first opened. ``about`` is a sentence for a status line.
    """

    name: str
    note: str = ""
    node_id: str | None = None
    kind: NodeKind | None = None
    mark: str = ""
    below: Callable[[], Sequence["TreeRow"]] | None = None
    is_open: bool = False
    is_muted: bool = False
    about: str = ""


class FittedTree(Tree[TreeRow]):
    """A tree of :class:`TreeRow` without a root line. Long names lose their middle, where timm's names say least."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"row--muted"}

    BINDINGS: ClassVar[list[BindingType]] = bindings(IN_TREE)

    class Chosen(Message):
        """Enter was pressed on a row that stands for a node."""

        def __init__(self, tree: "FittedTree", row: TreeRow) -> None:
            super().__init__()
            self.tree = tree
            self.row = row

    def __init__(self, *, flush_notes: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(".", id=id)
        self.show_root = False
        # A click on a name or Enter is to show the node, and only a click on its arrow to open it.
        self.auto_expand = False
        self.guide_depth = 2
        self._flush_notes = flush_notes

    # content

    def show_rows(self, rows: Sequence[TreeRow]) -> None:
        """Replace everything."""
        self.clear()
        self.root.expand()
        self._add(self.root, rows)
        # Textual's clear() keeps the cursor's line number: it would stand on a row of the new tree that nobody chose.
        self.unselect()
        self.scroll_home(animate=False)

    def fill(self, node: TreeNode[TreeRow]) -> None:
        """Add the rows below a node if they are not there yet."""
        if node.data is not None and node.data.below and not node.children:
            self._add(node, node.data.below())

    def go_to(self, node: TreeNode[TreeRow]) -> None:
        """Open the branches above a node and put the cursor on it."""
        parent = node.parent
        while parent is not None:
            parent.expand()
            parent = parent.parent
        # The cursor is a line number, and lines are numbered when they are next counted: asking for the last one does.
        if self.last_line >= 0:
            self.move_cursor(node)

    def _add(self, parent: TreeNode[TreeRow], rows: Sequence[TreeRow]) -> None:
        for row in rows[:CHUNK]:
            node = parent.add(Text(row.name or "?"), row, allow_expand=row.below is not None)
            if row.is_open:
                self.fill(node)
                node.expand()
        rest = rows[CHUNK:]
        if rest:
            parent.add_leaf(Text("…"), TreeRow(f"… {len(rest):,} more", below=lambda: rest, is_muted=True))

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[TreeRow]) -> None:
        """Fill a branch when it is opened."""
        self.fill(event.node)

    # keys

    def action_open_branch(self) -> None:
        """Open the branch under the cursor, or step into an open one."""
        node = self.cursor_node
        if node is None or not node.allow_expand:
            return
        if node.is_expanded:
            self.action_cursor_down()
        else:
            self.fill(node)
            node.expand()

    def action_close_branch(self) -> None:
        """Close the branch under the cursor, or go to the one it is in."""
        node = self.cursor_node
        if node is None:
            return
        if node.allow_expand and node.is_expanded:
            node.collapse()
        elif node.parent is not None and node.parent is not self.root:
            self.move_cursor(node.parent)

    def action_choose(self) -> None:
        """Go to the node under the cursor, or open what stands for no node."""
        node = self.cursor_node
        if node is None or node.data is None:
            return
        if node.data.below and not node.allow_expand:
            self._add_more(node, node.data)
        elif node.data.node_id is None:
            self.action_toggle_node()
        else:
            self.post_message(self.Chosen(self, node.data))

    def on_tree_node_selected(self, event: Tree.NodeSelected[TreeRow]) -> None:
        """A click on a group opens it; on a node it only moves the cursor there."""
        row = event.node.data
        if row is not None and row.node_id is None:
            self.action_choose()

    def _add_more(self, node: TreeNode[TreeRow], row: TreeRow) -> None:
        parent = node.parent
        if parent is None or row.below is None:
            return
        line = self.cursor_line
        node.remove()
        self._add(parent, row.below())
        if self.last_line >= 0:
            self.move_cursor_to_line(line)

    # looks

    def on_resize(self, event: events.Resize) -> None:
        """Indent less where there is little room."""
        self.guide_depth = 2 if event.size.width < _NARROW else 3

    def get_label_width(self, node: TreeNode[TreeRow]) -> int:
        """Every line fits, so none makes the tree wider than it is."""
        # Textual takes the widest of all lines for the tree's width, and would draw each of them to find it.
        return 1

    def render_label(self, node: TreeNode[TreeRow], base_style: Style, style: Style) -> Text:
        """The row in the room that its depth leaves."""
        row = node.data
        if row is None:
            return super().render_label(node, base_style, style)
        # A click on a letter with this mark opens the branch; Textual 8 has no public name for it.
        toggle = Style(meta={"toggle": True}) if node.allow_expand else Style()
        arrow = ("▾ " if node.is_expanded else "▸ ") if node.allow_expand else "  "
        width = max(4, self.scrollable_content_region.width - self._indent(node) - len(arrow) - 1)
        # The line with the cursor has colours of its own, on which a muted one could not be read.
        muted = Style() if node is self.cursor_node else foreground(self, "row--muted")
        text = Text(style=base_style, no_wrap=True).append(arrow, muted + toggle)
        return text.append_text(self._fitted(row, width, style, muted))

    def _indent(self, node: TreeNode[TreeRow]) -> int:
        depth = -1
        parent = node.parent
        while parent is not None:
            depth, parent = depth + 1, parent.parent
        return max(0, depth) * self.guide_depth

    def _fitted(self, row: TreeRow, width: int, style: Style, muted: Style) -> Text:
        mark = f"{row.mark} " if row.mark else ""
        room = width - len(mark)
        note = row.note if len(row.name) + 2 + len(row.note) <= room else self._short_note(row, room)
        name = middle_cut(row.name, room - (len(note) + 2 if note else 0))
        gap = room - len(name) - len(note) if self._flush_notes else 2
        text = Text(no_wrap=True)
        text.append(mark, style + self._mark_style(row, muted))
        text.append(name, style + muted if row.is_muted else style)
        if note:
            text.append(" " * gap, style)
            text.append(note, style + muted)
        return text

    def _short_note(self, row: TreeRow, room: int) -> str:
        """What the name leaves of the note; a count keeps its place before the name, a remark does not."""
        if self._flush_notes and row.below is not None:
            return row.note.partition(" ")[0]
        left = room - len(row.name) - 2
        return row.note[: left - 1] + "…" if left >= 6 else ""

    def _mark_style(self, row: TreeRow, muted: Style) -> Style:
        return Style(color=ink(row.kind, self.app.current_theme.dark)) if row.kind and muted else Style()
