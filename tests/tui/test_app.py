import threading

import pytest
from textual.widgets import Static

from explorer.errors import TimmNotFound
from explorer.graph import Graph, Node, NodeKind, Problem
from explorer.underway import tell
from tests.tui import samples
from tests.tui.driving import SIZES, go_to, made, ready, screen, seen


@pytest.mark.parametrize("size", SIZES)
async def test_opens_with_families_and_their_counts(size: tuple[int, int]) -> None:
    async with made().run_test(size=size) as pilot:
        text = await seen(pilot, "timm 9.9.9", "2 families · 3 models", "q Quit")
        assert "▸ toy" in text
        assert "toy_small" not in text
        assert all(len(line) <= size[0] for line in text.splitlines())


async def test_while_it_reads_it_says_how_far_it_is() -> None:
    gate = threading.Event()

    def load() -> Graph:
        tell("following calls", 1212, 1580, "names")
        gate.wait(30)
        return samples.graph()

    async with made(load=load).run_test(size=SIZES[0]) as pilot:
        await seen(pilot, "1,212 of 1,580 names")
        gate.set()
        await ready(pilot)
        assert "1,580" not in screen(pilot)


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


async def test_the_source_is_opened_on_the_web_and_the_name_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    app = made()
    monkeypatch.setattr(app, "open_url", lambda url, **_: opened.append(url))
    async with app.run_test(size=SIZES[1], notifications=True) as pilot:
        await ready(pilot)
        await pilot.press("o", "y")
        assert not opened
        assert app.clipboard == ""
        await go_to(pilot, "toy_small")
        await pilot.press("o", "y")
        await seen(pilot, "Opened in the browser", "Copied toy_small")
        assert app.clipboard == "toy_small"
        assert len(opened) == 1
        assert opened[0].endswith("timm/models/toy.py#L70")


async def test_the_graph_may_come_while_the_help_is_open() -> None:
    gate = threading.Event()

    def load() -> Graph:
        gate.wait(10)
        return samples.graph()

    async with made(load=load).run_test() as pilot:
        await pilot.press("question_mark")
        await seen(pilot, "Everywhere")
        gate.set()
        await ready(pilot)
        await pilot.press("escape")
        await seen(pilot, "2 families · 3 models")


async def test_the_side_with_the_focus_is_marked() -> None:
    async with made().run_test() as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        assert pilot.app.query_one("#side").has_class("-active")
        await pilot.press("enter")
        assert not pilot.app.query_one("#side").has_class("-active")
        assert pilot.app.query_one("#main").has_class("-active")
        await pilot.press("escape")
        assert pilot.app.query_one("#side").has_class("-active")


async def test_the_theme_can_change_while_a_page_and_a_path_are_shown() -> None:
    async with made().run_test(size=SIZES[1]) as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        await pilot.press("2")
        before = await seen(pilot, "create_model → toy_small")
        pilot.app.theme = "textual-light"
        await pilot.pause()
        assert screen(pilot) == before


async def test_names_and_docstrings_drive_no_terminal() -> None:
    evil = "evilnet\x1b[2J\r\n\x9b\u202ey"
    graph = samples.graph()
    graph.add_node(Node(f"timm.models.toy:{evil}", NodeKind.CLASS, "models/toy.py", 1, 2, f"Doc {evil} end"))

    async with made(load=lambda: graph).run_test(size=SIZES[1]) as pilot:
        await ready(pilot)
        await pilot.press("slash", *"evilnet")
        await seen(pilot, r"evilnet\x1b[2J\r\n\x9b\u202ey")
        await pilot.press("enter")
        await seen(pilot, "end")
        pilot.app.notify(evil, markup=False)
        pilot.app.query_one("#side-name", Static).update(evil)
        await pilot.pause()
        drawn = pilot.app.export_screenshot()
        assert not {"\x1b", "\r", "\x9b", "\u202e"} & set(drawn)
