import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from explorer.protocol.bench import BenchRequest
from explorer.results.store import Store
from tests.results.samples import FAILURE, OUT_OF_MEMORY, result

Explorer = Callable[..., Any]

PUBLISHED = """\
model,infer_img_size,infer_samples_per_sec,infer_step_time,infer_batch_size,param_count,infer_gmacs,infer_macts
resnet34,224,4000,64.0,256,21.8,3.67,3.74
resnet50,224,2000,128.0,256,25.56,4.11,11.11
vit_tiny,384,900,284.4,256,5.7,4.7,25.39
"""


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def measured(store: Store) -> Store:
    """Four runs: a resnet34 twice, a vit_tiny, and a resnet50 that failed."""
    store.record(result(samples_per_sec=500.0))
    store.record(result(model="resnet34.a1_in1k", samples_per_sec=1000.0), label="after")
    store.record(result(model="vit_tiny", device="cpu", dtype="amp", mode="train", batch_size=1))
    store.keep(BenchRequest("resnet50", 4096), OUT_OF_MEMORY)
    return store


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "rtx.csv"
    path.write_text(PUBLISHED)
    return path


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


def test_nothing_kept_is_no_failure_and_makes_no_file(explorer: Explorer, store: Store) -> None:
    for arguments in (("results",), ("results", "list")):
        done = explorer(*arguments)
        assert done.code == 0
        assert done.err.startswith(f"note: no run is kept yet in {store.path}")
    assert explorer("results", "list", "--json").json == []
    assert explorer("results", "--json").json == []
    assert not store.path.parent.exists()


def test_a_list_is_of_all_attempts_the_newest_first(explorer: Explorer, measured: Store) -> None:
    done = explorer("results")
    rows = table(done.out)

    assert (done.code, done.err) == (0, "")
    assert explorer("results", "list").out == done.out
    assert [(row["id"], row["model"], row["status"]) for row in rows] == [
        ("4", "resnet50", "failed"),
        ("3", "vit_tiny", "done"),
        ("2", "resnet34.a1_in1k", "done"),
        ("1", "resnet34", "done"),
    ]
    assert (rows[2]["label"], rows[2]["samples_per_sec"], rows[2]["img_size"]) == ("after", "1000.0", "224")


def test_the_list_as_json(explorer: Explorer, measured: Store) -> None:
    assert explorer("results", "list", "--json").json == [run.to_json() for run in measured.runs()]


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (("resnet34",), [2, 1]),
        (("vit*", "resnet50"), [4, 3]),
        (("--device", "cuda"), [2, 1]),
        (("--device", "fast"), [3, 2, 1]),
        (("--dtype", "amp"), [3]),
        (("--label", "after"), [2]),
        (("--source", "measured", "--mode", "infer"), [4, 2, 1]),
        (("--failed",), [4]),
        (("--since", "1h"), [4, 3, 2, 1]),
        (("--since", "2001-01-31"), [4, 3, 2, 1]),
        (("--limit", "2"), [4, 3]),
        (("--mode", "train", "vit*"), [3]),
    ],
    ids=lambda a: " ".join(map(str, a)) if isinstance(a, tuple) else "",
)
def test_what_a_list_is_narrowed_to(
    explorer: Explorer, measured: Store, arguments: tuple[str, ...], ids: list[int]
) -> None:
    done = explorer("results", "list", *arguments)

    assert (done.code, [int(row["id"]) for row in table(done.out)]) == (0, ids)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "resnet35"), "resnet34"),
        (("list", "--label", "aftr"), "closest: after"),
        (("list", "--since", "9999-01-01"), "no run matches these filters"),
        (("list", "--since", "yesterday"), "--since is no time"),
        (("list", "--since", "99999999999w"), "--since is no time"),
        (("list", "--source", "mesured"), "measured or imported"),
        (("list", "--mode", "eval"), "infer or train"),
        (("list", "--limit", "0"), "--limit"),
        (("--json", "list"), "results list --json"),
        (("show", "5"), "there are 1-4"),
        (("show", "99999999999999999999"), "there are 1-4"),
        (("show", "resnet34"), "ID"),
        (("compare", "1", "9"), "there are 1-4"),
        (("compare", "1", "4"), "run 4 failed"),
        (("compare", "mine", "aftr"), "closest: after"),
        (("compare", "mine"), "B"),
        (("export", "x.txt"), ".csv or .json"),
        (("export", "x.csv", "--format", "xml"), "csv or json"),
        (("export", "no/such/folder/x.csv"), "no folder"),
        (("export", "x.csv", "--model", "none"), "no run matches"),
        (("export", "x.csv", "--label", "none"), "no label"),
        (("import", "none.csv"), "No such file"),
        (("import",), "FILE"),
        (("delete",), "ids of runs"),
        (("delete", "1", "9"), "there are 1-4"),
        (("delete", "--label", "none"), "closest: after"),
        (("lst",), "lst"),
    ],
    ids=lambda a: " ".join(a) if isinstance(a, tuple) else "",
)
def test_a_wrong_request_changes_nothing(
    explorer: Explorer,
    measured: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = explorer("results", *arguments)

    assert done.code == 2
    assert said in done.error
    assert len(measured.runs()) == 4
    assert list(tmp_path.iterdir()) == []


def test_json_of_nothing_that_matches_is_an_empty_list(explorer: Explorer, measured: Store) -> None:
    done = explorer("results", "list", "none*", "--json")

    assert (done.code, done.json) == (2, [])
    assert done.error


def test_a_run_is_shown_with_all_that_is_kept(explorer: Explorer, measured: Store) -> None:
    done = explorer("results", "show", "2")
    lines = {line[:12].strip(): line[12:].strip() for line in done.out.splitlines()}

    assert done.code == 0
    assert lines["run"].endswith("label after")
    assert lines["throughput"] == "1,000 samples/s"
    assert "  memory_format  contiguous" in done.out
    assert "  device_name  A Fast Device" in done.out
    assert explorer("results", "show", "2", "--json").json["result"] == measured.run(2).result


def test_a_failure_is_shown_with_its_error(explorer: Explorer, measured: Store) -> None:
    done = explorer("results", "show", "4")

    assert done.code == 0
    assert "OutOfMemory: resnet50 runs out of memory (lower --batch-size)" in done.out
    assert re.search(r"batch_size +4096\n", done.out)
    assert explorer("results", "show", "4", "--json").json["error"] == FAILURE


def test_a_run_of_another_explorers_is_shown_as_far_as_it_is_understood(explorer: Explorer, store: Store) -> None:
    store.record({"model": "resnet34", "samples_per_sec": 7.0, "img_size": 224, "settings": {"threads": 3}})
    store.record({**result(), "invented_later": 1})

    assert "7.00 samples/s" in explorer("results", "show", "1").out
    assert "threads  3" in explorer("results", "show", "1").out
    assert "A Fast Device" in explorer("results", "show", "2").out


def test_two_runs_are_compared(explorer: Explorer, measured: Store) -> None:
    done = explorer("results", "compare", "2", "1")
    found = explorer("results", "compare", "2", "1", "--json").json

    assert done.code == 0
    assert "A is 2.000× as fast as B (95 %: 1.972 to 2.028)" in done.out
    assert table(done.out[done.out.index("differs") :]) == [
        {"differs": "model", "A": "resnet34.a1_in1k", "B": "resnet34"}
    ]
    assert found["samples_per_sec_ratio"] == 2.0
    assert found["ratio_low"] < 2.0 < found["ratio_high"]
    assert found["differences"] == [{"name": "model", "a": "resnet34.a1_in1k", "b": "resnet34"}]


def test_no_difference_is_claimed_that_the_intervals_do_not_show(explorer: Explorer, store: Store) -> None:
    store.record(result())
    store.record(result(samples_per_sec=1001.0))
    out = explorer("results", "compare", "1", "2").out

    assert "no difference shown" in out
    assert "nothing that is known differs" in out


def test_my_runs_against_the_published_ones(explorer: Explorer, measured: Store, published: Path) -> None:
    explorer("results", "import", published, "--label", "rtx4090")
    done = explorer("results", "compare", "mine", "rtx4090")

    assert done.code == 0
    rows = table(done.out[: done.out.index("median")])
    assert [(row["model"], row["mine"], row["rtx4090"], row["ratio"]) for row in rows] == [
        ("resnet34", "500", "4,000", "0.125"),
        ("resnet34.a1_in1k", "1,000", "4,000", "0.250"),
    ]
    assert "median ratio 0.188 over 2 models" in done.out
    assert "note: dtype of one side is not known in 2 of 2" in done.err
    assert "only in rtx4090: resnet50, vit_tiny" in done.err
    found = explorer("results", "compare", "mine", "rtx4090", "--json").json
    assert found["median_ratio"] == 0.1875
    assert [pair["ratio"] for pair in found["pairs"]] == [0.125, 0.25]


def test_a_run_is_compared_with_a_label(explorer: Explorer, measured: Store, published: Path) -> None:
    explorer("results", "import", published)

    assert [pair["ratio"] for pair in explorer("results", "compare", "1", "rtx", "--json").json["pairs"]] == [0.125]


def test_a_label_without_speeds_has_nothing_to_compare(explorer: Explorer, measured: Store, tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("model,infer_img_size,param_count,infer_gmacs\nresnet34,224,21.8,3.67\n")
    assert explorer("results", "import", path).code == 0
    done = explorer("results", "compare", "mine", "metrics")

    assert (done.code, done.out) == (2, "")
    assert "nothing to compare" in done.error
    assert "1 of metrics without samples/s" in done.error
    assert explorer("results", "compare", "mine", "metrics", "--json").json["pairs"] == []


def test_mine_is_nothing_before_a_measurement(explorer: Explorer, published: Path) -> None:
    explorer("results", "import", published)

    assert "nothing is measured here yet" in explorer("results", "compare", "mine", "rtx").error


def test_importing_twice_says_that_all_is_there(explorer: Explorer, store: Store, published: Path) -> None:
    first, again = (explorer("results", "import", published) for _ in range(2))

    assert first.out == "rtx: 3 added, 0 replaced, 0 there already, 0 left out\n"
    assert again.out == "rtx: 0 added, 0 replaced, 3 there already, 0 left out\n"
    assert len(store.runs()) == 3


def test_rows_that_make_no_sense_are_named_and_left_out(explorer: Explorer, published: Path) -> None:
    published.write_text(PUBLISHED + "resnet18,224,fast,1,1,1,1,1\nresnet26\n" + "x\n" * 9)
    done = explorer("results", "import", published, "--json")

    assert done.code == 0
    assert (done.json[0]["added"], done.json[0]["label"]) == (3, "rtx")
    assert [row["line"] for row in done.json[0]["skipped"]] == list(range(5, 16))
    notes = done.err.splitlines()
    assert notes[0] == f"note: left out {published}:5: infer_samples_per_sec is no number: 'fast'"
    assert notes[-1] == f"note: left out 6 more rows of {published} (--json has all)"


def test_a_wrong_file_among_several_imports_none(explorer: Explorer, store: Store, published: Path) -> None:
    wrong = published.with_name("wrong.csv")
    wrong.write_text("a,b\n1,2\n")
    done = explorer("results", "import", published, wrong)

    assert done.code == 2
    assert f"{wrong} is none of timm's results files" in done.error
    assert store.runs() == []


@pytest.mark.parametrize("label", ["", " ", "mine", "12"])
def test_a_label_that_would_be_mistaken(explorer: Explorer, store: Store, published: Path, label: str) -> None:
    assert "cannot be a label" in explorer("results", "import", published, "--label", label).error
    assert store.runs() == []


def test_an_export_lies_beside_timms_own(explorer: Explorer, measured: Store, tmp_path: Path) -> None:
    piped = explorer("results", "export", "--mode", "infer")
    done = explorer("results", "export", tmp_path / "out.csv", "--mode", "infer")

    assert (piped.code, done.code, done.out) == (0, 0, "")
    assert (tmp_path / "out.csv").read_text() == piped.out
    rows = list(csv.DictReader(io.StringIO(piped.out)))
    assert [row["model"] for row in rows] == ["resnet34.a1_in1k", "resnet34"]
    assert set(PUBLISHED.splitlines()[0].split(",")) == set(rows[0])


def test_an_export_as_json_has_all_that_is_kept(explorer: Explorer, measured: Store, tmp_path: Path) -> None:
    explorer("results", "export", tmp_path / "out.json", "--model", "resnet34")

    assert json.loads((tmp_path / "out.json").read_text()) == [measured.run(i).to_json() for i in (2, 1)]
    assert json.loads(explorer("results", "export", "--json", "--model", "vit*").out)[0]["id"] == 3


def test_runs_are_deleted_by_id_and_by_label(explorer: Explorer, measured: Store) -> None:
    assert explorer("results", "delete", "4").out == "1 run deleted\n"
    assert explorer("results", "delete", "1", "--label", "after", "--json").json == {"deleted": 2}
    assert [run.id for run in measured.runs()] == [3]


def test_the_place_of_the_file(explorer: Explorer, measured: Store) -> None:
    assert explorer("results", "path").out == f"{measured.path}\n"
    assert explorer("results", "path", "--json").json == {"path": str(measured.path), "exists": True}


@pytest.mark.parametrize("arguments", [("list",), ("show", "1"), ("compare", "1", "2"), ("export",), ("delete", "1")])
def test_a_damaged_file_is_one_line(explorer: Explorer, measured: Store, arguments: tuple[str, ...]) -> None:
    measured.path.write_bytes(b"garbage" * 1000)
    done = explorer("results", *arguments)

    assert (done.code, done.out) == (1, "")
    assert "is damaged" in done.error
    assert f"mv {measured.path}" in done.error


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the clock's zone cannot be set here")
def test_times_without_a_zone_are_this_machines(
    explorer: Explorer, measured: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC-9")
    time.tzset()
    moment = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=8)
    codes = [explorer("results", "list", "--since", f"{moment:%Y-%m-%dT%H:%M}{zone}").code for zone in ("", "Z")]
    monkeypatch.undo()
    time.tzset()

    assert codes == [0, 2]


HEAVY = {"torch", "timm", "textual", "networkx", "rapidfuzz", "rich.console", "asyncio"}


def test_a_list_imports_nothing_heavy(measured: Store) -> None:
    code = (
        "import sys\nfrom explorer.cli.main import run\nrun(['results', 'list'])\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert HEAVY & set(done.stderr.split()) == set()


def on_a_terminal(columns: int, *arguments: str) -> list[str]:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    command = [sys.executable, "-P", "-m", "explorer", "results", *arguments]
    subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, env=environment, timeout=60, check=True)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m|\r", "", shown).splitlines()


@pytest.mark.parametrize("columns", [80, 200])
def test_a_list_fits_the_terminal(measured: Store, columns: int) -> None:
    measured.record(result(model="vit_base_patch16_clip_224.laion2b_ft_in12k_in1k"))
    lines = on_a_terminal(columns, "list")

    assert max(map(len, lines)) <= columns
    assert any("1000" not in line and "1,000" in line and "256×224 float32" in line for line in lines)
    assert any("4096×?" in line and "failed" in line for line in lines)
