from explorer.tui.widgets.fitted_tree import FittedTree
from tests.tui.driving import go_to, made, named, ready, seen, until


async def test_the_call_path_leads_to_code_and_back() -> None:
    async with made().run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        await pilot.press("2")
        await seen(pilot, "create_model → toy_small", "⇢ toy_small", "✓", "→ Toy")
        tree = pilot.app.query_one("#calls-tree", FittedTree)
        tree.focus()
        await pilot.press("down", "down", "down")
        await seen(pilot, "calls · static · models/toy.py:71")
        await pilot.press("enter")
        await until(pilot, lambda: named(pilot).startswith("Toy.__init__  function"))
        await seen(pilot, "Called by")
        await pilot.press("backspace")
        await until(pilot, lambda: named(pilot).startswith("toy_small"))
