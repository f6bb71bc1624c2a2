from textual.app import App, ComposeResult

from explorer.graph import NodeKind
from explorer.tui.widgets.fitted_tree import CHUNK, FittedTree, TreeRow


class TreeApp(App[None]):
    """One tree, and what was chosen in it."""

    def __init__(self, rows: list[TreeRow], *, flush_notes: bool = False) -> None:
        super().__init__()
        self.rows = rows
        self.shown = FittedTree(flush_notes=flush_notes)
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.shown

    def on_mount(self) -> None:
        self.shown.show_rows(self.rows)
        self.shown.focus()

    def on_fitted_tree_chosen(self, event: FittedTree.Chosen) -> None:
        self.chosen.append(event.row.name)

    def lines(self) -> list[str]:
        """What the tree draws, without guides."""
        drawn = []
        for line in range(self.shown.last_line + 1):
            node = self.shown.get_node_at_line(line)
            assert node is not None
            drawn.append(self.shown.render_label(node, self.shown.rich_style, self.shown.rich_style).plain.rstrip())
        return drawn


def branch(name: str, *below: TreeRow, note: str = "", is_open: bool = False, node_id: str | None = None) -> TreeRow:
    return TreeRow(name, note, node_id, below=lambda: below, is_open=is_open)


async def test_branches_are_filled_when_they_are_opened() -> None:
    asked: list[str] = []

    def below() -> list[TreeRow]:
        asked.append("below")
        return [TreeRow("leaf", node_id="leaf")]

    app = TreeApp([TreeRow("branch", node_id="branch", below=below)])
    async with app.run_test() as pilot:
        assert app.lines() == ["▸ branch"]
        assert not asked
        await pilot.press("down", "right")
        assert app.lines() == ["▾ branch", "  leaf"]
        await pilot.press("right", "left", "left", "right")
        assert app.lines() == ["▾ branch", "  leaf"]
        assert asked == ["below"]


async def test_rows_that_are_open_come_open() -> None:
    app = TreeApp([branch("a", branch("b", TreeRow("c"), is_open=True), is_open=True)])
    async with app.run_test():
        assert app.lines() == ["▾ a", "▾ b", "  c"]


async def test_enter_chooses_a_node_and_opens_what_stands_for_none() -> None:
    app = TreeApp([branch("group", TreeRow("node", node_id="x"))])
    async with app.run_test() as pilot:
        await pilot.press("down", "enter")
        assert app.lines() == ["▾ group", "  node"]
        assert not app.chosen
        await pilot.press("down", "enter")
        await pilot.pause()
        assert app.chosen == ["node"]


async def test_a_long_branch_is_added_in_pieces_and_enter_adds_the_next() -> None:
    app = TreeApp([TreeRow(f"row {i}") for i in range(2 * CHUNK + 5)])
    async with app.run_test(size=(80, 24)) as pilot:
        assert len(app.lines()) == CHUNK + 1
        assert app.lines()[-1].strip() == f"… {CHUNK + 5} more"
        await pilot.press("end", "enter")
        assert len(app.lines()) == 2 * CHUNK + 1
        assert app.shown.cursor_line == CHUNK
        await pilot.press("end", "enter")
        assert app.lines()[-1].strip() == f"row {2 * CHUNK + 4}"


async def test_no_line_is_wider_than_the_tree_and_a_name_loses_its_middle_last() -> None:
    long = "vit_huge_patch14_clip_quickgelu_378"
    rows = [TreeRow(long, "a remark of some length", "x", NodeKind.MODEL, mark="→"), branch(long, note="12 weights")]
    for width in (20, 30, 45, 60, 100):
        app = TreeApp(rows, flush_notes=True)
        async with app.run_test(size=(width, 10)) as pilot:
            await pilot.pause()
            lines = app.lines()
            assert all(len(line) <= width for line in lines)
            assert app.shown.virtual_size.width <= width
            assert ("a remark of some length" in lines[0]) == (width >= 100)
            assert (long in lines[0]) == (width >= 45)
            # A count is more than decoration: it keeps its number where the words have no room.
            assert "12" in lines[1]
            assert lines[1].startswith("▸ vit_")


async def test_a_new_tree_has_no_cursor_from_the_old_one() -> None:
    app = TreeApp([TreeRow("a", node_id="a"), TreeRow("b", node_id="b")])
    async with app.run_test() as pilot:
        await pilot.press("down", "down")
        assert app.shown.cursor_line == 1
        app.shown.show_rows([TreeRow("c", node_id="c"), TreeRow("d", node_id="d")])
        assert app.shown.cursor_line == -1


async def test_a_click_on_the_arrow_opens_and_on_the_name_does_not() -> None:
    app = TreeApp([branch("branch", TreeRow("leaf"), node_id="x")])
    async with app.run_test() as pilot:
        await pilot.click(FittedTree, offset=(5, 0))
        assert app.lines() == ["▸ branch"]
        await pilot.click(FittedTree, offset=(0, 0))
        assert app.lines() == ["▾ branch", "  leaf"]
