"""Work for many names, dealt out to workers that only pretend."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from explorer.engine.client import Client
from explorer.engine.pool import (
    MOST_WORKERS,
    WORKER_MEMORY_BYTES,
    each,
    is_of_the_model,
    usual_workers,
    waits_only,
)
from explorer.engine.process import Waiting
from explorer.errors import EngineError, OutOfMemory, WorkerDied, WorkerSilent
from explorer.protocol.bench import BenchRequest
from explorer.protocol.events import Event


@pytest.fixture(autouse=True)
def _pretend(monkeypatch: pytest.MonkeyPatch, fake_worker: list[str]) -> Iterator[None]:
    """Workers only pretend, and no thread outlives its test."""
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: fake_worker)
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def pid_of(client: Client, name: str) -> int:
    client.run(BenchRequest(name))
    assert client.pid is not None
    return client.pid


def test_a_worker_stays_warm_from_one_name_to_the_next() -> None:
    outcomes = list(each(["a", "b", "c"], pid_of, workers=1))
    assert [outcome.model for outcome in outcomes] == ["a", "b", "c"]
    assert len({outcome.value for outcome in outcomes}) == 1


def test_one_that_ends_its_worker_is_told_and_the_next_gets_another() -> None:
    before, dead, after = each(["a", "killed", "b"], pid_of, workers=1)
    assert isinstance(dead.error, WorkerDied) and dead.value is None
    assert before.error is after.error is None
    assert before.value != after.value


def test_what_is_no_error_of_ours_ends_the_work() -> None:
    def broken(client: Client, name: str) -> None:
        raise ZeroDivisionError(name)

    with pytest.raises(ZeroDivisionError):
        list(each(["a", "b"], broken, workers=1))


def test_closing_it_early_ends_threads_and_workers() -> None:
    with closing(each([f"m{i}" for i in range(20)], pid_of, workers=2)) as coming:
        next(coming)


def test_an_error_is_of_the_model_when_it_names_it_and_is_no_want_of_memory() -> None:
    assert is_of_the_model("resnet34", EngineError("resnet34 cannot be built"))
    assert not is_of_the_model("resnet34", EngineError("no libcudart"))
    assert not is_of_the_model("resnet34", OutOfMemory("resnet34 runs out of memory"))
    assert not is_of_the_model("resnet34", WorkerDied("resnet34: the worker was ended"))
    assert not is_of_the_model("resnet34", WorkerSilent("nothing came of building resnet34 for 5 s"))


@pytest.mark.parametrize(
    ("cores", "memory", "workers"),
    [(4, 100, 4), (64, 100, MOST_WORKERS), (4, 2.5, 2), (4, 0.5, 1), (None, 100, 1)],
)
def test_workers_suit_cores_and_memory(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, memory: float, workers: int
) -> None:
    import psutil

    free = type("Memory", (), {"available": int(memory * WORKER_MEMORY_BYTES)})
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    assert usual_workers() == workers


def test_of_many_models_it_is_told_alone_that_one_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.engine.process._FIRST_NOTICE", 0.5)
    told: list[Event] = []

    def silent(client: Client, name: str) -> None:
        client.run(BenchRequest(name), waits_only(told.append))

    monkeypatch.setattr("explorer.engine.pool.Client", lambda: Client(timeout=2))
    outcomes = list(each(["a", "sleeps"], silent, workers=1))
    assert [type(outcome.error) for outcome in outcomes] == [type(None), WorkerSilent]
    assert told and all(isinstance(event, Waiting) and "measure sleeps" in event.message for event in told)
