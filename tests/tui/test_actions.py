from collections.abc import Sequence

import pytest
from textual.binding import Binding
from textual.widgets import Static

from explorer.tui import actions
from explorer.tui.actions import Action, HelpScreen, help_lines
from explorer.tui.app import ExplorerApp
from explorer.tui.widgets.bench_pane import RunTable
from explorer.tui.widgets.details import Details
from explorer.tui.widgets.finder import SearchLine
from explorer.tui.widgets.fitted_tree import FittedTree
from tests.tui.driving import SIZES, browser, go_to, made, ready, screen, seen, until


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


TABLES: list[tuple[type, Sequence[Action]]] = [
    (ExplorerApp, actions.EVERYWHERE),
    (FittedTree, actions.IN_TREE),
    (SearchLine, actions.IN_SEARCH),
    (Details, actions.IN_PAGE),
    (RunTable, actions.IN_RUNS),
    (HelpScreen, actions.IN_HELP),
]


@pytest.mark.parametrize(("place", "table"), TABLES)
def test_every_action_is_one_that_its_place_can_do(place: type, table: Sequence[Action]) -> None:
    for action in table:
        method = action.name.partition("(")[0].removeprefix("app.")
        assert callable(getattr(ExplorerApp if action.name.startswith("app.") else place, f"action_{method}"))
    keys = [key for action in table for key in action.keys]
    assert len(keys) == len(set(keys))
    assert all(len(key) == 1 for action in table for key in action.shown_keys.split() if key in action.keys)
    assert [binding.action for binding in Binding.make_bindings(place.BINDINGS)] == [  # type: ignore[attr-defined]
        action.name for action in table for _ in action.keys
    ]


@pytest.mark.parametrize("size", SIZES)
async def test_the_footer_offers_what_can_be_done_now(size: tuple[int, int]) -> None:
    async with made().run_test(size=size) as pilot:
        await ready(pilot)
        footer = screen(pilot).splitlines()[-1]
        assert "/ Search" in footer
        assert "c Cancel" not in footer
        assert "⌫ Back" not in footer
        await go_to(pilot, "toy_small")
        await go_to(pilot, "toy_large")
        await until(pilot, lambda: "⌫ Back" in screen(pilot).splitlines()[-1])
        await pilot.press("slash")
        await until(pilot, lambda: "Esc Clear" in screen(pilot).splitlines()[-1])
