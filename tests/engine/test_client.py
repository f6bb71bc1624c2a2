import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from explorer.engine.client import Client
from explorer.engine.process import worker_environment
from explorer.errors import EngineError, OutOfMemory, WorkerDied, WorkerSilent
from explorer.protocol.bench import BenchRequest
from explorer.protocol.events import Log, Partial, Progress, Result


@pytest.fixture
def client(fake_worker):
    with Client(fake_worker) as client:
        yield client


def gone(pid):
    """Whether a process has ended; waits a little for it."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_events_come_in_order_and_the_answer_is_returned(client):
    events = []
    result = client.run(BenchRequest("partial", batch_size=4), events.append)
    assert [type(e) for e in events] == [Progress, Partial]
    assert (result.model, result.batch_size, result.img_size) == ("partial", 4, (224, 112))


def test_one_worker_answers_several_requests(client):
    assert client.run(BenchRequest("a")).iterations == 1
    pid = client.pid
    assert client.run(BenchRequest("b")).iterations == 2
    assert client.pid == pid


def test_the_worker_is_gone_after_close(fake_worker):
    with Client(fake_worker) as client:
        client.run(BenchRequest("a"))
        pid = client.pid
    assert gone(pid)
    assert client.pid is None


def test_noise_does_not_reach_the_events(client):
    assert client.run(BenchRequest("noisy")).model == "noisy"


def test_a_line_may_be_long(client):
    events = []
    client.run(BenchRequest("long"), events.append)
    assert Log("x" * 1_000_000) in events


def test_an_error_of_the_worker_is_raised_and_it_stays_warm(client):
    with pytest.raises(OutOfMemory, match="greedy runs out of memory"):
        client.run(BenchRequest("greedy"))
    pid = client.pid
    assert client.run(BenchRequest("a")).model == "a"
    assert client.pid == pid


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            "killed",
            r"ended by SIGKILL \(killed\) while pretending to measure killed; "
            r"its last line was: about to be killed .*--batch-size",
        ),
        ("segfault", r"ended by SIGSEGV \(segmentation fault\) while .* \(compiled code crashed, below Python\)$"),
        ("exits", "ended with status 3 while pretending to measure exits; its last line was: cannot go on$"),
        ("leaky", "with status 1 while pretending to measure leaky; its last line was: cannot go on$"),
        ("leaves-a-child", "ended with status 3 while pretending to measure leaves-a-child$"),
        ("warns-and-ends", "ended with status 3 while pretending to measure warns-and-ends$"),
        ("garbage", "sent what cannot be read.*something a library said"),
    ],
)
def test_a_worker_that_dies_is_one_clear_line_and_the_next_request_starts_another(client, model, said):
    with pytest.raises(WorkerDied, match=said) as caught:
        client.run(BenchRequest(model))
    assert "\n" not in str(caught.value)
    assert client.run(BenchRequest("a")).iterations == 1


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("asks-to-end", "^pretending to measure asks-to-end raised SystemExit: 4$"),
        ("is-interrupted", "^pretending to measure is-interrupted raised KeyboardInterrupt$"),
        ("speechless", "Speechless"),
        ("breaks-python", "after all that"),
    ],
)
def test_whatever_a_model_does_is_an_error_and_the_worker_stays_warm(client, model, said):
    with pytest.raises(EngineError, match=said):
        client.run(BenchRequest(model))
    assert client.run(BenchRequest("a")).iterations == 1


def test_last_words_are_of_the_request_that_ended_the_worker(client):
    with pytest.raises(EngineError, match="division by zero"):
        client.run(BenchRequest("buggy"))  # its traceback goes to stderr
    with pytest.raises(WorkerDied, match=r"while pretending to measure ends$"):
        client.run(BenchRequest("ends"))


def test_a_child_that_a_model_forks_answers_nothing(client):
    assert client.run(BenchRequest("forks")).iterations == 1
    assert client.run(BenchRequest("a")).model == "a"


def is_running_in(process, group):
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def test_what_a_worker_started_ends_with_it(fake_worker):
    pids = []
    with Client(fake_worker) as client, pytest.raises(WorkerDied):
        client.run(BenchRequest("leaves-a-child"), lambda _: pids.append(client.pid))
    for _ in range(100):  # the system takes a moment to carry out what it was told
        left = [process for process in psutil.process_iter() if is_running_in(process, pids[0])]
        if not left:
            break
        time.sleep(0.02)
    assert left == []


def test_a_worker_that_says_nothing_is_told_and_then_ended(fake_worker, monkeypatch):
    monkeypatch.setattr("explorer.engine.process._FIRST_NOTICE", 0.5)
    events = []
    with Client(fake_worker, timeout=3) as client:
        with pytest.raises(WorkerSilent, match=r"nothing came of pretending to measure sleeps for 3 s.*--timeout"):
            client.run(BenchRequest("sleeps"), events.append)
        assert client.run(BenchRequest("a")).iterations == 1
    notes = [event.message for event in events if isinstance(event, Log)]
    assert notes and all(note.startswith("still pretending to measure sleeps, for ") for note in notes)


def test_a_worker_killed_from_outside_while_it_works(client):
    with pytest.raises(WorkerDied, match="SIGKILL"):
        client.run(BenchRequest("sleeps"), lambda _: os.kill(client.pid, signal.SIGKILL))


def test_a_worker_killed_while_idle_is_replaced(client):
    client.run(BenchRequest("a"))
    os.kill(client.pid, signal.SIGKILL)
    time.sleep(0.1)
    assert client.run(BenchRequest("b")).iterations == 1


def test_a_worker_that_gave_up_its_device_is_replaced(client):
    with pytest.raises(EngineError, match="lost-device"):
        client.run(BenchRequest("lost-device"))
    time.sleep(0.2)
    assert client.run(BenchRequest("b")).iterations == 1


def test_a_command_that_cannot_be_started():
    with Client(["/nowhere/python"]) as client, pytest.raises(WorkerDied, match="could not be started"):
        client.run(BenchRequest("a"))


def test_events_left_unread_end_the_worker(client):
    events = client.events(BenchRequest("sleeps"))
    assert isinstance(next(events), Progress)
    pid = client.pid
    events.close()
    assert gone(pid)
    assert isinstance(list(client.events(BenchRequest("a")))[-1], Result)


def test_ctrl_c_ends_both_without_a_traceback(fake_worker):
    program = f"""
import sys
from explorer.engine.client import Client
from explorer.protocol.bench import BenchRequest
try:
    with Client({fake_worker!r}) as client:
        client.run(BenchRequest("sleeps"), lambda _: print(client.pid, flush=True))
except KeyboardInterrupt:
    print("interrupted")
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=worker_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        pid = int(process.stdout.readline())
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (out, err) == (b"interrupted\n", b"")
    assert gone(pid)


@pytest.mark.parametrize("module", ["explorer.engine.client", "explorer.protocol", "explorer.cli.bench_command"])
def test_the_near_half_imports_no_torch(module):
    check = f"import sys, {module}; print([m for m in ('torch', 'torchvision', 'timm', 'textual') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, env=worker_environment()
    )
    assert done.stdout == "[]\n"


def test_the_command_module_is_light():
    # What crosses the pipe is typed by msgspec, which takes typing_extensions along where it is there.
    check = (
        "import sys, typer, msgspec; before = set(sys.modules); import explorer.cli.bench_command; "
        "roots = {m.partition('.')[0] for m in set(sys.modules) - before} - {'explorer'}; "
        "print(sorted(roots - sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, env=worker_environment()
    )
    assert done.stdout == "[]\n"
