"""What was measured, kept in one SQLite file in the user's data folder."""

import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from explorer.errors import ExplorerError, RequestError, StoreError
from explorer.files import data_folder
from explorer.results import database
from explorer.results.runs import (
    IMPORTED,
    JSON,
    RUN_COLUMNS,
    ImportedRun,
    Run,
    RunDetails,
    RunFilter,
    details_of,
    failed_row,
    imported_row,
    insert_row,
    measured_row,
    run_of,
    text_of,
)
from explorer.version import __version__

if TYPE_CHECKING:
    from explorer.protocol.bench import BenchRequest, BenchResult

T = TypeVar("T")

_QUICK_CHECK_BYTES = 8 << 20
"""Of files up to this size every page is looked at before a measurement; it takes some milliseconds."""


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What became of the rows of one import.

    ``added`` are new, ``replaced`` have other values than an earlier import of the same file had, and ``unchanged``
    were there already.
    """

    added: int
    replaced: int
    unchanged: int


def default_path() -> Path:
    """``$EXPLORER_RESULTS``, else ``results.db`` in the user's data folder.

    Raises:
        StoreError: no folder of the user's is known.
    """
    named = os.environ.get("EXPLORER_RESULTS")
    try:
        if named:
            return Path(named).expanduser()
        folder = data_folder()
    except ImportError as error:
        raise StoreError(
            "platformdirs, which knows the place of the results file, is not installed",
            "pip install platformdirs, or name a file in $EXPLORER_RESULTS",
        ) from error
    except RuntimeError:  # a ~ that stands for no home
        folder = None
    if folder is None:
        raise StoreError("no place for the results file: no home folder", "name a file in $EXPLORER_RESULTS")
    return folder / "results.db"


def local_environment() -> dict[str, Any]:
    """What is known of this machine without a worker."""
    from importlib.metadata import PackageNotFoundError, version  # costs a listing a tenth of its time

    found = {"platform": sys.platform, "python": sys.version.split()[0], "explorer": __version__}
    for package in ("timm", "torch"):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


class Store:
    """Keeps runs and finds them again.

    Nothing is made before the first write, and a file that is missing holds no runs. Each call opens the file and
    closes it: nothing stays locked between them, and any number of processes may write at the same time, one waiting
    for the other. Whatever a call has returned from is on the disk.

    Args:
        path: the file; ``None``: :func:`default_path`.

    Raises:
        StoreError: by every method too, when the file cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = default_path() if path is None else path

    def check(self) -> None:
        """Whether a run could be kept now; makes and changes nothing.

        Raises:
            StoreError: it could not.
        """
        size = database.size_bytes(self.path)
        database.check_place(self.path)
        if size is None:
            return
        with database.writing(self.path, keep=False) as connection:
            if size <= _QUICK_CHECK_BYTES:
                (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    raise database.damaged(self.path, str(found).replace("\n", " "))
            # Whether a row can be written, only writing one tells; it is undone.
            insert_row(connection, measured_row({"model": ""}, None, ""))

    def keep(self, request: "BenchRequest", outcome: "BenchResult | ExplorerError", *, label: str = "") -> int:
        """Keep an attempt, however it ended.

        Args:
            request: what was asked for.
            outcome: what was measured, or why nothing was.
            label: what the user calls it.

        Returns:
            The run's id.
        """
        if isinstance(outcome, ExplorerError):
            return self._insert(failed_row(request.to_json(), outcome.to_dict(), local_environment(), label))
        return self.record(outcome.to_json(), label=label, request=request.to_json())

    def record(self, result: Mapping[str, JSON], *, label: str = "", request: Mapping[str, JSON] | None = None) -> int:
        """Keep a finished run.

        Args:
            result: a :class:`~explorer.protocol.bench.BenchResult` as JSON.
            label: what the user calls it.
            request: what was asked for, where the result does not tell.

        Returns:
            The run's id.
        """
        return self._insert(measured_row(result, request, label))

    def _insert(self, row: Mapping[str, JSON]) -> int:
        with database.writing(self.path) as connection:
            return insert_row(connection, row)

    def runs(self, wanted: RunFilter | None = None) -> list[Run]:
        """Runs that are wanted, newest first."""
        return [self._read(run_of, row) for row in self._rows(RUN_COLUMNS, wanted or RunFilter())]

    def details(self, wanted: RunFilter | None = None) -> list[RunDetails]:
        """Runs that are wanted with all that is kept of them, newest first."""
        return [self._read(details_of, row) for row in self._rows("*", wanted or RunFilter())]

    def run(self, run_id: int) -> RunDetails:
        """One run.

        Raises:
            RequestError: there is none with this id.
        """
        for row in self._select("*", "id = ?", [_bounded(run_id)]):
            return self._read(details_of, row)
        raise self.unknown([run_id])

    def labels(self) -> dict[str, int]:
        """The labels in use and how many runs each has, in alphabetical order."""
        query = "SELECT label, count(*) FROM runs WHERE label != '' GROUP BY label ORDER BY label"
        with database.reading(self.path) as connection:
            return dict(connection.execute(query).fetchall()) if connection is not None else {}

    def import_rows(self, rows: Iterable[ImportedRun], label: str, origin: str = "") -> ImportCounts:
        """Keep runs of others. Whatever is there already under this label stays as it is.

        A row of the same file, model, mode, image and batch size as one that an earlier import kept takes its place.

        Args:
            rows: what the file holds.
            label: what they go by.
            origin: the file they are from.
        """
        with database.writing(self.path) as connection:
            return _import(connection, list(rows), label, origin)

    def delete(self, run_ids: Sequence[int]) -> int:
        """Forget runs: all of these or, when one is unknown, none.

        Returns:
            How many there were.

        Raises:
            RequestError: there is no run with one of the ids.
        """
        wanted = sorted(set(run_ids))
        known = {run.id for run in self.runs()}
        if missing := [run_id for run_id in wanted if run_id not in known]:
            raise self.unknown(missing)
        with database.writing(self.path) as connection:
            connection.executemany("DELETE FROM runs WHERE id = ?", [(run_id,) for run_id in wanted])
        return len(wanted)

    def unknown(self, run_ids: Sequence[int]) -> RequestError:
        """The error for ids that no run has, with those there are."""
        known = sorted(run.id for run in self.runs())
        named = ", ".join(map(str, run_ids))
        return RequestError(f"no run {named}", f"there are {_ranges(known)}" if known else "no run is kept yet")

    def _rows(self, columns: str, wanted: RunFilter) -> list[sqlite3.Row]:
        condition, values = wanted.condition()
        limit = -1 if wanted.limit is None else _bounded(wanted.limit)
        return self._select(columns, f"{condition} ORDER BY id DESC LIMIT ?", [*map(text_of, values), limit])

    def _select(self, columns: str, condition: str, values: Sequence[str | int]) -> list[sqlite3.Row]:
        with database.reading(self.path) as connection:
            if connection is None:
                return []
            connection.row_factory = sqlite3.Row
            return connection.execute(f"SELECT {columns} FROM runs WHERE {condition}", values).fetchall()

    def _read(self, reader: Callable[[sqlite3.Row], T], row: sqlite3.Row) -> T:
        try:
            return reader(row)
        except (TypeError, ValueError) as error:
            raise database.damaged(self.path, f"run {row['id']} cannot be read") from error


def _import(connection: sqlite3.Connection, rows: list[ImportedRun], label: str, origin: str) -> ImportCounts:
    query = """SELECT id, model, mode, img_width, batch_size, imported, settings, origin FROM runs
        WHERE label = ? AND source = ?"""
    there: set[tuple[JSON, ...]] = set()
    earlier: dict[tuple[JSON, ...], int] = {}
    for run_id, model, mode, width, batch_size, *content, file in connection.execute(query, (text_of(label), IMPORTED)):
        there.add((mode, *content))
        if file == text_of(origin):
            earlier[model, mode, width, batch_size] = run_id
    added = replaced = 0
    for row in rows:
        values = imported_row(row, label, origin)
        key = (row.mode, values["imported"], values["settings"])
        if key in there:
            continue
        run_id = earlier.pop((row.model, row.mode, row.img_size, row.batch_size), None)
        if run_id is not None:
            connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))
            replaced += 1
        else:
            added += 1
        insert_row(connection, values)
        there.add(key)
    return ImportCounts(added, replaced, len(rows) - added - replaced)


def _bounded(number: int) -> int:
    """SQLite's integers have 64 bits."""
    return max(min(number, 2**63 - 1), -(2**63))


def _ranges(numbers: Sequence[int], most: int = 8) -> str:
    """Ascending numbers in short: ``1-5, 8``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    parts = ["-".join(map(str, run)) for run in runs]
    return ", ".join(parts if len(parts) <= most else ["…", *parts[-most:]])
