"""The schema of the results file, from one version to the next."""

import sqlite3

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


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, within the transaction that the connection is in.

    Raises:
        sqlite3.Error: a step failed; rolling back undoes all of them.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version >= len(MIGRATIONS):
        return
    for script in MIGRATIONS[version:]:
        for statement in filter(str.strip, script.split(";")):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
