from tests.tui.driving import browser, made, ready, row_name, screen, seen, until


async def test_models_are_added_when_their_family_is_opened_and_weights_when_their_model_is() -> None:
    async with made().run_test() as pilot:
        await ready(pilot)
        toy = browser(pilot).root.children[0]
        assert not toy.children
        await pilot.press("down", "l")
        await seen(pilot, "toy_small")
        assert [child.data.name for child in toy.children if child.data] == [
            "toy_large",
            "toy_small",
            "deprecated names",
        ]
        await pilot.press("j", "j", "right")
        await seen(pilot, "a_in1k", "default")
        await pilot.press("h", "h", "h")
        assert row_name(pilot) == "toy"
        await until(pilot, lambda: "toy_large" not in screen(pilot))


async def test_a_long_name_loses_its_middle_and_nothing_is_wider_than_the_tree() -> None:
    async with made().run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert browser(pilot).virtual_size.width <= browser(pilot).size.width


async def test_a_node_is_revealed_where_it_stands_with_what_is_above_it_opened() -> None:
    async with made().run_test() as pilot:
        await ready(pilot)
        tree = browser(pilot)
        for node_id, name in (
            ("weights:toy_small.b_in1k", "b_in1k"),
            ("alias:toy_old", "toy_old"),
            ("timm.models.toy", "toy"),
        ):
            tree.reveal_node(node_id)
            assert row_name(pilot) == name
        tree.reveal_node("timm.models.toy:Toy")
        assert row_name(pilot) == "toy"
