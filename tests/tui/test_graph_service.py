import asyncio
import gc
import threading
from collections.abc import Callable

import pytest

from explorer.errors import ExplorerError, TimmNotFound
from explorer.graph import Graph, NodeKind
from explorer.tui import graph_service
from explorer.tui.graph_service import Background, GraphService
from explorer.underway import Step, tell
from tests.tui import samples


async def test_answers_come_in_order_from_one_thread_that_is_not_the_loops() -> None:
    background = Background()
    threads: list[int] = []

    def work(number: int) -> Callable[[], int]:
        def answer() -> int:
            threads.append(threading.get_ident())
            return number

        return answer

    assert await asyncio.gather(*(background.ask(work(i)) for i in range(5))) == [0, 1, 2, 3, 4]
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()
    background.close()


async def test_what_is_cancelled_before_its_turn_is_never_begun() -> None:
    background, gate, begun = Background(), threading.Event(), []
    first = asyncio.ensure_future(background.ask(lambda: gate.wait(10)))
    second = asyncio.ensure_future(background.ask(lambda: begun.append("second")))
    await asyncio.sleep(0.01)
    second.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert await first
    assert await background.ask(lambda: "third") == "third"
    assert begun == []


async def test_an_answer_that_nobody_waits_for_any_more_ends_nothing() -> None:
    background, gate = Background(), threading.Event()
    left = asyncio.ensure_future(background.ask(lambda: gate.wait(10)))
    await asyncio.sleep(0.01)
    left.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert await background.ask(lambda: "next") == "next"


async def test_a_graph_is_asked_once_it_is_open() -> None:
    service = GraphService(samples.graph)
    assert not service.is_open
    assert await service.page("model:toy_small") is None
    info, catalogue = await service.open()
    assert service.is_open
    assert info.timm_version == "9.9.9"
    assert [family.name for family in catalogue.families] == ["toy", "train"]
    page, path = await service.page("model:toy_small"), await service.call_path("model:toy_small")
    assert page is not None
    assert path is not None
    assert (page.title, path.title) == ("toy_small", "create_model → toy_small")
    assert await service.page("model:nothing") is None
    assert await service.call_path("model:nothing") is None
    service.close()


async def test_a_parameter_is_no_hit() -> None:
    service = GraphService(samples.graph)
    await service.open()
    kinds = {hit.node.kind for hit in await service.search("toy")}
    assert {NodeKind.MODEL, NodeKind.CLASS, NodeKind.FUNCTION, NodeKind.WEIGHTS} <= kinds
    assert NodeKind.PARAMETER not in kinds


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        (TimmNotFound("no timm", "pip install timm"), "no timm"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero"),
    ],
)
async def test_whatever_goes_wrong_can_be_shown(raised: Exception, message: str) -> None:
    def load() -> Graph:
        raise raised

    with pytest.raises(ExplorerError) as caught:
        await GraphService(load).open()
    assert caught.value.message == message


@pytest.mark.parametrize("fails", [False, True])
def test_the_collector_works_on_after_loading(monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    was_enabled: list[bool] = []

    def load(*_: object) -> Graph:
        was_enabled.append(gc.isenabled())
        if fails:
            raise TimmNotFound("no timm")
        return samples.graph()

    monkeypatch.setattr(graph_service, "load", load)
    try:
        if fails:
            with pytest.raises(TimmNotFound):
                graph_service.load_whole(None)
        else:
            assert graph_service.load_whole(None).info.timm_version == "9.9.9"
        assert was_enabled == [False]
        assert gc.isenabled()
    finally:
        gc.unfreeze()


async def test_reading_tells_on_the_event_loop_what_it_is_at() -> None:
    told: list[tuple[Step, int]] = []

    def load() -> Graph:
        tell("reading", 1, 2, "files")
        return samples.graph()

    service = GraphService(load, lambda step: told.append((step, threading.get_ident())))
    await service.open()
    assert told == [(Step("reading", 1, 2, "files"), threading.get_ident())]
    service.close()
