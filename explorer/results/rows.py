"""Runs as rows of the results file, there and back."""

import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime

from explorer.results.runs import DONE, FAILED, IMPORTED, JSON, MEASURED, ImgSize, Run, RunDetails
from explorer.results.timm_csv import ImportedRun

RUN_COLUMNS = """id, created_at, label, source, status, model, mode, device, device_name, dtype, batch_size,
    img_height, img_width, samples_per_sec, latency_p50_ms, timm, torch"""
DETAIL_COLUMNS = "result, imported, origin, request, settings, environment, error"


def measured(result: Mapping[str, JSON], request: Mapping[str, JSON] | None, label: str) -> dict[str, JSON]:
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


def failed(
    model: str,
    error: Mapping[str, str],
    request: Mapping[str, JSON],
    environment: Mapping[str, JSON] | None,
    label: str,
) -> dict[str, JSON]:
    """A failed run by column."""
    return {
        **_common({**request, "model": model}, environment or {}, label),
        "source": MEASURED,
        "status": FAILED,
        "mode": "train" if request.get("train") else "infer",
        "request": _dumped(request),
        "error": _dumped(error),
    }


def imported(row: ImportedRun, label: str, origin: str) -> dict[str, JSON]:
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


def insert(connection: sqlite3.Connection, values: Mapping[str, JSON]) -> int:
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
    names = [name.strip() for name in RUN_COLUMNS.split(",")]
    values = {name: row[name] for name in names if name not in ("img_height", "img_width")}
    height, width = row["img_height"], row["img_width"]
    size: ImgSize | None = width if height == width else (height, width)
    return Run(**values, img_size=size)


def details_of(row: sqlite3.Row) -> RunDetails:
    """All that a row holds.

    Raises:
        ValueError: it does not hold what was written.
        TypeError: likewise.
    """
    values = {name: _loaded(row[name]) for name in DETAIL_COLUMNS.split(", ") if name != "origin"}
    return RunDetails(run_of(row), origin=row["origin"], **values)


def text_of(value: str) -> str:
    """What of a text a database can hold: file names may have bytes that are no letters."""
    return value.encode("utf-8", "replace").decode()


def _common(values: Mapping[str, JSON], environment: Mapping[str, JSON], label: str) -> dict[str, JSON]:
    height, width = _sides(values.get("img_size"))
    return {
        "created_at": _now(),
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


def _now() -> str:
    """UTC, always as long: the text sorts as the time does."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _dumped(value: JSON) -> str | None:
    return None if value is None else json.dumps(value, default=str)


def _loaded(text: str | None) -> JSON:
    """A JSON text's value; what is no finite number becomes ``None``, for it is no JSON either."""
    return None if text is None else json.loads(text, parse_constant=lambda _: None)
