from textual.binding import Binding
from textual.widgets import Static

from explorer.tui.actions import Action, HelpScreen, help_lines
from explorer.tui.app import ExplorerApp
from explorer.tui.widgets.finder import SearchLine
from explorer.tui.widgets.fitted_tree import FittedTree

from .driving import SIZES, browser, made, ready, screen, seen, until


async def test_help_lists_every_binding_and_closes() -> None:
    async with made().run_test(size=SIZES[1]) as pilot:
        await ready(pilot)
        await pilot.press("question_mark")
        await seen(pilot, "Keys", "Everywhere")
        text = screen(pilot)
        for bindings in (ExplorerApp.BINDINGS, FittedTree.BINDINGS, SearchLine.BINDINGS):
            for binding in Binding.make_bindings(bindings):
                assert (binding.tooltip or binding.description) in text
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, HelpScreen))
        assert browser(pilot).has_focus


async def test_help_scrolls_where_there_is_little_room() -> None:
    async with made().run_test(size=SIZES[0]) as pilot:
        await pilot.press("question_mark")
        await seen(pilot, "Everywhere")
        assert "In the search line" not in screen(pilot)
        await pilot.press(*["j"] * 30)
        await seen(pilot, "In the search line")
        await pilot.press("question_mark")
        await until(pilot, lambda: not pilot.app.screen.query("#help Static").results(Static) or pilot.app.screen.id)


def test_keys_of_one_action_share_a_line() -> None:
    actions = [Action("down", ("j", "down"), "Down"), Action("quit", ("q",), "Quit", "Quit, and end the worker")]
    assert help_lines(actions) == [("j ↓", "Down"), ("q", "Quit, and end the worker")]
