import json
import signal
import subprocess
import sys

import pytest

from explorer.engine.process import worker_command, worker_environment
from explorer.errors import EngineError, RequestError, TimmNotFound
from explorer.protocol.bench import BenchRequest
from explorer.protocol.events import Failure, Log, Progress, Result, decode_event, encode_request
from explorer.worker.serve import serve


def talk(command, sent):
    """Start a worker, send it these bytes, close its stdin; how it ended and its events."""
    done = subprocess.run(command, input=sent, capture_output=True, env=worker_environment(), timeout=60)
    return done, [decode_event(line) for line in done.stdout.splitlines()]


def started(command):
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=worker_environment(), stdin=pipe, stdout=pipe, stderr=pipe)


def test_several_requests_are_answered_in_turn_and_the_end_is_quiet(fake_worker):
    sent = encode_request(BenchRequest("a")) + b"\n" + encode_request(BenchRequest("b"))
    done, events = talk(fake_worker, sent)
    assert [(e.value.model, e.value.iterations) for e in events if isinstance(e, Result)] == [
        ("a", 1),
        ("b", 2),
    ]
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_libraries_print_lands_on_stderr(fake_worker):
    done, events = talk(fake_worker, encode_request(BenchRequest("noisy")))
    assert [type(e) for e in events] == [Progress, Result]
    for said in (b"from print", b"from the file descriptor", b"from a child", b"from the original stdout"):
        assert said in done.stderr


def test_requests_cannot_be_read_by_the_work(fake_worker):
    _, events = talk(fake_worker, encode_request(BenchRequest("thirsty")) + encode_request(BenchRequest("next")))
    assert [e.value.model for e in events if isinstance(e, Result)] == ["thirsty", "next"]


def test_a_malformed_request_is_an_error_and_the_worker_lives_on(fake_worker):
    _, events = talk(fake_worker, b'nonsense\n{"request":"bench"}\n' + encode_request(BenchRequest("good")))
    assert [type(e) for e in events] == [Failure, Failure, Progress, Result]
    assert all(isinstance(e.error, RequestError) for e in events[:2])


def test_a_bug_is_an_error_on_one_line_and_the_worker_lives_on(fake_worker):
    sent = encode_request(BenchRequest("buggy")) + encode_request(BenchRequest("good"))
    done, events = talk(fake_worker, sent)
    assert [type(e) for e in events] == [Progress, Failure, Progress, Result]
    assert events[1].error.message == (
        "the worker failed at pretending to measure buggy: ZeroDivisionError: division by zero"
    )
    assert b"Traceback" in done.stderr


def test_a_worker_whose_device_is_lost_ends_after_saying_so(fake_worker):
    sent = encode_request(BenchRequest("lost-device")) + encode_request(BenchRequest("good"))
    done, events = talk(fake_worker, sent)
    assert [type(e) for e in events] == [Progress, Failure]
    assert done.returncode == 0


def test_sigint_ends_it_without_a_traceback(fake_worker):
    pipe = subprocess.PIPE
    with subprocess.Popen(fake_worker, env=worker_environment(), stdin=pipe, stdout=pipe, stderr=pipe) as process:
        process.stdin.write(encode_request(BenchRequest("sleeps")))
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == -signal.SIGINT
        assert process.stderr.read() == b""


def test_it_ends_quietly_when_nobody_reads(fake_worker):
    pipe = subprocess.PIPE
    with subprocess.Popen(fake_worker, env=worker_environment(), stdin=pipe, stdout=pipe, stderr=pipe) as process:
        process.stdout.close()
        process.stdin.write(encode_request(BenchRequest("long")))
        process.stdin.flush()
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == b""


def test_the_first_event_comes_before_torch_is_imported():
    """Against the real worker, whose import is cut short by hiding torch."""
    hide = "import sys; sys.modules['torch'] = None; from explorer.worker.serve import main; main()"
    _, events = talk([sys.executable, "-P", "-c", hide], encode_request(BenchRequest("resnet34")))
    assert isinstance(events[0], Progress)
    assert "torch" in events[0].message
    assert isinstance(events[1], Failure)
    assert "torch" in events[1].error.message


def test_modules_in_the_current_folder_are_not_taken_for_others(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('wrong json')")
    environment = worker_environment()
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        worker_command(), input=b"nonsense\n", capture_output=True, env=environment, timeout=60, check=True
    )
    assert json.loads(done.stdout)["event"] == "error"


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (ModuleNotFoundError("No module named 'timm'", name="timm"), TimmNotFound),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), EngineError),
        (ImportError("libcudart.so.13: cannot open shared object file"), EngineError),
    ],
)
def test_an_import_that_fails_is_an_error_with_a_reason(monkeypatch, raised, kind):
    def import_module(_):
        raise raised

    monkeypatch.setattr("explorer.worker.serve.import_module", import_module)
    monkeypatch.delitem(sys.modules, "explorer.worker.measuring.benchmark", raising=False)
    events = []
    serve([encode_request(BenchRequest("x"))], events.append)
    assert isinstance(events[-1].error, kind)


def test_serve_hands_events_through():
    events = []
    serve([encode_request(BenchRequest("x"))], events.append, {"bench": lambda _, emit: emit(Log("hello"))})
    assert events == [Log("hello"), Result("bench", None)]
