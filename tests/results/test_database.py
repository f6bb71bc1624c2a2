"""The results file opened, and left as it was where that fails."""

import sqlite3
from pathlib import Path

import pytest

from explorer.errors import StoreError
from explorer.results import database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "results.db"


def count(path: Path) -> int:
    with database.reading(path) as connection:
        assert connection is not None
        (found,) = connection.execute("SELECT count(*) FROM runs").fetchone()
        return int(found)


def add(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO runs (created_at, label, source, status, model) VALUES ('2026', '', 'measured', 'done', 'x')"
    )


def test_a_missing_file_is_read_as_none_and_not_made(path: Path) -> None:
    with database.reading(path) as connection:
        assert connection is None
    assert database.size_bytes(path) is None
    database.check_place(path)
    assert not path.parent.exists()


def test_a_block_that_fails_leaves_nothing_behind(path: Path) -> None:
    with database.writing(path) as connection:
        add(connection)
    with pytest.raises(ZeroDivisionError), database.writing(path) as connection:
        add(connection)
        raise ZeroDivisionError
    assert count(path) == 1


def test_what_is_only_tried_is_undone(path: Path) -> None:
    with database.writing(path, keep=False) as connection:
        add(connection)
    with database.writing(path):
        pass
    assert count(path) == 0


def test_a_reader_cannot_write(path: Path) -> None:
    with database.writing(path):
        pass
    with pytest.raises(StoreError, match="read-only"), database.reading(path) as connection:
        assert connection is not None
        add(connection)


def test_readers_go_on_while_one_writes(path: Path) -> None:
    with database.writing(path):
        pass
    with database.writing(path) as connection:
        add(connection)
        assert count(path) == 0
    assert count(path) == 1


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program's database"), database.writing(path):
        pass
    assert path.read_bytes() == before
