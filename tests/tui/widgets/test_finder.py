import pytest

from tests.tui.driving import SIZES, browser, made, named, ready, row_name, screen, seen, type_text, until


@pytest.mark.parametrize("size", SIZES)
async def test_search_finds_and_jumps(size: tuple[int, int]) -> None:
    async with made().run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("slash")
        await type_text(pilot, "toy_sm")
        await seen(pilot, "models/toy.py:70", "weights", "of toy_small")
        await pilot.press("enter")
        await until(pilot, lambda: named(pilot).startswith("toy_small  model"))
        assert row_name(pilot) == "toy_small"
        assert browser(pilot).has_focus
        assert "of toy_small" not in screen(pilot)


async def test_search_moves_with_the_arrows_and_leaves_with_escape() -> None:
    async with made().run_test() as pilot:
        await ready(pilot)
        await pilot.press("slash")
        await type_text(pilot, "toy_small.")
        await seen(pilot, "toy_small.b_in1k")
        await pilot.press("down", "enter")
        await until(pilot, lambda: "weights" in named(pilot))
        await pilot.press("slash", "x", "escape")
        assert browser(pilot).has_focus
        assert pilot.app.query_one("#search").value == ""


async def test_search_says_when_nothing_is_found() -> None:
    async with made().run_test() as pilot:
        await ready(pilot)
        await pilot.press("slash", *"qqqqqqq")
        await seen(pilot, "Nothing in timm is like “qqqqqqq”.")
        await pilot.press("enter", "down")
