import pytest

from tests.tui.driving import SIZES, go_to, made, named, ready, row_name, seen, until


async def test_details_follow_the_cursor() -> None:
    async with made().run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "timm.models.toy" in named(pilot))
        await pilot.press("l", "down", "down")
        await until(pilot, lambda: named(pilot).startswith("toy_small"))
        await seen(
            pilot,
            "timm/models/toy.py:70",
            "a_in1k (default), b_in1k",
            "toy_old",
            "Pretrained cfg · a_in1k",
            "3 × 64 × 64",
            "Not set: notes.",
            "A small toy.",
        )


@pytest.mark.parametrize("size", SIZES)
async def test_markup_in_a_docstring_is_text(size: tuple[int, int]) -> None:
    async with made().run_test(size=size) as pilot:
        await ready(pilot)
        await go_to(pilot, "Toy")
        await seen(pilot, "class", "[bold]x[/bold]", "[unclosed")


async def test_a_deprecated_name_says_what_replaces_it() -> None:
    async with made().run_test() as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_old")
        await seen(pilot, "Deprecated: timm maps it to toy_small.b_in1k.")
        assert row_name(pilot) == "toy_old"


async def test_a_click_on_a_name_in_the_details_goes_there() -> None:
    async with made().run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        await seen(pilot, "entrypoint")
        await pilot.click("#details-text", offset=(15, 0))
        await until(pilot, lambda: named(pilot).startswith("toy_small  function"))
