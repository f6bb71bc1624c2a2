"""The results file as SQLite: opened for reading or writing, and what is wrong with it as one clear error."""

import os
import shlex
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from explorer.errors import StoreError

APPLICATION_ID = 0x74696D78
"""Marks an SQLite file as one of explorer's: ``timx`` in ASCII."""

MIGRATIONS = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        created_at TEXT NOT NULL,
        label TEXT NOT NULL,
        source TEXT NOT NULL,
        status TEXT NOT NULL,
        model TEXT NOT NULL,
        mode TEXT,
        device TEXT,
        device_name TEXT,
        dtype TEXT,
        batch_size INTEGER,
        img_height INTEGER,
        img_width INTEGER,
        samples_per_sec REAL,
        latency_p50_ms REAL,
        timm TEXT,
        torch TEXT,
        explorer TEXT,
        origin TEXT,
        result TEXT,
        imported TEXT,
        request TEXT,
        settings TEXT,
        environment TEXT,
        error TEXT
    );
    CREATE INDEX runs_by_model ON runs (model);
    CREATE INDEX runs_by_label ON runs (label, model);
    """,
)
"""What makes version n + 1 of version n, oldest first; version 0 is an empty file. Never changed once released."""

BUSY_SECONDS = 30.0
"""How long a writer waits for another one to finish."""

_LEAST_BYTES = 128 << 10
"""Room that SQLite needs for its side files and one run."""

_ELSEWHERE = "$EXPLORER_RESULTS names another file, --no-save keeps no results"
_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_READ_MODES = ("mode=rw", "mode=ro", "mode=ro&immutable=1")
"""The last one is for a file in a folder that cannot be written, where SQLite cannot keep its side files."""


@contextmanager
def writing(path: Path, *, keep: bool = True) -> Iterator[sqlite3.Connection]:
    """A transaction that no other writer is in meanwhile; the file and its folder are made where they are missing.

    Args:
        path: the results file.
        keep: commit at the end; else all is undone, which tells whether it could have been written.

    Raises:
        StoreError: the file cannot be written; it holds what it held before.
    """
    size_bytes(path)
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(_connect(path, "mode=rwc")) as connection:
            # At once a writer: one that read first would fail, not wait, when another writes in between.
            connection.execute("BEGIN IMMEDIATE")
            try:
                _migrate(connection, _check_version(connection, path))
                yield connection
                connection.execute("COMMIT" if keep else "ROLLBACK")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            if keep:
                _use_wal(connection)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    """A connection that only reads, ``None`` where there is no file yet.

    Raises:
        StoreError: the file cannot be read.
    """
    if not size_bytes(path):
        yield None
        return
    with _explained(path):
        connection = _open_to_read(path)
        if _check_version(connection, path) < len(MIGRATIONS):
            connection.close()
            with writing(path):
                pass
            connection = _open_to_read(path)
        with closing(connection):
            connection.execute("PRAGMA query_only = ON")
            yield connection


def size_bytes(path: Path) -> int | None:
    """The size of the results file, ``None`` where there is none.

    What is no results file for us is refused without opening it as a database, which could change it. The header's
    fields are those of https://www.sqlite.org/fileformat.html#the_database_header.

    Raises:
        StoreError: it is something else, damaged, of a newer explorer, or cannot be read.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise StoreError(f"the results file {path} is no regular file", "$EXPLORER_RESULTS must name a file")
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot read the results file {path}: {error.strerror or error}", _ELSEWHERE) from error
    if not header:
        return status.st_size
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise StoreError(f"{path} is damaged, or no results file", _move_away(path))
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise StoreError(f"{path} is no results file: another program's database", _ELSEWHERE)
    _refuse_newer(path, int.from_bytes(header[60:64], "big"))
    return status.st_size


def check_place(path: Path) -> None:
    """Whether a file could be made in this place, and has room to grow; makes nothing.

    Raises:
        StoreError: it could not, or has none.
    """
    folder = path.absolute().parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    with suppress(OSError):
        if shutil.disk_usage(folder).free < _LEAST_BYTES:
            raise _full(path)
    if path.exists():
        return
    if not folder.is_dir():
        raise _unwritable(path, f"{folder} is no folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(path, f"the folder {folder} cannot be written")


def damaged(path: Path, reason: object) -> StoreError:
    """The error for a file that is not what it was written as."""
    return StoreError(f"the results file {path} is damaged: {reason}", _move_away(path))


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # Transactions are begun and ended by hand: the module's own would begin too late.
    return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _open_to_read(path: Path) -> sqlite3.Connection:
    problem: sqlite3.Error | None = None
    for mode in _READ_MODES:
        if "immutable" in mode and _has_log(path):
            continue
        connection = _connect(path, mode)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return connection
        except sqlite3.OperationalError as error:
            connection.close()
            problem = problem or error
        except BaseException:
            connection.close()
            raise
    assert problem is not None
    raise problem


def _has_log(path: Path) -> bool:
    """Whether rows stand in the write-ahead log that are not in the file yet."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    except FileNotFoundError:
        return False


def _use_wal(connection: sqlite3.Connection) -> None:
    """Let readers go on while one writes. The switch is made once, after the file says whose it is."""
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        with suppress(sqlite3.OperationalError):  # another process has it open: the next writer's turn
            connection.execute("PRAGMA journal_mode = WAL")


def _check_version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema's version, which the header may not have yet while it stands in the log."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    _refuse_newer(path, version)
    return int(version)


def _refuse_newer(path: Path, version: int) -> None:
    known = len(MIGRATIONS)
    if version > known:
        raise StoreError(
            f"the results file {path} is of a newer explorer: its version is {version}, this one knows {known}",
            f"upgrade explorer; {_ELSEWHERE}",
        )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say into a :class:`StoreError`."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.InterfaceError):
        raise
    except sqlite3.Error as error:
        raise _fault(path, error) from error
    except OSError as error:
        raise _unwritable(path, error.strerror or error) from error


def _fault(path: Path, error: sqlite3.Error) -> StoreError:
    """SQLite's result codes, https://www.sqlite.org/rescode.html, in words; the low byte is the primary code."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path, error)
    if code == sqlite3.SQLITE_FULL:
        return _full(path)
    if code == sqlite3.SQLITE_IOERR:
        return _unwritable(path, f"{error}; is the disk full?")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL):
        return StoreError(
            f"the results file {path} was locked by another process for {BUSY_SECONDS:.0f} s",
            f"end whatever writes to it; {_ELSEWHERE}",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return _unwritable(path, "it, or the folder it is in, is read-only")
    return damaged(path, error)


def _full(path: Path) -> StoreError:
    return StoreError(f"cannot write the results file {path}: the disk is full", f"make room; {_ELSEWHERE}")


def _unwritable(path: Path, reason: object) -> StoreError:
    return StoreError(f"cannot write the results file {path}: {reason}", _ELSEWHERE)


def _move_away(path: Path) -> str:
    return f"mv {shlex.quote(str(path))} {shlex.quote(f'{path}.damaged')} begins a new one"


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring the schema up to date, within the transaction that the connection is in.

    Raises:
        sqlite3.Error: a step failed; rolling back undoes all of them.
    """
    if version == len(MIGRATIONS):
        return
    for script in MIGRATIONS[version:]:
        for statement in filter(str.strip, script.split(";")):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
