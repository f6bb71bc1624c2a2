import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.cli.main import run
from explorer.engine.process import worker_environment
from explorer.results.store import Store
from tests.cli.conftest import Done

FAKE_WORKER = [sys.executable, "-P", str(Path(__file__).parents[1] / "engine" / "fake_worker.py")]
EXPLORER = [sys.executable, "-P", "-m", "explorer"]
WITH_FAKES = (
    "import sys; import explorer.engine.client as client; "
    f"client.worker_command = lambda: {FAKE_WORKER!r}; "
    "from explorer.usecases.choosing import ModelNames; ModelNames.check = lambda *_: None; "
    "from explorer.cli.main import run; sys.exit(run())"
)
"""A program that is explorer with the fake worker."""


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The results file of this test."""
    path = tmp_path / "results.db"
    monkeypatch.setenv("EXPLORER_RESULTS", str(path))
    return path


@pytest.fixture
def bench(results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """``explorer bench`` with a worker that takes what it should do for a model's name, which timm does not have."""
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: FAKE_WORKER)
    monkeypatch.setattr("explorer.usecases.choosing.ModelNames.check", lambda *_: None)

    def call(*arguments: object) -> Done:
        code = run(["bench", *map(str, arguments)])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Done(code, out, err)

    return call


def explorer(*arguments: object, program: list[str] = EXPLORER) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*program, *map(str, arguments)], capture_output=True, text=True, env=worker_environment(), timeout=180
    )


# one model


def test_the_summary_is_aligned_and_says_what_was_measured(bench: Callable[..., Done]) -> None:
    done = bench("partial", "--batch-size", 4)
    facts = {line[:12].strip(): line[12:] for line in done.out.splitlines()}
    assert facts["input"] == "batch of 4, 3×224×112, float32"
    assert facts["latency"] == "p50 10.0 ms (95 %: 9.90 to 10.1)"
    assert facts["throughput"] == "95.2 samples/s"
    assert facts["parameters"] == "21,797,672 (21.80 M)"
    assert facts["memory"].startswith("800 MiB peak resident memory of the worker process")
    assert facts["settings"] == "contiguous, 2 CPU threads"
    assert (done.code, done.err) == (0, "pretending to measure partial\n")


def test_json_is_an_array_of_one_object_a_run(bench: Callable[..., Done]) -> None:
    done = bench("noisy", "--json")
    assert done.out.count("\n") == 1
    (result,) = done.json
    assert result["img_size"] == [224, 112]
    assert result["latency_ms"] == {
        "p50": 10.0, "p90": 11.0, "p99": 12.0, "mean": 10.5, "min": 9.0, "max": 13.0, "std": 0.5, "p50_low": 9.9,
        "p50_high": 10.1,
    }  # fmt: skip


def test_a_notice_is_a_note(bench: Callable[..., Done]) -> None:
    assert f"note: {'x' * 100}" in bench("long").err


def test_an_error_of_the_worker_is_one_line_and_an_exit_code(bench: Callable[..., Done]) -> None:
    done = bench("greedy")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines()[-1] == "error: greedy runs out of memory (lower --batch-size)"


def test_a_failure_is_an_object_of_the_array_with_the_request(bench: Callable[..., Done]) -> None:
    done = bench("greedy", "--json", "--dtype", "bfloat16")
    (failed,) = done.json
    assert done.code == 1
    assert failed["error"] == {
        "kind": "OutOfMemory",
        "message": "greedy runs out of memory",
        "hint": "lower --batch-size",
    }
    assert (failed["model"], failed["request"]["dtype"]) == ("greedy", "bfloat16")


SETTINGS = {
    "--img-size 64": {"img_size": 64},
    "--in-chans 1": {"in_chans": 1},
    "--num-classes 0": {"num_classes": 0},
    "--reparam": {"reparam": True},
    "--set drop_rate=0.1": {"args": {"drop_rate": 0.1}},
    "--device cpu": {"device": "cpu"},
    "--dtype amp": {"dtype": "amp"},
    "--memory-format channels_last": {"memory_format": "channels_last"},
    "--channels-last": {"memory_format": "channels_last"},
    "--compile reduce-overhead": {"compile": "reduce-overhead"},
    "--cuda-graphs": {"cuda_graphs": True},
    "--cudnn-benchmark": {"cudnn_benchmark": True},
    "--no-cudnn-benchmark": {"cudnn_benchmark": False},
    "--no-fused-attn": {"fused_attn": False},
    "--threads 3": {"threads": 3},
    "--no-inference-mode": {"inference_mode": False},
    "--train": {"train": True},
    "--seconds 0.5": {"seconds": 0.5},
    "--iterations 3": {"iterations": 3},
    "--no-backoff": {"backoff": False},
    "--no-roofline": {"roofline": False},
}


@pytest.mark.parametrize("options", SETTINGS)
def test_every_setting_has_an_option(bench: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, options: str) -> None:
    from explorer.protocol.bench import BenchRequest

    asked: list[Any] = []
    monkeypatch.setattr("explorer.cli.bench_command._measure", lambda requests, *_: asked.extend(requests))
    assert bench("hf-hub:any", *options.split()).code == 0
    assert asked == [BenchRequest("hf-hub:any", **SETTINGS[options])]


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ("resnet34 --dtype float8", "float32, tf32, bfloat16"),
        ("resnet34 --batch-size 0", "batch size"),
        ("resnet34 --img-size -5", "image size"),
        ("resnet34 --seconds 0", "seconds"),
        ("resnet34 --device gpu", "no device 'gpu'"),
        ("resnet34 --compile fast", "reduce-overhead"),
        ("resnet34 --set rate", "KEY=VALUE"),
        ("", "no model to measure"),
        ("resnet34 resnet50 --tune", "one model"),
        ("resnet34 resnet50 --vs dtype=amp", "one model"),
        ("resnet34 --tune --vs resnet50", "--tune and --vs"),
        ("resnet34 --keep-dtype", "--tune"),
        ("resnet34 --vs ,", "nothing to compare"),
        ("resnet34 --vs dtyp=amp", "closest: dtype"),
        ("resnet34 --vs threads=many", "whole number"),
        ("resnet34 --vs train=maybe", "on or off"),
        ("resnet34 --vs resnet50,resnet18", "twice"),
        ("resnet34 --vs inference_mode", "very same"),
    ],
)
def test_a_wrong_wish_is_refused_before_anything_starts(
    bench: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, wishes: str, said: str
) -> None:
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: pytest.fail("started"))
    done = bench(*wishes.split())
    assert (done.code, done.out) == (2, "")
    assert said in done.error


@pytest.mark.usefixtures("warm_cache")
def test_an_unknown_name_and_an_unknown_argument_are_refused_with_the_closest(
    explorer: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: pytest.fail("started"))
    assert "resnet34" in explorer("bench", "resnet18", "resnet3").error
    assert "drop_path_rate" in explorer("bench", "resnet34", "--set", "drop_path_rat=0.1").error
    assert "resnet34" in explorer("bench", "resnet18", "--vs", "resnet3").error


def test_the_schema_is_printed_without_a_model(bench: Callable[..., Done]) -> None:
    assert bench("--schema").json["type"] == "array"
    assert set(bench("--schema", "--vs", "").json["properties"]) >= {"a", "b", "ratio"}


# several


def test_several_models_are_a_table_with_what_failed_in_it(bench: Callable[..., Done]) -> None:
    done = bench("partial", "killed", "greedy", "thirsty")
    header, *rows = [line.split("\t") for line in done.out.splitlines()]
    assert [row[0] for row in rows] == ["partial", "killed", "greedy", "thirsty"]
    by_model = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    assert by_model["thirsty"]["samples/s"] == "95.2"
    assert "SIGKILL" in by_model["killed"]["error"]
    assert by_model["greedy"]["error"] == "greedy runs out of memory (lower --batch-size)"
    assert done.code == 1
    assert done.err.splitlines()[-1] == "error: 2 of 4 failed: killed, greedy"
    assert "settings: contiguous, 2 CPU threads" in done.err


def test_each_model_has_a_worker_of_its_own(bench: Callable[..., Done]) -> None:
    results = bench("partial", "noisy", "--json").json
    assert [result["iterations"] for result in results] == [1, 1]


def test_several_results_are_one_array_and_keep_their_order(bench: Callable[..., Done]) -> None:
    done = bench("segfault", "partial", "exits", "--json")
    assert [run.get("error", {}).get("kind") for run in done.json] == ["WorkerDied", None, "WorkerDied"]
    assert done.code == 1


@pytest.mark.usefixtures("warm_cache")
def test_a_pattern_stands_for_the_models_it_is_like(
    bench: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("explorer.cli.bench_command._measure", lambda requests, *_: asked.extend(requests))
    assert bench("resnet18", "resnet3?", "resnet18").code == 0
    assert [request.model for request in asked] == ["resnet18", "resnet34"]
    assert bench("nothing_is_like_*").code == 2


def test_ctrl_c_prints_what_was_measured(results: Path) -> None:
    program = [sys.executable, "-P", "-c", WITH_FAKES, "bench", "partial", "sleeps", "noisy", "--json"]
    environment = worker_environment()
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    assert any(line.startswith("2/3 sleeps") for line in process.stderr)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert [result["model"] for result in json.loads(out)] == ["partial"]
    assert (process.returncode, err.splitlines()[-1]) == (130, "interrupted")
    assert [kept.model for kept in Store(results).runs()] == ["partial"]


# the results file


def test_every_attempt_is_kept_under_its_label(bench: Callable[..., Done], results: Path) -> None:
    bench("partial", "greedy", "--label", "mine")
    done, failed = Store(results).details()[::-1]
    assert (done.run.model, done.run.label, done.run.samples_per_sec) == ("partial", "mine", 95.2)
    assert (failed.run.model, failed.run.label) == ("greedy", "mine")
    assert failed.error == {
        "kind": "OutOfMemory",
        "message": "greedy runs out of memory",
        "hint": "lower --batch-size",
    }
    assert failed.environment is not None
    assert "torch" in failed.environment


def test_no_save_leaves_the_results_alone(bench: Callable[..., Done], results: Path) -> None:
    assert bench("partial", "--no-save").code == 0
    assert not results.exists()


def test_a_results_file_that_cannot_be_written_costs_no_measurement(bench: Callable[..., Done], results: Path) -> None:
    results.write_bytes(b"this is no database, but long enough to be looked at " * 40)
    done = bench("partial", "noisy", "--json")
    assert [result["model"] for result in done.json] == ["partial", "noisy"]
    first, *_, last = done.err.splitlines()
    assert first.startswith("note: what is measured now will not be kept: ")
    assert last.startswith("error: ")
    assert done.code == 1


def test_a_results_file_that_fails_in_the_middle_is_an_error_at_the_end(
    bench: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.errors import StoreError

    def refuse(*_: object, **__: object) -> None:
        raise StoreError("the disk is full", "make room")

    monkeypatch.setattr(Store, "record", refuse)
    done = bench("partial")
    assert "95.2 samples/s" in done.out
    assert (done.code, done.err.splitlines()[-1]) == (1, "error: the disk is full (make room)")


# two, and the search


def test_a_comparison_says_which_is_faster_and_what_differs(bench: Callable[..., Done], results: Path) -> None:
    done = bench("partial", "--vs", "noisy memory-format=channels_last,batch_size=2")
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in done.out.splitlines() if "\t" in line}
    assert rows["model"] == ["partial", "noisy"]
    assert rows["input"] == ["batch of 1, 3×224×112", "batch of 2, 3×224×112"]
    assert rows["memory format"] == ["contiguous", "channels_last"]
    assert "A is 1.23× as fast as B (95 %: 1.21 to 1.25)" in done.out
    assert "alike   2 CPU threads" in done.out
    assert [kept.model for kept in Store(results).runs()] == ["noisy", "partial"]


def test_a_comparison_as_json_is_one_object(bench: Callable[..., Done]) -> None:
    compared = bench("partial", "--vs", "train", "--json").json
    assert (compared["a"]["mode"], compared["b"]["mode"]) == ("infer", "train")
    assert (compared["ratio"], compared["ratio_low"], compared["ratio_high"], compared["rounds"]) == (
        1.234, 1.21, 1.25, 12
    )  # fmt: skip


def test_the_search_shows_its_steps_and_the_way_back(bench: Callable[..., Done], results: Path) -> None:
    done = bench("partial", "--tune")
    assert "memory_format channels_last\t120\t+26.5 %\t1.250–1.280\tyes\t2.0e-04\t100%\t" in done.out
    assert "compile default\t–\t–\t–\tno\t–\t–\ttorch.compile needs a C++ compiler" in done.out
    assert "explorer bench partial --device cpu --memory-format channels_last" in done.out
    assert "memory_format=torch.channels_last" in done.out
    assert "memory_format channels_last: 120 samples/s, +26.5 %, kept" in done.err
    assert len(Store(results).runs()) == 2


def test_a_search_that_finds_nothing_says_so(bench: Callable[..., Done], results: Path) -> None:
    done = bench("tuned-already", "--tune")
    assert "nothing is faster than the defaults" in done.out
    assert len(Store(results).runs()) == 1


def test_the_search_as_json_is_a_measurement_with_more(bench: Callable[..., Done]) -> None:
    from jsonschema import Draft202012Validator

    from explorer.results.schema import load

    found = bench("partial", "--tune", "--json").json
    assert found[0]["tune"]["baseline"]["model"] == found[0]["model"] == "partial"
    assert [step["is_kept"] for step in found[0]["tune"]["steps"]] == [True, False, False]
    assert list(Draft202012Validator(load("bench")).iter_errors(found)) == []


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ("", []),
        ("--keep-dtype", ["dtype"]),
        ("--channels-last --threads 2 --compile off", ["memory_format", "threads", "compile"]),
    ],
    ids=["none", "dtype", "named"],
)
def test_the_search_leaves_alone_what_is_named(
    bench: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, options: str, kept: list[str]
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        "explorer.usecases.benchmarking.search_settings",
        lambda request, keep, *_, **__: asked.append(keep) or sys.exit(0),
    )
    with pytest.raises(SystemExit):
        bench("partial", "--tune", *options.split())
    assert sorted(asked[0]) == sorted(kept)


# a process of its own


def test_a_terminal_shows_the_running_figures_and_is_left_clean() -> None:
    """The live line goes to stderr, a terminal here, while stdout is a pipe and gets the JSON alone."""
    ours, theirs = pty.openpty()
    environment = worker_environment() | {"TERM": "xterm", "COLUMNS": "100"}
    program = [sys.executable, "-c", WITH_FAKES, "bench", "partial", "--json"]
    done = subprocess.run(program, stdout=subprocess.PIPE, stderr=theirs, env=environment, timeout=30)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert json.loads(done.stdout)[0]["model"] == "partial"
    assert "pretending to measure partial" in shown
    assert "p50 500 ms, 2.00 samples/s" in shown
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l") >= 0, "the cursor is back"


WITHOUT = ("rapidfuzz", "platformdirs", "psutil", "textual", "graphviz", "pygraphviz", "pydot", "pynvml", "resvg_py")


def test_the_command_runs_with_torch_timm_networkx_rich_and_typer_alone(tmp_path: Path) -> None:
    refusals = [f"sys.modules[{name!r}] = None" for name in WITHOUT]
    (tmp_path / "sitecustomize.py").write_text("\n".join(["import sys", *refusals]))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])}
    done = subprocess.run(
        [*EXPLORER, "bench", "test_resnet", "--device", "cpu", "--seconds", "0.1", "--json"],
        capture_output=True, text=True, env=environment, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["model"].startswith("test_resnet")
    assert "pip install platformdirs" in done.stderr


@pytest.mark.xdist_group("torch")
def test_the_command_measures_a_real_model(results: Path) -> None:
    done = explorer("bench", "test_resnet.r160_in1k", "--device", "cpu", "--seconds", "0.1", "--json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert result["model"] == "test_resnet.r160_in1k"
    assert (result["device"], result["batch_size"], result["img_size"]) == ("cpu", 1, 160)
    assert result["samples_per_sec"] > 0
    assert result["settings"]["pretrained"] is False
    assert "\x1b" not in done.stderr
    assert "importing torch and timm" in done.stderr.splitlines()
    assert [kept.samples_per_sec for kept in Store(results).runs()] == [result["samples_per_sec"]]


@pytest.mark.xdist_group("torch")
def test_a_model_of_ones_own(tmp_path: Path) -> None:
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
def test_no_cuda_is_a_wrong_request() -> None:
    done = explorer("bench", "test_resnet", "--device", "cuda:99", "--seconds", "0.1")
    assert (done.returncode, done.stdout) == (2, "")
    *_, last = done.stderr.splitlines()
    assert last.startswith("error: no ")
    assert "Traceback" not in done.stderr
