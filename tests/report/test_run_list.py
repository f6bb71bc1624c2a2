from datetime import datetime, timedelta
from typing import Any

import pytest

from explorer.report.run_list import (
    RAW_HEADERS,
    comparison_facts,
    pair_rows,
    raw_row,
    run_facts,
    run_table,
    settings_in_short,
    side_notes,
    size_in_short,
    text,
)
from explorer.results.run_comparison import Comparison, OtherSize, Pair, RunDifference, SideBySide
from explorer.results.runs import FAILED, IMPORTED, Run, RunDetails
from tests.results.samples import FAILURE, result

NOW = datetime.now().astimezone()


def run(number: int = 1, **values: Any) -> Run:
    facts: dict[str, Any] = {
        "created_at": NOW.isoformat(), "label": "", "source": "measured", "status": "done", "model": "resnet34",
        "mode": "infer", "device": "cuda:0", "device_name": "A Fast Device", "dtype": "float32", "batch_size": 256,
        "img_size": 224, "samples_per_sec": 1234.5678, "latency_p50_ms": 10.25,
    }  # fmt: skip
    return Run(id=number, **{**facts, **values})


def test_columns_that_hold_nothing_are_left_out() -> None:
    headers, rows, right = run_table([run(), run(2)], width=120)

    assert headers == ["id", "when", "model", "device", "settings", "samples/s", "p50 ms"]
    assert [headers[i] for i in right] == ["id", "samples/s", "p50 ms"]
    assert rows[0][2:5] == ["resnet34", "cuda:0", "256×224 float32"]


def test_on_a_narrow_terminal_labels_take_the_room_of_latencies() -> None:
    assert "p50 ms" in run_table([run(label="mine")], width=120)[0]
    assert "p50 ms" not in run_table([run(label="mine")], width=80)[0]


def test_a_failure_has_no_speed() -> None:
    headers, (row,), _ = run_table([run(status=FAILED, samples_per_sec=None, latency_p50_ms=None)], width=120)
    assert row[headers.index("samples/s")] == "failed"


def test_an_imported_run_is_of_the_device_it_names() -> None:
    headers, (row,), _ = run_table([run(source=IMPORTED)], width=120)
    assert row[headers.index("device")] == "A Fast Device"


@pytest.mark.parametrize(("ago", "shape"), [(timedelta(), "00:00"), (timedelta(days=800), "0000-00")])
def test_the_older_a_run_is_the_coarser_is_its_time(ago: timedelta, shape: str) -> None:
    _, (row,), _ = run_table([run(created_at=(NOW - ago).isoformat())], width=120)
    assert "".join("0" if c.isdigit() else c for c in row[1]) == shape


def test_for_programs_nothing_is_rounded_and_what_is_not_known_is_empty() -> None:
    cells = dict(zip(RAW_HEADERS, raw_row(run(img_size=(224, 112), dtype=None)), strict=True))
    assert (cells["samples_per_sec"], cells["img_size"], cells["dtype"]) == ("1234.5678", "224x112", "")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "256×224 float32"),
        ({"mode": "train", "img_size": (224, 112)}, "256×224×112 float32 train"),
        ({"batch_size": None, "img_size": None, "dtype": None, "mode": None}, "?×?"),
    ],
)
def test_settings_in_short(values: dict[str, Any], words: str) -> None:
    assert settings_in_short(run(**values)) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "yes"),
        (0.5, "0.5"),
        ([3, 224, 224], "3×224×224"),
        ("a", "a"),
        (None, "null"),
        ({"a": [1.5]}, '{"a": [1.5]}'),
    ],
)
def test_a_value_in_words(value: Any, words: str) -> None:
    assert text(value) == words


def test_all_of_a_run_under_its_titles() -> None:
    details = RunDetails(run(label="mine"), result=result(), settings={"threads": 2, "compile": None})
    sections = dict(run_facts(details))

    assert list(sections) == ["", "settings"]
    assert sections["settings"] == [("threads", "2")]
    assert dict(sections[""])["run"].endswith("label mine")


def test_a_run_of_another_version_is_told_as_far_as_both_know_it() -> None:
    ((_, facts),) = run_facts(RunDetails(run(), result={"model": "resnet34", "of_later": 1}))
    assert dict(facts)["measured"].startswith(
        "run 1: resnet34, 256×224 float32, cuda:0 (A Fast Device), 1,235 samples/s"
    )


def test_a_failure_is_told_with_its_mend() -> None:
    ((_, facts),) = run_facts(RunDetails(run(status=FAILED), error=FAILURE))
    assert dict(facts)["failed"] == "OutOfMemory: resnet50 runs out of memory (lower --batch-size)"


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [
        (None, None, "(no interval: not both tell that of their latency)"),
        (0.9, 1.1, "(95 %: 0.900 to 1.100): no difference shown"),
        (1.1, 1.3, "(95 %: 1.100 to 1.300)"),
    ],
)
def test_a_ratio_claims_no_more_than_its_interval_shows(low: float | None, high: float | None, ends: str) -> None:
    facts = dict(comparison_facts(Comparison(run(), run(2), 1.2, low, high, None, 0.5, ())))

    assert facts["throughput"] == f"A is 1.200× as fast as B {ends}"
    assert "latency" not in facts
    assert facts["memory"] == "A's peak is 0.500× that of B"


def test_what_differs_in_every_pair_is_said_once_above() -> None:
    dtype, batch = RunDifference("dtype", "float16", "float32"), RunDifference("batch_size", 1, 2)
    pairs = [Pair("a", run(), run(2), 2.0, [dtype]), Pair("b", run(), run(2), 2.0, [dtype, batch])]
    other = OtherSize("c", "infer", [224], [(256, 128)])
    sides = SideBySide(pairs, 2.0, [other], [f"m{i}" for i in range(7)], [], 0, 3)

    assert [row[-1] for row in pair_rows(pairs)] == ["", "batch 1/2"]
    assert side_notes(sides, "mine", "theirs") == [
        "dtype differs: float16 against float32",
        "batch differs in 1 of 2",
        "at other image sizes: c (224 against 256×128)",
        "only in mine: m0, m1, m2, m3, m4 and 2 more",
        "3 of theirs without samples/s",
    ]


def test_a_square_is_one_number() -> None:
    assert (size_in_short(224), size_in_short((224, 112))) == ("224", "224×112")
