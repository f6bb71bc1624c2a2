import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from explorer.errors import RequestError, StoreError
from explorer.protocol.bench import BenchRequest
from explorer.results import database
from explorer.results.runs import RunFilter
from explorer.results.store import Store, default_path, local_environment
from explorer.results.timm_csv import ImportedRun
from tests.results.samples import FAILURE, OUT_OF_MEMORY, result

REPOSITORY = Path(__file__).parents[2]
REQUEST = BenchRequest("resnet50", 4096, device="cuda", train=True)

VERSION_1 = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, created_at TEXT NOT NULL, label TEXT NOT NULL, source TEXT NOT NULL,
    status TEXT NOT NULL, model TEXT NOT NULL, mode TEXT, device TEXT, device_name TEXT, dtype TEXT,
    batch_size INTEGER, img_height INTEGER, img_width INTEGER, samples_per_sec REAL, latency_p50_ms REAL,
    timm TEXT, torch TEXT, explorer TEXT, origin TEXT, result TEXT, imported TEXT, request TEXT, settings TEXT,
    environment TEXT, error TEXT
);
INSERT INTO runs (created_at, label, source, status, model, mode, samples_per_sec, result)
    VALUES ('2026-01-31T12:00:00.000+00:00', 'old', 'measured', 'done', 'resnet18', 'infer', 7.5,
        '{"model": "resnet18"}');
PRAGMA application_id = 1953066360;
PRAGMA user_version = 1;
"""
"""A file as the first version wrote it; later versions must read it for ever."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "results.db"


@pytest.fixture
def store(path: Path) -> Store:
    return Store(path)


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with enough rows for several pages."""
    for i in range(12):
        store.record(result(samples_per_sec=float(i + 1)))
    return store


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of this machine may enter, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)
        Path(name).chmod(0o777)


def as_ordinary_user(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code in a process that permissions bind, also where the tests run as root."""
    drop = "import os\nif os.getuid() == 0:\n    os.setgid(65534)\n    os.setuid(65534)\n"
    return child(f"{drop}{code}", *arguments)


def child(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(code, *arguments), capture_output=True, text=True, timeout=120)


def command(code: str, *arguments: object) -> list[str]:
    start = (
        "import json, platform, resource, sys\nfrom pathlib import Path\nfrom explorer.errors import StoreError\n"
        "from explorer.results.store import Store\nfrom tests.results.samples import result\n"
        "store = Store(Path(sys.argv[1]))\n"
    )
    return [
        sys.executable,
        "-c",
        f"import sys\nsys.path.insert(0, {str(REPOSITORY)!r})\n{start}{code}",
        *map(str, arguments),
    ]


def error_of(call: Callable[[], object]) -> StoreError:
    with pytest.raises(StoreError) as caught:
        call()
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


def test_a_missing_file_has_no_runs_and_stays_missing(store: Store, path: Path) -> None:
    store.check()
    assert (store.runs(), store.details(), store.labels()) == ([], [], {})

    assert not path.parent.exists()


def test_a_finished_run_is_kept_whole(store: Store) -> None:
    whole = {**result(img_size=(224, 112)), "tune": {"steps": []}}
    run_id = store.record(whole, label="before", request={"model": "resnet34"})
    details = Store(store.path).run(run_id)

    run = details.run
    assert (run.id, run.source, run.status, run.label) == (run_id, "measured", "done", "before")
    assert (run.model, run.mode, run.device, run.dtype) == ("resnet34", "infer", "cuda:0", "float32")
    assert (run.batch_size, run.img_size, run.samples_per_sec, run.latency_p50_ms) == (256, (224, 112), 1000.0, 10.0)
    assert (run.device_name, run.timm, run.torch) == ("A Fast Device", "1.0.31", "2.4.0")
    assert details.result == {**whole, "img_size": [224, 112]}
    assert details.settings == {"memory_format": "contiguous", "threads": 2}
    assert details.environment == whole["environment"]
    assert details.request == {"model": "resnet34"}
    assert details.error is None


def test_a_failure_is_kept_with_what_was_asked_for(store: Store) -> None:
    details = store.run(store.keep(REQUEST, OUT_OF_MEMORY, label="x"))

    run = details.run
    assert (run.status, run.model, run.mode, run.batch_size, run.img_size) == (
        "failed",
        "resnet50",
        "train",
        4096,
        None,
    )
    assert (run.label, run.device_name, run.samples_per_sec) == ("x", None, None)
    assert (details.error, details.result) == (FAILURE, None)
    assert details.request == json.loads(json.dumps(REQUEST.to_json()))
    assert details.environment == local_environment()


def test_numbers_that_are_no_json_are_kept_as_nothing(store: Store) -> None:
    run_id = store.record({**result(), "macs": float("nan"), "samples_per_sec": float("inf")})

    details = store.run(run_id)
    assert details.result is not None
    assert details.result["macs"] is None


def test_names_that_are_no_letters_are_kept(store: Store) -> None:
    store.keep(BenchRequest("a\udcff"), OUT_OF_MEMORY, label="\udcff")

    assert [(run.model, run.label) for run in store.runs(RunFilter(patterns=("a\udcff",)))] == [("a?", "?")]


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (RunFilter(), [4, 3, 2, 1]),
        (RunFilter(limit=2), [4, 3]),
        (RunFilter(limit=2**70), [4, 3, 2, 1]),
        (RunFilter(patterns=("resnet34",)), [3, 1]),
        (RunFilter(patterns=("resnet34.*",)), [3]),
        (RunFilter(patterns=("*50", "resnet34.b")), [4]),
        (RunFilter(patterns=("resnet3[!5]",)), [3, 1]),
        (RunFilter(device="cuda"), [4, 3, 1]),
        (RunFilter(device="cuda:0"), [3, 1]),
        (RunFilter(device="cpu"), [2]),
        (RunFilter(device="fast"), [3, 2, 1]),
        (RunFilter(dtype="amp"), [2]),
        (RunFilter(label="before"), [3]),
        (RunFilter(source="imported"), []),
        (RunFilter(status="failed"), [4]),
        (RunFilter(mode="train"), [4]),
        (RunFilter(since="2000-01-01"), [4, 3, 2, 1]),
        (RunFilter(since="9000-01-01"), []),
        (RunFilter(patterns=("resnet*",), device="cuda", status="done"), [3, 1]),
    ],
    ids=str,
)
def test_filters(store: Store, wanted: RunFilter, ids: list[int]) -> None:
    store.record(result())
    store.record(result(model="vit", device="cpu", dtype="amp"))
    store.record(result(model="resnet34.a1_in1k"), label="before")
    store.keep(REQUEST, OUT_OF_MEMORY)

    assert [run.id for run in store.runs(wanted)] == ids
    assert [details.run.id for details in store.details(wanted)] == ids


@pytest.mark.parametrize("run_id", [0, -1, 3, 10**30])
def test_an_unknown_run_comes_with_those_there_are(store: Store, run_id: int) -> None:
    for _ in range(2):
        store.record(result())

    for call in (lambda: store.run(run_id), lambda: store.delete([1, run_id])):
        with pytest.raises(RequestError, match=r"there are 1-2\)"):
            call()
    assert len(store.runs()) == 2


def test_deleted_runs_are_gone_and_their_ids_are_not_used_again(store: Store) -> None:
    for _ in range(3):
        store.record(result())

    assert store.delete([3, 1, 3]) == 2
    assert store.record(result()) == 4
    assert [run.id for run in store.runs()] == [4, 2]


def imported(model: str = "resnet34", speed: float = 10.0, **more: Any) -> ImportedRun:
    columns = {"model": model, "infer_samples_per_sec": str(speed)}
    return ImportedRun(model, "infer", speed, 256, 224, columns, **more)


def test_importing_again_changes_nothing(store: Store) -> None:
    rows = [imported(), imported("resnet50")]
    counts = [store.import_rows(rows, "published", "file.csv") for _ in range(2)]

    assert [(c.added, c.replaced, c.unchanged) for c in counts] == [(2, 0, 0), (0, 0, 2)]
    assert [run.id for run in store.runs(RunFilter(label="published"))] == [2, 1]


def test_a_changed_row_of_the_same_file_takes_the_place_of_the_old_one(store: Store) -> None:
    store.import_rows([imported(), imported("resnet50")], "published", "file.csv")
    counts = store.import_rows([imported(speed=20.0)], "published", "file.csv")

    assert (counts.added, counts.replaced, counts.unchanged) == (0, 1, 0)
    speeds = {run.model: run.samples_per_sec for run in store.runs()}
    assert speeds == {"resnet34": 20.0, "resnet50": 10.0}


def test_other_labels_and_other_files_are_left_alone(store: Store) -> None:
    store.record(result(), label="published")
    for label, origin, speed in (("a", "one.csv", 1.0), ("b", "one.csv", 2.0), ("b", "two.csv", 3.0)):
        counts = store.import_rows([imported(speed=speed)], label, origin)
        assert counts.added == 1

    assert store.labels() == {"a": 1, "b": 2, "published": 1}


def test_two_processes_lose_nothing(path: Path) -> None:
    code = "for i in range(50):\n    store.record(result(), label=sys.argv[2])\n"
    writers = [subprocess.Popen(command(code, path, label)) for label in ("a", "b")]

    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    assert Store(path).labels() == {"a": 50, "b": 50}


def test_a_killed_writer_loses_nothing_that_it_had_kept(path: Path) -> None:
    code = "while True:\n    print(store.record(result()), flush=True)\n"
    kept = 0
    for lines in (1, 5, 13, 20):
        writer = subprocess.Popen(command(code, path), stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(lines):
            kept = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        kept = max([kept, *map(int, writer.stdout.read().split())])
        writer.wait()
        writer.stdout.close()
        assert {run.id for run in Store(path).runs()} >= set(range(1, kept + 1))
        Store(path).check()


def test_ctrl_c_in_the_middle_of_a_write_undoes_it(filled: Store) -> None:
    with pytest.raises(KeyboardInterrupt), database.writing(filled.path) as connection:
        connection.execute("DELETE FROM runs")
        raise KeyboardInterrupt

    assert len(filled.runs()) == 12


def test_a_file_of_the_first_version_opens(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_1)
    connection.close()
    store = Store(path)

    assert store.run(1).result == {"model": "resnet18"}
    assert store.record(result()) == 2
    assert [run.samples_per_sec for run in store.runs()] == [1000.0, 7.5]


def test_an_older_file_is_brought_up_to_date_by_reading_it(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    added = (*database.MIGRATIONS, "ALTER TABLE runs ADD COLUMN host TEXT DEFAULT 'here'")
    monkeypatch.setattr(database, "MIGRATIONS", added)

    assert len(filled.runs()) == 12
    with database.reading(filled.path) as connection:
        assert connection is not None
        assert connection.execute("SELECT DISTINCT host FROM runs").fetchall() == [("here",)]
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_migration_that_fails_leaves_the_file_as_it_was(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = database.MIGRATIONS
    broken = (*steps, "ALTER TABLE runs ADD COLUMN host TEXT; DROP TABLE no_such_table")
    monkeypatch.setattr(database, "MIGRATIONS", broken)
    error_of(filled.runs)
    monkeypatch.setattr(database, "MIGRATIONS", steps)

    assert len(filled.runs()) == 12


def test_a_file_of_a_newer_version_is_refused_untouched(filled: Store) -> None:
    with database.writing(filled.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = filled.path.read_bytes()

    for call in (filled.check, filled.runs, lambda: filled.record(result()), lambda: filled.run(1)):
        error = error_of(call)
        assert "newer explorer" in error.message
        assert "upgrade explorer" in error.hint
    assert filled.path.read_bytes() == before
    assert list(filled.path.parent.iterdir()) == [filled.path]


def test_a_newer_version_that_only_the_log_tells_is_refused(filled: Store) -> None:
    with database.reading(filled.path) as reader:
        assert reader is not None
        reader.execute("SELECT 1 FROM runs").fetchone()
        with database.writing(filled.path) as connection:
            connection.execute("PRAGMA user_version = 99")

        assert "newer explorer" in error_of(lambda: filled.record(result())).message
        assert "newer explorer" in error_of(filled.runs).message


def test_another_programs_database_is_refused_untouched(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (id INTEGER)")
    connection.close()
    before = path.read_bytes()

    for call in (Store(path).check, Store(path).runs, lambda: Store(path).record(result())):
        assert "another program's database" in error_of(call).message
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"x", b"garbage" * 5000, bytes(8192), b"SQLite format 3\0"], ids=[*"abcd"])
def test_what_is_no_database_is_refused_untouched(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    for call in (Store(path).check, Store(path).runs, lambda: Store(path).record(result())):
        error = error_of(call)
        assert "damaged, or no results file" in error.message
        assert error.hint.startswith(f"mv {path} {path}.damaged")
    assert path.read_bytes() == content


def test_an_empty_file_is_as_good_as_none(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    store = Store(path)
    store.check()

    assert store.runs() == []
    assert store.record(result()) == 1


@pytest.mark.parametrize("size", [200, 4096, 9000])
def test_a_truncated_file_is_damaged(filled: Store, size: int) -> None:
    content = filled.path.read_bytes()[:size]
    filled.path.write_bytes(content)

    for call in (filled.check, filled.details, lambda: filled.record(result())):
        assert "damaged" in error_of(call).message
    assert filled.path.read_bytes() == content


def test_damage_in_the_middle_is_found_before_a_measurement_and_while_reading(filled: Store) -> None:
    content = bytearray(filled.path.read_bytes())
    content[3 * 4096 : -4096] = b"\xff" * len(content[3 * 4096 : -4096])
    filled.path.write_bytes(content)

    for call in (filled.check, filled.details):
        error = error_of(call)
        assert "damaged" in error.message
        assert error.hint.startswith("mv ")
    assert filled.path.read_bytes() == content


def test_a_row_that_makes_no_sense_is_damage(filled: Store) -> None:
    with database.writing(filled.path) as connection:
        connection.execute("UPDATE runs SET result = '{' WHERE id = 7")

    assert "run 7 cannot be read" in error_of(filled.details).message
    assert len(filled.runs()) == 12
    with database.writing(filled.path) as connection:
        connection.execute("UPDATE runs SET created_at = 'once' WHERE id = 8")
    assert "run 8 cannot be read" in error_of(filled.runs).message


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    for call in (Store(tmp_path).check, Store(tmp_path).runs, lambda: Store(tmp_path).record(result())):
        assert "no regular file" in error_of(call).message


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = Store(tmp_path / "file" / "deeper" / "results.db")

    for call in (store.check, lambda: store.record(result())):
        assert str(store.path) in error_of(call).message
    assert store.runs() == []


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc here")
def test_a_place_where_nobody_can_write() -> None:
    store = Store(Path("/proc/no/results.db"))

    assert "cannot write the results file" in error_of(lambda: store.record(result())).message
    assert store.runs() == []


TRY = """
for call in (store.check, lambda: store.record(result())):
    try:
        call()
        print("fine")
    except StoreError as error:
        print(error.message, error.hint)
print(len(store.runs()))
"""


def test_a_read_only_file_can_be_read_and_says_that_it_cannot_be_written(open_folder: Path) -> None:
    path = open_folder / "results.db"
    Store(path).record(result())
    path.chmod(0o444)
    done = as_ordinary_user(TRY, path)

    assert done.returncode == 0, done.stderr
    *refusals, count = done.stdout.splitlines()
    assert [("read-only" in line, "--no-save" in line) for line in refusals] == [(True, True)] * 2
    assert count == "1"


def test_a_read_only_folder_can_be_read_and_says_that_it_cannot_be_written(open_folder: Path) -> None:
    path = open_folder / "results.db"
    Store(path).record(result())
    path.chmod(0o644)
    open_folder.chmod(0o555)
    done = as_ordinary_user(TRY, path)

    assert done.returncode == 0, done.stderr
    *refusals, count = done.stdout.splitlines()
    assert all("cannot write the results file" in line and "$EXPLORER_RESULTS" in line for line in refusals)
    assert (len(refusals), count) == (2, "1")


def test_a_read_only_folder_without_a_file(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    done = as_ordinary_user(TRY, open_folder / "deeper" / "results.db")

    assert done.returncode == 0, done.stderr
    *refusals, count = done.stdout.splitlines()
    assert all("cannot write the results file" in line for line in refusals)
    assert (len(refusals), count) == (2, "0")


def test_a_full_disk_keeps_what_is_there(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = database._connect

    def full(path: Path, mode: str) -> sqlite3.Connection:
        connection = connect(path, mode)
        connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the pages there are for the least
        return connection

    monkeypatch.setattr(database, "_connect", full)
    error = error_of(lambda: [filled.record(result()) for _ in range(100)])
    monkeypatch.undo()

    assert "the disk is full" in error.message
    assert len(filled.runs()) >= 12
    filled.check()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_full_disk_is_told_before_a_measurement(
    store: Store, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    if is_there:
        store.record(result())
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=4096))

    assert "the disk is full" in error_of(store.check).message


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file sizes on Windows")
def test_a_file_that_may_not_grow_keeps_what_is_there(filled: Store) -> None:
    code = """
resource.setrlimit(resource.RLIMIT_FSIZE, (store.path.stat().st_size, resource.RLIM_INFINITY))
count = 0
try:
    while count < 1000:
        store.record(result())
        count += 1
except StoreError as error:
    print(count, error.message)
"""
    done = child(code, filled.path)

    assert done.returncode == 0, done.stderr
    count, message = done.stdout.split(" ", 1)
    assert "cannot write the results file" in message
    assert len(filled.runs()) == 12 + int(count)
    filled.check()


def test_a_lock_that_is_held_too_long_is_told(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with database.writing(filled.path):
        assert "locked by another process" in error_of(lambda: filled.record(result())).message
        assert len(filled.runs()) == 12

    assert filled.record(result()) == 13


def test_asking_whether_it_could_be_written_changes_nothing(filled: Store) -> None:
    before = filled.path.read_bytes()
    filled.check()

    assert filled.path.read_bytes() == before
    assert list(filled.path.parent.iterdir()) == [filled.path]


def test_the_file_is_in_wal_mode(filled: Store) -> None:
    with database.reading(filled.path) as connection:
        assert connection is not None
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_place_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_path() == Path(os.environ["XDG_DATA_HOME"]) / "timm-explorer" / "results.db"
    monkeypatch.setenv("EXPLORER_RESULTS", str(tmp_path / "mine.db"))

    assert Store().path == tmp_path / "mine.db"


def test_without_platformdirs_a_place_must_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "platformdirs", None)

    assert "pip install platformdirs" in error_of(Store).hint
    assert Store(tmp_path / "results.db").record(result()) == 1


def test_a_name_with_signs_that_a_uri_gives_a_meaning(tmp_path: Path) -> None:
    store = Store(tmp_path / "a b?mode=ro#c%20.db")

    assert store.record(result()) == 1
    assert [file.name for file in tmp_path.iterdir()] == [store.path.name]
