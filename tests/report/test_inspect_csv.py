"""Tables of totals that are added to over time, and tables of layers."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from explorer.engine.pool import Outcome
from explorer.errors import EngineError, ExplorerError, OutOfMemory, OutputError, RequestError, WorkerDied, WorkerSilent
from explorer.protocol.inspect import InspectRequest
from explorer.report.inspect_csv import (
    COLUMNS,
    LAYER_COLUMNS,
    TotalsFile,
    layers_csv,
    options_text,
    outcome_row,
)
from tests.report.layer_samples import LAYERS, inspected, layer


def good(name: str, timm: str = "1.0.31", options: str = "") -> dict[str, Any]:
    return outcome_row(Outcome(name, 0.0, value=inspected()), timm, options)


def bad(name: str, error: ExplorerError) -> dict[str, Any]:
    return outcome_row(Outcome(name, 0.0, error), "1.0.31", "")


def write(path: Path, rows: Sequence[dict[str, Any]], timm: str = "1.0.31", options: str = "") -> None:
    file = TotalsFile(path, timm, options)
    with file.open([row["model"] for row in rows]) as add:
        for row in rows:
            add(row)


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def models(path: Path) -> list[str]:
    return [row["model"] for row in rows_of(path)]


def test_totals_are_plain_whole_numbers(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", [good("toynet")])
    (row,) = rows_of(tmp_path / "t.csv")
    assert row == {
        "model": "toynet", "img_size": "8", "params": "21797672", "macs": "3663761408", "macs_fvcore": "3671262720",
        "activations": "37", "buffers": "17060", "device": "meta", "built_on": "cpu", "timm": "1.0.31", "error": "",
        "options": "",
    }  # fmt: skip


def test_no_cell_is_a_formula_or_two_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write(path, [bad("=cmd()", EngineError("no\x1b[31m")), good("a\nb")])
    write(path, [good("=cmd()")])
    assert [(row["model"], row["error"]) for row in rows_of(path)] == [("a\\nb", ""), ("'=cmd()", "")]
    table = layers_csv([layer("@SUM(1)", "-1")])
    (row,) = csv.DictReader(io.StringIO(table))
    assert (row["name"], row["class"]) == ("'@SUM(1)", "-1")


def test_what_is_in_the_file_is_done_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write(path, [good("a"), bad("b", EngineError("b cannot be built"))])
    assert TotalsFile(path, "1.0.31", "").done().keys() == {"a", "b"}
    write(path, [good("c")])
    assert models(path) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "error",
    [
        OutOfMemory("b runs out of memory on cpu"),
        WorkerDied("the worker was ended"),
        WorkerSilent("nothing came of running b"),
        EngineError("no cuda"),
    ],
    ids=["memory", "worker", "time", "not of the model"],
)
def test_a_failure_that_may_pass_is_tried_again_and_replaced(tmp_path: Path, error: ExplorerError) -> None:
    path = tmp_path / "t.csv"
    write(path, [bad("b", error), good("a")])
    assert TotalsFile(path, "1.0.31", "").done().keys() == {"a"}
    write(path, [good("b")])
    assert models(path) == ["a", "b"]
    assert TotalsFile(path, "1.0.31", "").done().keys() == {"a", "b"}


def test_rows_of_another_timm_or_other_options_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write(path, [good("a", "1.0.20")], "1.0.20")
    wider = options_text(InspectRequest("a", img_size=288))
    assert TotalsFile(path, "1.0.31", "").done() == {}
    write(path, [good("a")])
    assert TotalsFile(path, "1.0.31", wider).done() == {}
    write(path, [good("a", options=wider)], options=wider)
    assert models(path) == ["a", "a", "a"]
    assert TotalsFile(path, "1.0.31", wider).done().keys() == {"a"}


def test_options_are_what_changes_the_totals() -> None:
    assert options_text(InspectRequest("a", batch_size=8, totals_only=True)) == ""
    wish = InspectRequest("a", img_size=288, features_only=True, args={"depth": 3})
    assert options_text(wish) == '{"args":{"depth":3},"features_only":true,"img_size":288}'


@pytest.mark.parametrize("torn", range(1, 60, 7))
def test_a_torn_end_is_mended(tmp_path: Path, torn: int) -> None:
    path = tmp_path / "t.csv"
    write(path, [good("a"), good("b")])
    path.write_bytes(path.read_bytes()[:-torn])
    assert TotalsFile(path, "1.0.31", "").done().keys() == {"a"}
    write(path, [good("b")])
    assert models(path) == ["a", "b"]
    assert path.read_text().count("\n") == 3


def test_a_torn_header_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("model,img_s")
    write(path, [good("a")])
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)
    assert models(path) == ["a"]


def test_a_file_of_something_else_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("dear diary,\nnothing happened\n")
    with pytest.raises(RequestError, match="no table of totals"):
        TotalsFile(path, "1.0.31", "")
    assert path.read_text() == "dear diary,\nnothing happened\n"


def test_an_error_of_many_lines_stays_one_row(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", [bad("a", EngineError('a fails:\n "x", y'))])
    (row,) = rows_of(tmp_path / "t.csv")
    assert row["error"] == 'EngineError: a fails: "x", y'
    assert (tmp_path / "t.csv").read_text().count("\n") == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_clear_error() -> None:
    with (
        pytest.raises(OutputError, match="cannot write /dev/full: No space left"),
        TotalsFile(Path("/dev/full"), "1.0.31", "").open(["a"]) as add,
    ):
        add(good("a"))


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(OutputError, match="cannot write"), TotalsFile(tmp_path / "t.csv", "1.0.31", "").open(["a"]):
        pass


def test_layers_are_a_row_each_with_every_field() -> None:
    two = layer("both", output_shape=((1, 2, 3), (4,)), input_shape=None)
    rows = list(csv.DictReader(io.StringIO(layers_csv([*LAYERS, two]))))
    assert tuple(rows[0]) == LAYER_COLUMNS
    assert [row["name"] for row in rows] == [*(part.name for part in LAYERS), "both"]
    assert (rows[1]["class"], rows[1]["input_shape"], rows[1]["stage"]) == ("Conv2d", "1x3x8x8", "0")
    assert (rows[-1]["input_shape"], rows[-1]["output_shape"]) == ("", "1x2x3 4")
