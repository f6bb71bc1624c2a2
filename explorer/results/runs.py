"""A run as the results file keeps it, and which of them are wanted."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

JSON = Any
"""A value that JSON can hold."""

MEASURED = "measured"
IMPORTED = "imported"
DONE = "done"
FAILED = "failed"

ImgSize = int | tuple[int, int]
"""One number when square, else (height, width), in pixels."""


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt to measure a model, here or by others.

    ``created_at`` is UTC in ISO 8601: when it was kept. ``source`` is ``measured`` or ``imported``, ``status``
    ``done`` or ``failed``, ``mode`` ``infer`` or ``train``. The other fields are those of
    :class:`~explorer.protocol.bench.BenchResult`; ``None`` where not known. ``latency_p50_ms`` is of a whole batch;
    ``timm`` and ``torch`` are versions.
    """

    id: int
    created_at: str
    label: str
    source: str
    status: str
    model: str
    mode: str | None = None
    device: str | None = None
    device_name: str | None = None
    dtype: str | None = None
    batch_size: int | None = None
    img_size: ImgSize | None = None
    samples_per_sec: float | None = None
    latency_p50_ms: float | None = None
    timm: str | None = None
    torch: str | None = None

    def to_json(self) -> dict[str, JSON]:
        """The run as a dict that JSON can hold."""
        return asdict(self)


_SHARED = [field.name for field in fields(Run) if field.name != "img_size"]
RUN_COLUMNS = ", ".join([*_SHARED, "img_height", "img_width"])


@dataclass(frozen=True, slots=True)
class RunDetails:
    """All that is kept of a run.

    ``result`` is the JSON of a :class:`~explorer.protocol.bench.BenchResult`, of finished runs measured here.
    ``imported`` is the row of the file that an imported run is from, by column, and ``origin`` that file.
    ``error`` is that of a failed run: ``kind``, ``message``, ``hint``.
    """

    run: Run
    result: Mapping[str, JSON] | None = None
    imported: Mapping[str, str] | None = None
    origin: str | None = None
    request: Mapping[str, JSON] | None = None
    settings: Mapping[str, JSON] | None = None
    environment: Mapping[str, JSON] | None = None
    error: Mapping[str, str] | None = None

    def to_json(self) -> dict[str, JSON]:
        """The run and its details, in one dict that JSON can hold."""
        values = asdict(self)
        return {**values.pop("run"), **values}


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """A row of such a file, in one mode.

    ``img_size`` is the width in pixels. ``columns`` is the row as it stands there, ``settings`` and ``environment``
    what the file's name tells.
    """

    model: str
    mode: str
    samples_per_sec: float | None
    batch_size: int | None
    img_size: int | None
    columns: Mapping[str, str]
    device: str | None = None
    dtype: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are wanted; what is not set leaves all in.

    Args:
        patterns: shell wildcards of which one must match the model, with its tag or without.
        device: ``cuda`` takes ``cuda:0`` too; or a part of the hardware's name.
        dtype: exactly this.
        label: exactly this.
        source: ``measured`` or ``imported``.
        since: kept at this time or later, UTC in ISO 8601.
        status: ``done`` or ``failed``.
        mode: ``infer`` or ``train``.
        limit: so many of the newest.
    """

    patterns: Sequence[str] = ()
    device: str | None = None
    dtype: str | None = None
    label: str | None = None
    source: str | None = None
    since: str | None = None
    status: str | None = None
    mode: str | None = None
    limit: int | None = None

    def condition(self) -> tuple[str, list[str]]:
        """The filter as an SQL expression over the columns of ``runs``, and its parameters."""
        terms: list[str] = []
        values: list[str] = []
        for name in ("dtype", "label", "source", "status", "mode"):
            wanted = getattr(self, name)
            if wanted is not None:
                terms.append(f"{name} = ?")
                values.append(wanted)
        if self.since is not None:
            terms.append("created_at >= ?")
            values.append(self.since)
        if self.device is not None:
            # Not LIKE for a part of a name: what users type there may hold its wildcards.
            terms.append("(device = ? OR device LIKE ? || ':%' OR instr(lower(device_name), lower(?)))")
            values += [self.device] * 3
        if self.patterns:
            terms.append(f"({' OR '.join(['model GLOB ? OR model GLOB ?'] * len(self.patterns))})")
            globs = [pattern.replace("[!", "[^") for pattern in self.patterns]  # SQLite writes "not" as regexes do
            values += [glob for pattern in globs for glob in (pattern, f"{pattern}.*")]
        return " AND ".join(terms) or "1", values


def measured_row(result: Mapping[str, JSON], request: Mapping[str, JSON] | None, label: str) -> dict[str, JSON]:
    """A finished run by column."""
    environment = result.get("environment") or {}
    return {
        **_common(result, environment, label),
        "source": MEASURED,
        "status": DONE,
        "mode": result.get("mode", "infer"),
        "samples_per_sec": result.get("samples_per_sec"),
        "latency_p50_ms": (result.get("latency_ms") or {}).get("p50"),
        "result": _dumped(result),
        "request": _dumped(request),
        "settings": _dumped(result.get("settings")),
    }


def failed_row(
    request: Mapping[str, JSON], error: Mapping[str, str], environment: Mapping[str, JSON], label: str
) -> dict[str, JSON]:
    """A failed run by column."""
    return {
        **_common(request, environment, label),
        "source": MEASURED,
        "status": FAILED,
        "mode": "train" if request.get("train") else "infer",
        "request": _dumped(request),
        "error": _dumped(error),
    }


def imported_row(row: ImportedRun, label: str, origin: str) -> dict[str, JSON]:
    """A run of others by column."""
    values = {"model": row.model, "img_size": row.img_size, "batch_size": row.batch_size}
    return {
        **_common({**values, "device": row.device, "dtype": row.dtype}, row.environment, label),
        "source": IMPORTED,
        "status": DONE,
        "mode": row.mode,
        "samples_per_sec": row.samples_per_sec,
        "settings": _dumped(row.settings or None),
        "imported": _dumped(row.columns),
        "origin": origin,
    }


def insert_row(connection: sqlite3.Connection, values: Mapping[str, JSON]) -> int:
    """Add a row of these columns and give its id."""
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    bound = [text_of(value) if isinstance(value, str) else value for value in values.values()]
    row_id = connection.execute(f"INSERT INTO runs ({names}) VALUES ({marks})", bound).lastrowid
    assert row_id is not None
    return row_id


def run_of(row: sqlite3.Row) -> Run:
    """The run that a row of :data:`RUN_COLUMNS` is.

    Raises:
        ValueError: it does not hold what was written.
    """
    datetime.fromisoformat(row["created_at"])
    height, width = row["img_height"], row["img_width"]
    size: ImgSize | None = width if height == width else (height, width)
    return Run(**{name: row[name] for name in _SHARED}, img_size=size)


def details_of(row: sqlite3.Row) -> RunDetails:
    """All that a row holds.

    Raises:
        ValueError: it does not hold what was written.
        TypeError: likewise.
    """
    names = [field.name for field in fields(RunDetails) if field.name not in ("run", "origin")]
    return RunDetails(run_of(row), origin=row["origin"], **{name: _loaded(row[name]) for name in names})


def text_of(value: str) -> str:
    """What of a text a database can hold: file names may have bytes that are no letters."""
    return value.encode("utf-8", "replace").decode()


def _common(values: Mapping[str, JSON], environment: Mapping[str, JSON], label: str) -> dict[str, JSON]:
    height, width = _sides(values.get("img_size"))
    return {
        # UTC, always as long: the text sorts as the time does.
        "created_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "label": label,
        "model": values["model"],
        "device": values.get("device"),
        "device_name": environment.get("device_name"),
        "dtype": values.get("dtype"),
        "batch_size": values.get("batch_size"),
        "img_height": height,
        "img_width": width,
        "timm": environment.get("timm"),
        "torch": environment.get("torch"),
        "explorer": environment.get("explorer"),
        "environment": _dumped(environment or None),
    }


def _sides(img_size: JSON) -> tuple[int | None, int | None]:
    if img_size is None or isinstance(img_size, int):
        return img_size, img_size
    height, width = img_size
    return height, width


def _dumped(value: JSON) -> str | None:
    return None if value is None else json.dumps(value, default=str)


def _loaded(text: str | None) -> JSON:
    """A JSON text's value; what is no finite number becomes ``None``, for it is no JSON either."""
    return None if text is None else json.loads(text, parse_constant=lambda _: None)
