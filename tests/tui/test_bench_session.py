import asyncio
from collections.abc import Callable
from pathlib import Path

from explorer.errors import EngineError, OutOfMemory, StoreError
from explorer.protocol.bench import BenchRequest, BenchResult
from explorer.tui.bench_session import BenchRun, BenchSession, State
from tests.tui.samples import FakeClient


class Told:
    """What a session tells, and what it has kept."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self.kept: list[tuple[BenchRequest, object]] = []

    def changed(self, run: BenchRun) -> None:
        self.states.append(run.state)

    def keep(self, request: BenchRequest, outcome: object) -> None:
        self.kept.append((request, outcome))


async def measured(session: BenchSession, client: FakeClient, end: Callable[[], object]) -> BenchRun:
    run = session.begin("toy_small")
    under_way = asyncio.ensure_future(session.measure(run))
    while not client.requests:
        await asyncio.sleep(0)
    ending = end()
    if asyncio.iscoroutine(ending):
        await ending
    await under_way
    return run


async def test_a_run_follows_the_worker_and_is_kept() -> None:
    client, told = FakeClient(), Told()
    extras = [("mine", Path("/there/mine.py"))]
    session = BenchSession(told.changed, lambda: client, told.keep, extras)

    def end() -> None:
        run = session.running
        assert run is not None
        assert (run.work.phase, run.work.fraction, run.work.partial.iterations) == ("measuring", 0.4, 40)
        client.finish()

    run = await measured(session, client, end)
    assert client.requests == [BenchRequest("toy_small", extra=(("mine", "/there/mine.py"),))]
    assert run.work.notes == ["a note with [brackets]"]
    assert (run.state, session.running) == (State.DONE, None)
    assert run.ended is not None
    assert isinstance(run.result, BenchResult)
    assert told.kept == [(client.requests[0], run.result)]
    assert told.states[0] is State.RUNNING
    assert told.states[-1] is State.DONE


async def test_a_failed_run_is_kept_with_its_error() -> None:
    client, told = FakeClient(), Told()
    error = OutOfMemory("no room", "a smaller batch")
    run = await measured(BenchSession(told.changed, lambda: client, told.keep), client, lambda: client.fail(error))
    assert (run.state, run.error) == (State.FAILED, error)
    assert [outcome for _, outcome in told.kept] == [error]


async def test_a_worker_that_cannot_be_started_is_an_error_of_the_run() -> None:
    def connect() -> FakeClient:
        raise EngineError("no worker", "mend it")

    told = Told()
    session = BenchSession(told.changed, connect, told.keep)
    run = session.begin("toy_small")
    await session.measure(run)
    assert run.state is State.FAILED
    assert run.error is not None
    assert run.error.message == "no worker"
    await session.cancel()
    await session.close()


async def test_what_is_cancelled_is_not_kept_and_shows_no_older_phase() -> None:
    client, told = FakeClient(), Told()
    session = BenchSession(told.changed, lambda: client, told.keep)
    run = await measured(session, client, session.cancel)
    assert (run.state, run.result, run.error) == (State.CANCELLED, None, None)
    assert run.work.phase == "ending the worker"
    assert told.kept == []
    assert client.cancelled == 1


async def test_a_run_cancelled_before_it_is_measured_asks_the_worker_nothing() -> None:
    client, told = FakeClient(), Told()
    session = BenchSession(told.changed, lambda: client, told.keep)
    run = session.begin("toy_small")
    await session.cancel()
    await session.measure(run)
    assert run.state is State.CANCELLED
    assert client.requests == []


async def test_a_result_that_cannot_be_kept_stays_with_a_note() -> None:
    def full(request: BenchRequest, outcome: object) -> None:
        raise StoreError("the disk is full", "make room")

    client, told = FakeClient(), Told()
    run = await measured(BenchSession(told.changed, lambda: client, full), client, client.finish)
    assert run.state is State.DONE
    assert run.work.notes[-1] == "not kept: the disk is full (make room)"
