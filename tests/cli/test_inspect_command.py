"""``explorer inspect``, by workers that only pretend."""

import csv
import io
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import validate

from explorer.engine.process import worker_environment
from explorer.report.inspect_csv import COLUMNS, LAYER_COLUMNS
from explorer.results.schema import load
from tests.cli.conftest import Done
from tests.report.layer_samples import LAYERS

FAKE_INSPECTOR = [sys.executable, "-P", str(Path(__file__).parents[1] / "usecases" / "fake_inspector.py")]

Explorer = Callable[..., Done]


@pytest.fixture
def inspected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm_cache: None) -> Path:
    """Workers that only pretend, and the file they note finished models in."""
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: FAKE_INSPECTOR)
    monkeypatch.setenv("INSPECTED", str(tmp_path / "inspected"))
    return tmp_path / "inspected"


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch, warm_cache: None) -> None:
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: pytest.fail("started"))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


# one model


@pytest.mark.usefixtures("inspected")
def test_piped_the_table_has_plain_numbers_and_the_totals_stand_below(explorer: Explorer) -> None:
    done = explorer("inspect", "test_vit")
    assert done.code == 0
    table, facts, levels = done.out.split("\n\n")
    header, model, *layers = (line.split("\t") for line in table.splitlines())
    assert header[:7] == ["layer", "count", "depth", "class", "input", "output", "params"]
    assert model[:4] == ["test_vit", "1", "0", "ToyNet"]
    assert [layer[:4] for layer in layers][1:3] == [
        ["blocks", "1", "1", "Sequential"],
        ["blocks.0–2", "3", "2", "Block"],
    ]
    assert layers[2][header.index("stage")] == "1–3"
    lines = {line[:14].strip(): line[14:] for line in facts.splitlines()}
    assert lines["parameters"] == "8"
    assert lines["MACs"].startswith("1,000,000,000 (1.00 G)")
    assert lines["MACs, fvcore"].startswith("2,000,000,000 (2.00 G)")
    assert lines["device"].startswith("ran on meta, built on cpu")
    assert lines["features"] == "3 levels declared, 2 measured, 1 differ"
    assert lines["not counted"] == "relu ×4, add ×3, mean"
    assert [line.split("\t")[-1] for line in levels.splitlines()] == ["", "✓", "≠ differs", ""]


@pytest.mark.usefixtures("inspected")
def test_narration_says_what_is_folded(explorer: Explorer) -> None:
    *_, rest, each = explorer("inspect", "test_vit").err.splitlines()
    assert rest == f"{len(LAYERS)} layers in 7 rows: --depth N opens more, --full all"
    assert "×N" in each


@pytest.mark.usefixtures("inspected")
def test_full_shows_every_layer_and_depth_only_some(explorer: Explorer) -> None:
    def count(*options: object) -> int:
        return len(explorer("inspect", "test_vit", *options).out.split("\n\n")[0].splitlines()) - 1

    assert count("--full") == len(LAYERS)
    assert count("--depth", 1) == 4
    assert count("--depth", 0) == 1


@pytest.mark.usefixtures("inspected")
def test_sort_and_filter_give_a_flat_list(explorer: Explorer) -> None:
    done = explorer("inspect", "test_vit", "--sort", "macs", "--filter", "conv")
    table = done.out.split("\n\n")[0].splitlines()[1:]
    assert [line.split("\t")[0] for line in table] == ["stem", "blocks.0.conv", "blocks.1.conv", "blocks.2.conv"]


@pytest.mark.usefixtures("inspected")
def test_json_is_one_object_that_fits_its_schema(explorer: Explorer) -> None:
    found = explorer("inspect", "test_vit", "--json").json
    validate(found, load("inspect"))
    assert {"model", "img_size", "device", "totals", "layers", "feature_info", "uncounted"} <= found.keys()
    assert {"params", "macs", "macs_fvcore", "activations"} <= found["totals"].keys()
    assert [layer["name"] for layer in found["layers"]] == [layer.name for layer in LAYERS]
    assert {"name", "class", "input_shape", "output_shape", "params", "macs", "activations"} <= found["layers"][
        0
    ].keys()


def test_the_schema_is_printed_without_a_model(explorer: Explorer, no_worker: None) -> None:
    assert explorer("inspect", "--schema").json == load("inspect")


@pytest.mark.usefixtures("inspected")
def test_csv_has_a_row_a_layer(explorer: Explorer, tmp_path: Path) -> None:
    done = explorer("inspect", "test_vit", "--csv", tmp_path / "l.csv")
    assert (done.code, done.out) == (0, "")
    found = rows((tmp_path / "l.csv").read_text())
    assert tuple(found[0]) == LAYER_COLUMNS
    assert len(found) == len(LAYERS)


@pytest.mark.usefixtures("inspected")
def test_options_reach_the_worker(explorer: Explorer) -> None:
    options = ("--img-size", 192, "--features-only", "--set", "act_layer=silu", "--set", "drop-path-rate=0.1")
    settings = explorer("inspect", "test_vit", *options, "--json").json["settings"]
    arguments = {"act_layer": "silu", "drop_path_rate": 0.1}
    assert settings == {"img_size": 192, "features_only": True, "args": arguments}


@pytest.mark.usefixtures("no_worker")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["resnet34x"], "no model 'resnet34x' (closest: resnet34"),
        ([], "no model to inspect"),
        (["resnet34", "--sort", "parms"], "closest: params"),
        (["resnet34", "--set", "drop_path_rat=0.1"], "takes no argument 'drop_path_rat' (closest: drop_path_rate"),
        (["resnet34", "--set", "drop_path_rate"], "--set takes KEY=VALUE"),
        (["resnet34", "--set", "layers=(1,)", "--set", "layers=(2,)"], "stands twice"),
        (["resnet34", "--set", "block_args={1,2}"], "no value that can be handed on"),
        (["resnet34", "--img-size", "0"], "image size"),
        (["resnet34", "--json", "--csv", "-"], "--json and --csv"),
        (["resnet34", "--csv", "nowhere/at/all.csv"], "there is no folder"),
        (["resnet34", "--depth", "2", "--sort", "macs"], "--depth opens the tree"),
        (["resnet34", "resnet50", "--depth", "2"], "are for one model"),
        (["--all", "resnet34"], "--all takes patterns"),
        (["resnetx*"], "nothing matches resnetx*"),
        (["resnet34", "resnet35"], "no model 'resnet35'"),
        (["resnet34", "resnet50", "--set", "bogus=1"], "takes no argument 'bogus'"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else None,
)  # fmt: skip
def test_a_wrong_wish_is_refused_before_anything_starts(explorer: Explorer, line: list[str], said: str) -> None:
    done = explorer("inspect", *line)
    assert done.code == 2
    assert said in done.error
    assert done.out == ""


@pytest.mark.usefixtures("inspected")
def test_a_killed_worker_is_one_line(explorer: Explorer) -> None:
    done = explorer("inspect", "test_resnet")
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("error: the worker was ended by SIGKILL")


def test_it_runs_the_installed_timm_alone(explorer: Explorer, toy: Path, no_worker: None) -> None:
    done = explorer("--timm", toy, "inspect", "toy_small")
    assert done.code == 2
    assert "inspect runs the timm that is installed" in done.error


# on a terminal

PROGRAM = """
import sys
import explorer.engine.client as client
client.worker_command = lambda: {worker!r}
from explorer.cli.main import run
sys.exit(run({line!r}))
"""


def on_terminal(width: int, *line: str) -> str:
    """What a terminal of this width is shown on stdout."""
    ours, theirs = pty.openpty()
    program = PROGRAM.format(worker=FAKE_INSPECTOR, line=list(line))
    environment = worker_environment() | {"TERM": "xterm", "COLUMNS": str(width), "NO_COLOR": "1"}
    done = subprocess.Popen([sys.executable, "-c", program], stdout=theirs, stderr=subprocess.PIPE, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 1 << 16):
            shown += data
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    _, error = done.communicate(timeout=60)
    assert done.returncode == 0, error
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode().replace("\r\n", "\n"))


@pytest.mark.usefixtures("warm_cache")
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_on_a_terminal_every_line_fits_and_a_wide_one_has_more_columns(width: int) -> None:
    shown = on_terminal(width, "inspect", "test_vit")
    header = next(line for line in shown.splitlines() if "layer" in line)
    assert {"layer", "output", "params", "MACs"} <= set(header.split())
    assert ("activations" in header) is (width >= 120)
    assert ("fvcore" in header) is (width >= 200)
    assert max(map(len, shown.splitlines())) <= width
    assert "│ └╴0–2 ×3" in shown
    assert "8×4×4" in shown


# several models


@pytest.mark.usefixtures("inspected")
def test_several_models_are_a_table_of_totals(explorer: Explorer) -> None:
    done = explorer("inspect", "test_vit", "test_vit2")
    assert done.code == 0
    header, *found = (line.split("\t") for line in done.out.splitlines())
    assert header == ["model", "img_size", "params", "MACs", "MACs, fvcore", "activations", "device", "error"]
    assert found == [
        ["test_vit", "8", "8", "1000000000", "2000000000", "3", "meta", ""],
        ["test_vit2", "8", "9", "1000000000", "2000000000", "3", "meta", ""],
    ]


@pytest.mark.usefixtures("inspected")
def test_json_of_several_is_an_array_with_the_failures_in_it(explorer: Explorer) -> None:
    done = explorer("inspect", "test_vit", "test_efficientnet", "--json")
    assert done.code == 1
    validate(done.json, load("inspect"))
    good, bad = done.json
    assert (good["model"], good["layers"], good["totals"]["params"]) == ("test_vit", [], 8)
    assert (bad["model"], bad["error"]["kind"]) == ("test_efficientnet", "EngineError")


def test_one_failure_does_not_stop_the_rest_and_is_named(explorer: Explorer, inspected: Path, tmp_path: Path) -> None:
    done = explorer(
        "inspect", "test_vit*", "test_resnet", "test_efficientnet", "test_vit2", "--csv", tmp_path / "t.csv"
    )
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("error: 2 of ")
    assert "test_resnet, test_efficientnet" in done.err.splitlines()[-1]
    found = {row["model"]: row for row in rows((tmp_path / "t.csv").read_text())}
    assert tuple(found["test_vit"]) == COLUMNS
    assert found["test_resnet"]["error"].startswith("WorkerDied: the worker was ended by SIGKILL")
    assert found["test_efficientnet"]["error"].startswith("EngineError: test_efficientnet cannot be built")
    assert {"test_vit", "test_vit2"} <= set(inspected.read_text().split())


def test_a_second_run_does_what_is_missing_and_what_may_pass(
    explorer: Explorer, inspected: Path, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    names = ["test_vit", "test_efficientnet", "test_mambaout", "test_vit2"]
    explorer("inspect", *names[:3], "--csv", path)
    done = explorer("inspect", *names, "--csv", path)
    assert done.code == 1
    assert "2 of 4 models are in" in done.err
    assert "error: 2 of 4 models failed: test_efficientnet, test_mambaout" in done.err
    assert inspected.read_text().split() == ["test_vit", "test_vit2"]
    assert sorted(row["model"] for row in rows(path.read_text())) == sorted(names)
    again = explorer("inspect", "test_vit", "test_vit2", "--csv", path)
    assert (again.code, inspected.read_text().split()) == (0, ["test_vit", "test_vit2"])


def test_all_are_the_current_names(explorer: Explorer, inspected: Path, tmp_path: Path) -> None:
    done = explorer("inspect", "--all", "resnet18*", "tv_resnet*", "--csv", tmp_path / "t.csv")
    assert done.code == 2
    assert "nothing matches tv_resnet*" in done.err.splitlines()[-1]
    explorer("inspect", "--all", "resnet18*", "--csv", tmp_path / "t.csv")
    assert "resnet18" in inspected.read_text().split()


@pytest.mark.usefixtures("inspected")
def test_csv_to_stdout_comes_row_by_row(explorer: Explorer) -> None:
    done = explorer("inspect", "test_vit", "test_vit2", "--csv", "-")
    assert done.code == 0
    assert {row["model"] for row in rows(done.out)} == {"test_vit", "test_vit2"}


@pytest.mark.usefixtures("warm_cache")
def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    path, started = tmp_path / "t.csv", tmp_path / "started"
    line = ["inspect", "test_vit", "test_vit2", "test_vit3", "--csv", str(path)]
    program = PROGRAM.format(worker=FAKE_INSPECTOR, line=line)
    environment = worker_environment() | {"STARTED": str(started)}
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, env=environment)
    deadline = time.monotonic() + 60
    while not (started.exists() and path.exists() and len(rows(path.read_text())) == 2):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(2)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert error.decode().splitlines()[-1] == "interrupted"
    assert sorted(row["model"] for row in rows(path.read_text())) == ["test_vit", "test_vit2"]
