import asyncio
import os
import signal

import pytest

from explorer.engine.async_client import AsyncClient
from explorer.errors import OutOfMemory, WorkerDied
from explorer.protocol.bench import BenchRequest
from explorer.protocol.events import Log, Partial, Progress, Result


async def collect(client, model):
    return [event async for event in client.events(BenchRequest(model))]


async def test_events_come_in_order_and_the_worker_stays_warm(fake_worker):
    async with AsyncClient(fake_worker) as client:
        assert [type(e) for e in await collect(client, "partial")] == [Progress, Partial, Result]
        pid = client.pid
        result = await client.run(BenchRequest("b"))
        assert (result.iterations, client.pid, client.busy) == (2, pid, False)
    assert client.pid is None


async def test_a_line_may_be_long(fake_worker):
    async with AsyncClient(fake_worker) as client:
        assert Log("x" * 1_000_000) in await collect(client, "long")


async def test_errors_are_raised(fake_worker):
    async with AsyncClient(fake_worker) as client:
        with pytest.raises(OutOfMemory):
            await collect(client, "greedy")
        with pytest.raises(WorkerDied, match="SIGSEGV"):
            await collect(client, "segfault")
        with pytest.raises(WorkerDied, match="cannot be read"):
            await collect(client, "garbage")
        assert (await client.run(BenchRequest("a"))).iterations == 1


async def test_cancel_ends_the_request_and_the_next_one_starts_anew(fake_worker):
    async with AsyncClient(fake_worker) as client:
        started = asyncio.Event()
        task = asyncio.create_task(client.run(BenchRequest("sleeps"), lambda _: started.set()))
        await started.wait()
        pid = client.pid
        assert client.busy
        await client.cancel()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert not client.busy
        assert (await client.run(BenchRequest("a"))).iterations == 1
        assert await asyncio.wait_for(task, 5) is None


async def test_cancel_before_the_worker_has_started(fake_worker):
    async with AsyncClient(fake_worker) as client:
        task = asyncio.create_task(collect(client, "sleeps"))
        await asyncio.sleep(0)
        await client.cancel()
        assert await asyncio.wait_for(task, 5) == []


async def test_cancel_leaves_an_idle_worker_warm(fake_worker):
    async with AsyncClient(fake_worker) as client:
        await client.cancel()
        await client.run(BenchRequest("a"))
        await client.cancel()
        assert (await client.run(BenchRequest("b"))).iterations == 2


async def test_cancelling_the_reading_task_ends_the_worker(fake_worker):
    async with AsyncClient(fake_worker) as client:
        started = asyncio.Event()
        task = asyncio.create_task(client.run(BenchRequest("sleeps"), lambda _: started.set()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert client.pid is None
        assert (await client.run(BenchRequest("a"))).iterations == 1


async def test_a_second_request_at_once_is_refused(fake_worker):
    async with AsyncClient(fake_worker) as client:
        task = asyncio.create_task(client.run(BenchRequest("sleeps")))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another request"):
            await client.run(BenchRequest("a"))
        await client.cancel()
        await task


async def test_a_worker_killed_while_idle_is_replaced(fake_worker):
    async with AsyncClient(fake_worker) as client:
        await client.run(BenchRequest("a"))
        os.kill(client.pid, signal.SIGKILL)
        await asyncio.sleep(0.2)
        assert (await client.run(BenchRequest("b"))).iterations == 1
