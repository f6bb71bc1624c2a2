import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from explorer.cli.bench import bench
from explorer.engine.client import worker_environment
from explorer.errors import OutOfMemory, RequestError

FAKE_WORKER = [sys.executable, "-P", str(Path(__file__).parents[1] / "engine" / "fake_worker.py")]
CONTEXT = SimpleNamespace(obj=None)
"""Nothing stands before the command."""
EXPLORER = [sys.executable, "-P", "-m", "explorer"]


@pytest.fixture
def fake_worker(monkeypatch):
    """A worker that takes what it should do for a model's name, which timm's source does not have."""
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: FAKE_WORKER)
    monkeypatch.setattr("explorer.cli.bench.check_name", lambda name: None)


def explorer(*arguments):
    return subprocess.run(
        [*EXPLORER, *arguments], capture_output=True, text=True, env=worker_environment(), timeout=120
    )


def test_the_summary_is_aligned_and_says_what_was_measured(fake_worker, capsys):
    bench(CONTEXT, "partial", batch_size=4)
    out, err = capsys.readouterr()
    facts = {line[:12].strip(): line[12:] for line in out.splitlines()}
    assert facts["input"] == "batch of 4, 3×224×112, float32"
    assert facts["latency"] == "p50 10.0, p90 11.0, p99 12.0 ms"
    assert facts["throughput"] == "95.2 samples/s"
    assert facts["parameters"] == "21,797,672 (21.80 M)"
    assert facts["memory"].startswith("800 MiB peak resident memory of the worker process")
    assert err == "pretending to measure partial\n"


def test_json_is_one_object_on_stdout(fake_worker, capsys):
    bench(CONTEXT, "noisy", as_json=True)
    out, _ = capsys.readouterr()
    result = json.loads(out)
    assert out.count("\n") == 1
    assert result["img_size"] == [224, 112]
    assert result["latency_ms"] == {
        "p50": 10.0, "p90": 11.0, "p99": 12.0, "mean": 10.5, "min": 9.0, "max": 13.0, "std": 0.5
    }  # fmt: skip


def test_a_notice_is_a_note(fake_worker, capsys):
    bench(CONTEXT, "long")
    assert f"note: {'x' * 100}" in capsys.readouterr().err


def test_an_error_of_the_worker_is_raised(fake_worker):
    with pytest.raises(OutOfMemory):
        bench(CONTEXT, "greedy")


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"dtype": "float8"}, "float32, bfloat16, float16"),
        ({"batch_size": 0}, "batch size"),
        ({"img_size": -5}, "image size"),
        ({"seconds": 0.0}, "seconds"),
        ({"device": "gpu"}, "no device 'gpu'"),
    ],
)
def test_a_wrong_wish_is_refused_before_anything_starts(monkeypatch, wishes, said):
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: pytest.fail("started"))
    with pytest.raises(RequestError, match=said):
        bench(CONTEXT, "resnet34", **wishes)


def test_a_terminal_shows_the_running_figures_and_is_left_clean():
    """The live line goes to stderr, a terminal here, while stdout is a pipe and gets the JSON alone."""
    program = (
        "import explorer.engine.client as client; "
        f"client.worker_command = lambda: {FAKE_WORKER!r}; "
        "import explorer.cli.bench as command; command.check_name = lambda name: None; "
        "from types import SimpleNamespace; command.bench(SimpleNamespace(obj=None), 'partial', as_json=True)"
    )
    ours, theirs = pty.openpty()
    environment = worker_environment() | {"TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=theirs, env=environment, timeout=30
    )
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert json.loads(done.stdout)["model"] == "partial"
    assert "pretending to measure partial" in shown
    assert "p50 500 ms, 2.00 samples/s" in shown
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l") >= 0, "the cursor is back"


@pytest.mark.xdist_group("torch")
def test_the_command_measures_a_real_model():
    done = explorer("bench", "test_resnet.r160_in1k", "--device", "cpu", "--seconds", "0.1", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["model"] == "test_resnet.r160_in1k"
    assert (result["device"], result["batch_size"], result["img_size"]) == ("cpu", 1, 160)
    assert set(result["latency_ms"]) == {"p50", "p90", "p99", "mean", "min", "max", "std"}
    assert result["samples_per_sec"] > 0
    assert result["settings"]["pretrained"] is False
    assert "\x1b" not in done.stderr
    assert done.stderr.splitlines()[0] == "importing torch and timm"


@pytest.mark.xdist_group("torch")
def test_a_model_of_ones_own(tmp_path):
    (tmp_path / "own.py").write_text(
        "from timm.models import register_model\nfrom timm.models.resnet import resnet18\n"
        "@register_model\ndef own_net(pretrained=False, **kwargs):\n    return resnet18(num_classes=2)\n"
    )
    done = explorer(
        "bench", "own_net", "--with", tmp_path / "own.py", "--img-size", "32", "--device", "cpu", "--seconds", "0.1"
    )
    assert done.returncode == 0, done.stderr
    assert "model       own_net, random weights" in done.stdout


@pytest.mark.xdist_group("torch")
def test_no_cuda_is_a_wrong_request():
    done = explorer("bench", "test_resnet", "--device", "cuda:99", "--seconds", "0.1")
    assert (done.returncode, done.stdout) == (2, "")
    *_, last = done.stderr.splitlines()
    assert last.startswith("error: no ")
    assert "Traceback" not in done.stderr
