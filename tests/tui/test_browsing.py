import pytest

from explorer.errors import TimmNotFound
from explorer.graph import Graph, Problem
from explorer.tui.widgets.fitted_tree import FittedTree

from . import samples
from .driving import SIZES, browser, go_to, made, named, ready, row_name, screen, seen, type_text, until


@pytest.mark.parametrize("size", SIZES)
async def test_opens_with_families_and_their_counts(size: tuple[int, int]) -> None:
    async with made().run_test(size=size) as pilot:
        text = await seen(pilot, "timm 9.9.9", "2 families · 3 models", "q Quit")
        assert "▸ toy" in text
        assert "toy_small" not in text
        assert all(len(line) <= size[0] for line in text.splitlines())


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


async def test_a_click_on_a_name_in_the_details_goes_there() -> None:
    async with made().run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        await seen(pilot, "entrypoint")
        await pilot.click("#details-text", offset=(15, 0))
        await until(pilot, lambda: named(pilot).startswith("toy_small  function"))


async def test_without_a_graph_the_error_is_shown_and_q_still_quits() -> None:
    def load() -> Graph:
        raise TimmNotFound("timm is [not] installed beside explorer", "pip install timm")

    app = made(load=load)
    async with app.run_test() as pilot:
        await seen(pilot, "timm is [not] installed beside explorer", "pip install timm")
        await pilot.press("slash", "b", "q")
    assert isinstance(app.load_error, TimmNotFound)


async def test_a_bug_in_loading_is_an_error_too() -> None:
    def load() -> Graph:
        raise ZeroDivisionError("by zero")

    async with made(load=load).run_test() as pilot:
        await seen(pilot, "ZeroDivisionError: by zero")


async def test_files_left_out_are_told_once() -> None:
    problems = (Problem("models/broken.py", 3, "invalid syntax"),)
    async with made(load=lambda: samples.graph(problems)).run_test(notifications=True) as pilot:
        await seen(pilot, "1 file of timm", "models/broken.py")


@pytest.mark.parametrize("size", SIZES)
async def test_the_real_timm(size: tuple[int, int], timm_graph: Graph) -> None:
    async with made(load=lambda: timm_graph).run_test(size=size) as pilot:
        await ready(pilot)
        await go_to(pilot, "vit_base_patch16_224")
        await seen(pilot, "transformer family", "augreg2_in21k_ft_in1k")
        await pilot.press("2")
        await seen(pilot, "create_model → vit_base_patch16_224", "_create_vision_transformer")
        await go_to(pilot, "timm.models.resnet")
        await pilot.press("1")
        await seen(pilot, "PyTorch ResNet")
