from explorer.tui.widgets.fitted_tree import FittedTree
from tests.tui.driving import browser, go_to, made, named, ready, row_name, seen, until


async def test_back_returns_through_every_jump_with_the_tree_beside_it() -> None:
    app = made()
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        for name in ("toy_small", "toy_large", "toy_old"):
            await go_to(pilot, name)
        for name in ("toy_large", "toy_small"):
            await pilot.press("backspace")
            await until(pilot, lambda name=name: named(pilot).startswith(name))
            await until(pilot, lambda name=name: row_name(pilot) == name)
        assert app.check_action("go_back", ()) is False
        await pilot.press("backspace")
        assert named(pilot).startswith("toy_small")


async def test_walking_the_tree_is_no_jump() -> None:
    app = made()
    async with app.run_test() as pilot:
        await ready(pilot)
        await pilot.press("down", "l", "down", "down")
        await until(pilot, lambda: named(pilot).startswith("toy_small"))
        assert app.check_action("go_back", ()) is False


async def test_a_jump_to_the_same_place_is_none() -> None:
    app = made()
    async with app.run_test() as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        await go_to(pilot, "toy_small")
        assert app.check_action("go_back", ()) is False


async def test_what_is_not_in_the_tree_leaves_its_cursor_alone() -> None:
    async with made().run_test() as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_large")
        pilot.app.action_go_to("timm.models.toy:Toy")  # type: ignore[attr-defined]
        await until(pilot, lambda: named(pilot).startswith("Toy  class"))
        assert row_name(pilot) == "toy_large"


async def test_the_call_path_is_fetched_when_its_tab_is_looked_at() -> None:
    async with made().run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        assert not pilot.app.query_one("#calls-tree", FittedTree).root.children
        await pilot.press("2")
        await seen(pilot, "create_model → toy_small")
        browser(pilot).focus()
        await go_to(pilot, "toy_large")
        await seen(pilot, "create_model → toy_large")
