from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from explorer.errors import EngineError, RequestError, StoreError
from explorer.protocol.bench import BenchRequest
from explorer.results.runs import RunFilter
from explorer.results.store import Store
from explorer.usecases.recording import Keeper, check_pairs, compare, export, keep, run_filter, runs, take_in
from explorer.usecases.telling import Emit, Notice
from tests.results.samples import result

REQUEST = BenchRequest("resnet34", 8)


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "results.db"
    monkeypatch.setenv("EXPLORER_RESULTS", str(path))
    return path


def told() -> tuple[list[object], Emit]:
    heard: list[object] = []
    return heard, heard.append


def test_what_was_kept_is_listed_the_newest_first() -> None:
    keep(REQUEST, EngineError("no room"), label="a")
    keeper = Keeper("b")
    keeper.keep(REQUEST, EngineError("no room again"))
    keeper.finish()

    assert [(run.label, run.status) for run in runs()] == [("b", "failed"), ("a", "failed")]
    assert [run.label for run in runs("resnet*", label="a", failed=True)] == ["a"]
    assert runs("vit*") == []


def test_a_file_that_cannot_be_used_is_told_before_time_is_spent(file: Path) -> None:
    file.write_text("no database " * 100)
    heard, emit = told()
    keeper = Keeper(emit=emit)

    assert [type(event) for event in heard] == [Notice]
    keeper.keep(REQUEST, EngineError("no room"))
    with pytest.raises(StoreError):
        keeper.finish()


def test_nothing_is_kept_that_is_not_wanted(file: Path) -> None:
    keeper = Keeper(is_wanted=False)
    keeper.keep(REQUEST, EngineError("no room"))
    keeper.finish()

    assert not file.exists()


@pytest.mark.parametrize(
    ("since", "age"), [("90m", timedelta(minutes=90)), ("12h", timedelta(hours=12)), ("2w", timedelta(weeks=2))]
)
def test_how_long_ago_is_a_moment(since: str, age: timedelta) -> None:
    moment = run_filter(since=since).since
    assert moment is not None
    assert abs(datetime.now(UTC) - age - datetime.fromisoformat(moment)) < timedelta(seconds=10)


@pytest.mark.parametrize("wish", [{"since": "soon"}, {"since": ""}, {"source": "found"}, {"mode": "both"}])
def test_a_wish_that_cannot_be_is_refused(wish: dict[str, str]) -> None:
    with pytest.raises(RequestError):
        run_filter(**wish)


def test_labels_are_compared_model_by_model() -> None:
    store = Store()
    for label in "ab":
        store.record(result(), label=label)
    sides = compare("a", "b")

    check_pairs(sides, "a", "b")  # type: ignore[arg-type]
    assert sides.to_json()["median_ratio"] == 1
    with pytest.raises(RequestError, match="closest: a"):
        compare("a", "aa")


def test_an_export_that_nothing_is_in_is_refused() -> None:
    with pytest.raises(RequestError, match="no run is kept yet"):
        export(RunFilter(), "csv")


@pytest.mark.parametrize("label", ["mine", "12", " "])
def test_a_label_that_means_something_else_is_refused(tmp_path: Path, label: str) -> None:
    with pytest.raises(RequestError, match="cannot be a label"):
        take_in([tmp_path / "no.csv"], label)
