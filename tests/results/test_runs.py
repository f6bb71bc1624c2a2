"""Runs as values, as rows and as what is asked for."""

import sqlite3

import pytest

from explorer.results.runs import IMPORTED, MEASURED, Run, RunDetails, RunFilter, failed_row, measured_row, run_of
from tests.results.samples import FAILURE, result


def test_a_filter_that_wants_nothing_lets_all_through() -> None:
    assert RunFilter().condition() == ("1", [])


def test_a_filter_binds_what_users_type_and_writes_none_of_it() -> None:
    wanted = RunFilter(["a*", "[!b]"], device="x'; --", label="nobody", since="2026", mode="train")
    text, values = wanted.condition()
    assert text.count("?") == len(values)
    assert not any(value in text for value in ("x'", "nobody", "2026", "train"))
    assert values[-4:] == ["a*", "a*.*", "[^b]", "[^b].*"]


@pytest.mark.parametrize(("img_size", "sides"), [(224, (224, 224)), ((224, 112), (224, 112)), (None, (None, None))])
def test_an_image_size_is_a_height_and_a_width(img_size: object, sides: tuple[int | None, int | None]) -> None:
    row = measured_row({**result(), "img_size": img_size}, None, "")
    assert (row["img_height"], row["img_width"]) == sides


def test_a_failure_has_the_mode_that_was_asked_for() -> None:
    row = failed_row({"model": "resnet50", "train": True, "batch_size": 8}, FAILURE, {"timm": "1.0"}, "mine")
    assert (row["mode"], row["status"], row["source"], row["timm"]) == ("train", "failed", MEASURED, "1.0")
    assert row["batch_size"] == 8


def test_a_row_with_no_time_in_it_is_no_run() -> None:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    (row,) = connection.execute("SELECT 'yesterday' AS created_at")
    with pytest.raises(ValueError, match="yesterday"):
        run_of(row)


def test_details_are_told_in_one_object_with_the_run() -> None:
    run = Run(3, "2026-01-01T00:00:00.000+00:00", "theirs", IMPORTED, "done", "resnet34")
    told = RunDetails(run, imported={"model": "resnet34"}, origin="file.csv").to_json()
    assert list(told)[:3] == ["id", "created_at", "label"]
    assert (told["id"], told["origin"], told["result"]) == (3, "file.csv", None)
