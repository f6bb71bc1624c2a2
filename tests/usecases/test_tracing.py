"""Many models traced, by workers that only pretend."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from explorer.errors import EngineError, OutOfMemory, RequestError, TimmNotFound, WorkerDied
from explorer.introspect import find_timm, traces
from explorer.protocol.events import Progress, Result, decode_event, decode_request, encode_event, encode_request
from explorer.protocol.trace import TraceRequest, TraceResult
from explorer.usecases.tracing import trace_all, untraced

DIGEST = "0" * 32
FAKE_TRACER = [sys.executable, "-P", str(Path(__file__).with_name("fake_tracer.py"))]


@pytest.fixture(autouse=True)
def fake_tracer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Workers that pretend; the file they note finished traces in."""
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: FAKE_TRACER)
    monkeypatch.setenv("TRACED", str(tmp_path / "traced"))
    return tmp_path / "traced"


@pytest.fixture(scope="module")
def timm() -> tuple[str, str]:
    source = find_timm()
    return source.version, source.digest


def test_every_model_is_traced_once_and_stored(timm: tuple[str, str], fake_tracer: Path) -> None:
    names = [f"model_{i}" for i in range(9)]
    told: list[object] = []
    outcomes = trace_all(names, *timm, workers=3, emit=told.append)
    assert sorted(o.model for o in outcomes) == sorted(fake_tracer.read_text().split()) == names
    assert all(o.error is None and o.seconds > 0 for o in outcomes)
    said = [event.message for event in told if isinstance(event, Progress)]
    assert said == ["tracing 9 models", *(f"{done} of 9 models traced" for done in range(1, 10))]
    found = traces.own_traces(*timm)
    assert found is not None
    assert sorted(found.models) == names
    assert untraced([*names, "another"], found) == ["another"]


def test_one_that_fails_or_kills_its_worker_does_not_stop_the_others(timm: tuple[str, str]) -> None:
    names = ["first", "test_resnet", "test_efficientnet", "test_mambaout", "last"]
    outcomes = {o.model: o.error for o in trace_all(names, *timm, workers=1)}
    assert [outcomes["first"], outcomes["last"]] == [None, None]
    assert isinstance(outcomes["test_resnet"], WorkerDied)
    assert isinstance(outcomes["test_efficientnet"], EngineError)
    assert isinstance(outcomes["test_mambaout"], OutOfMemory)


def test_only_a_models_own_failure_is_noted(timm: tuple[str, str]) -> None:
    """A worker that died or had no memory may do better the next time."""
    names = ["first", "test_resnet", "test_efficientnet", "test_mambaout"]
    trace_all(names, *timm, workers=1)
    found = traces.own_traces(*timm)
    assert found is not None
    assert found.failed == {"test_efficientnet": "test_efficientnet cannot be built and run: no such width"}
    assert untraced(names, found) == ["test_resnet", "test_mambaout"]


@pytest.mark.parametrize(("fate", "kind"), [("no timm", TimmNotFound), ("all alike", EngineError)])
def test_what_no_model_can_help_ends_it(
    timm: tuple[str, str], monkeypatch: pytest.MonkeyPatch, fate: str, kind: type[Exception]
) -> None:
    monkeypatch.setenv("FATE", fate)
    with pytest.raises(kind, match="not installed" if kind is TimmNotFound else "libcudart"):
        trace_all([f"model_{i}" for i in range(50)], *timm, workers=2)
    assert traces.own_traces(*timm) is None, "no model is to blame"


def test_nothing_to_do(timm: tuple[str, str]) -> None:
    assert trace_all([], *timm) == []


def test_an_interruption_ends_the_workers_at_once(
    timm: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FATE", "sleeps")
    monkeypatch.setenv("STARTED", str(tmp_path / "started"))
    program = (
        "import sys, explorer.engine.client as client\n"
        f"client.worker_command = lambda: {FAKE_TRACER!r}\n"
        "from explorer.usecases.tracing import trace_all\n"
        f"trace_all(['a', 'b', 'c'], *{timm!r}, workers=2)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE)
    while not (tmp_path / "started").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(2)
    _, error = process.communicate(timeout=20)
    assert b"KeyboardInterrupt" in error
    assert process.returncode != 0


def test_a_request_survives_the_pipe() -> None:
    request = TraceRequest("resnet34", forward=True, extra=(("mine", "mine.py"),))
    assert decode_request(encode_request(request)) == request


def test_a_result_survives_the_pipe() -> None:
    result = TraceResult(
        "resnet34", "1.0", DIGEST, "3.11.7", "meta", 0.5, [["a:b", "a:c", {"m.py:3": 2}]], {"steps": [], "roots": []}
    )  # fmt: skip
    assert decode_event(encode_event(Result("trace", result))) == Result("trace", result)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model": " "}, "must be a name"),
        ({"model": "x", "extra": "mine.py"}, "extra sources"),
        ({"model": "x", "extra": ["mine.py"]}, "extra sources"),
        ({"model": "x", "extra": [["mine"]]}, "a name and a path"),
        ({"model": "x", "extra": [["mine", 3]]}, "a name and a path"),
    ],
)
def test_a_malformed_request_says_what_is_wrong(values: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        decode_request(json.dumps({"request": "trace", **values}).encode())
