import pytest

from explorer.errors import OutOfMemory, StoreError
from explorer.protocol.bench import BenchRequest
from explorer.tui.widgets.bench_pane import RunTable
from tests.tui.driving import SIZES, go_to, made, ready, screen, seen, until
from tests.tui.samples import FakeClient


@pytest.mark.parametrize("size", SIZES)
async def test_b_measures_and_shows_progress_and_result(size: tuple[int, int]) -> None:
    client = FakeClient()
    async with made(client).run_test(size=size) as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        await pilot.press("b")
        await seen(pilot, "measuring", "40%", "12.5 ms", "80.0 samples/s", "c Cancel", "This sitting")
        assert client.requests[0].model == "toy_small"
        client.finish()
        text = await seen(
            pilot, "81.3 samples/s", "p50 12.3 ms (95 %: 12.2 to 12.4)", "p90 13.0, p99 14.0 ms", "done after"
        )
        assert "c Cancel" not in text
        await pilot.press("b")
        await until(pilot, lambda: len(client.requests) == 2)
        client.finish()
        await until(pilot, lambda: pilot.app.query_one(RunTable).row_count == 2)


async def test_weights_are_measured_by_their_own_name() -> None:
    client = FakeClient()
    async with made(client).run_test() as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small.b_in1k")
        await pilot.press("b")
        await until(pilot, lambda: client.requests)
        assert client.requests[0].model == "toy_small.b_in1k"


@pytest.mark.parametrize("key", ["c", "escape"])
async def test_cancel_ends_the_worker_and_the_next_one_starts_anew(key: str) -> None:
    client = FakeClient()
    async with made(client).run_test() as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        await pilot.press("b")
        await seen(pilot, "measuring")
        await pilot.press(key)
        await seen(pilot, "cancelled", "The worker was ended")
        assert client.cancelled == 1
        await pilot.press("b")
        await seen(pilot, "measuring")
        client.finish()
        await seen(pilot, "81.3 samples/s", "cancelled")


async def test_an_error_is_shown_with_its_hint_and_stays_listed() -> None:
    client = FakeClient()
    async with made(client).run_test() as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        await pilot.press("b")
        await seen(pilot, "measuring")
        client.fail(OutOfMemory("toy_small runs out of [memory]", "lower the batch size"))
        await seen(pilot, "toy_small runs out of [memory]", "lower the batch size", "failed")
        await pilot.press("b")
        await until(pilot, lambda: len(client.requests) == 2)
        client.finish()
        await seen(pilot, "81.3 samples/s")
        table = pilot.app.query_one(RunTable)
        table.focus()
        await pilot.press("j")
        await seen(pilot, "toy_small runs out of [memory]")


async def test_every_attempt_is_kept_but_a_cancelled_one() -> None:
    client, kept = FakeClient(), []
    app = made(client, keep=lambda request, outcome: kept.append((request.model, type(outcome).__name__)))
    async with app.run_test() as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        for end in (client.finish, lambda: client.fail(OutOfMemory("no room")), lambda: pilot.press("c")):
            before = len(client.requests)
            await pilot.press("b")
            await until(pilot, lambda before=before: len(client.requests) > before)
            await seen(pilot, "measuring")
            if ending := end():
                await ending
            await until(pilot, lambda: "measuring" not in screen(pilot))
        await until(pilot, lambda: len(kept) == 2)
    assert kept == [("toy_small", "BenchResult"), ("toy_small", "OutOfMemory")]


async def test_a_result_that_cannot_be_kept_is_shown_with_the_reason() -> None:
    def full(request: BenchRequest, outcome: object) -> None:
        raise StoreError("the disk is full", "make room")

    client = FakeClient()
    async with made(client, keep=full).run_test(size=SIZES[1]) as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        await pilot.press("b")
        await seen(pilot, "measuring")
        client.finish()
        await seen(pilot, "81.3 samples/s", "not kept: the disk is full (make room)")


async def test_a_bug_in_the_client_is_an_error_too() -> None:
    client = FakeClient()
    async with made(client).run_test() as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        await pilot.press("b")
        await seen(pilot, "measuring")
        client.fail(ZeroDivisionError("by zero"))  # type: ignore[arg-type]
        await seen(pilot, "ZeroDivisionError: by zero")


async def test_a_second_benchmark_waits_for_the_first_and_one_of_nothing_is_refused() -> None:
    client = FakeClient()
    async with made(client).run_test(notifications=True) as pilot:
        await ready(pilot)
        await pilot.press("b")
        await seen(pilot, "Choose a model first")
        await go_to(pilot, "toy_small")
        await pilot.press("b")
        await seen(pilot, "measuring")
        await pilot.press("b")
        await seen(pilot, "is being")
        assert len(client.requests) == 1


async def test_quitting_ends_the_worker() -> None:
    client = FakeClient()
    app = made(client)
    async with app.run_test() as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        await pilot.press("b")
        await seen(pilot, "measuring")
        await pilot.press("q")
    assert client.closed
    assert app.return_code == 0


async def test_browsing_goes_on_while_a_benchmark_runs() -> None:
    client = FakeClient()
    async with made(client).run_test() as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        await pilot.press("b")
        await seen(pilot, "measuring")
        await pilot.press("1")
        await go_to(pilot, "toy_large")
        await pilot.press("escape")
        assert client.cancelled == 0
        client.finish()
        await pilot.press("3")
        await seen(pilot, "81.3 samples/s")
        assert "toy_large" in screen(pilot)


async def test_a_wide_pane_tells_the_settings_of_each_run_and_a_narrow_one_what_tells_them_apart() -> None:
    client = FakeClient()
    async with made(client).run_test(size=SIZES[1]) as pilot:
        await ready(pilot)
        await go_to(pilot, "toy_small")
        await pilot.press("b")
        await seen(pilot, "measuring")
        client.finish()
        await seen(pilot, "81.3 samples/s", "memory MiB", "M params", "64×64")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "memory MiB" not in screen(pilot))
        table = pilot.app.query_one(RunTable)
        assert [str(column.label) for column in table.columns.values()] == ["model", "p50 ms", "samples/s", "device"]
        assert table.row_count == 1


async def test_before_the_first_run_the_pane_says_what_would_be_measured() -> None:
    async with made().run_test(size=SIZES[1]) as pilot:
        await ready(pilot)
        await pilot.press("3")
        await seen(pilot, "Choose a model in the tree or by search")
        await go_to(pilot, "toy_large")
        await seen(pilot, "Press b to measure toy_large.")
