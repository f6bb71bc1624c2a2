"""timm's results CSV files, read and written.

Columns and units are those of timm's ``benchmark.py``, whose files lie in the ``results`` folder of its repository:
``infer_samples_per_sec``; ``infer_step_time``, the mean time of a batch in milliseconds; ``infer_batch_size``;
``infer_img_size``, the width in pixels; ``infer_gmacs`` and ``infer_macts`` of one image in 1e9 and 1e6 as fvcore
counts them; ``param_count`` in 1e6; and the same with ``train_`` for training steps.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import RequestError
from explorer.files import read_regular
from explorer.plain_text import csv_cell
from explorer.results.runs import DONE, ImportedRun, RunDetails

_FIGURES = ("samples_per_sec", "step_time", "batch_size", "img_size", "gmacs", "macts")
_WHOLE = ("batch_size", "img_size")
_EXPORTED = {"infer": _FIGURES, "train": _FIGURES[:4]}
_FILE_NAME = re.compile(
    r"benchmark-(infer|train|both)-(?P<dtype>\w+)-(?P<format>nchw|nhwc)-pt(?P<torch>\d+)"
    r"-(?P<platform>cpu|cu\d+)-(?P<device>.+?)(?P<compiled>-dynamo)?"
)
_DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "amp": "amp"}
_MEMORY_FORMATS = {"nchw": "contiguous", "nhwc": "channels_last"}
_LARGEST = 2**53
"""Up to here floats hold every whole number; nothing that can be measured is near it."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that was left out: the line it ends on, from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ResultsFile:
    """What a results file holds, and which of its rows make no sense."""

    runs: Sequence[ImportedRun]
    skipped: Sequence[Skipped]


def read_csv(path: Path) -> ResultsFile:
    """Read one of timm's results files, of any of the kinds it has had; columns may be missing.

    Raises:
        RequestError: it cannot be read, or is no such file.
    """
    try:
        text = read_regular(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_results(path, "it is not text") from error
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from error
    known = named(path)
    runs: list[ImportedRun] = []
    skipped: list[Skipped] = []
    for line, row in _rows(path, text):
        try:
            runs += list(_runs(row, known))
        except ValueError as error:
            skipped.append(Skipped(line, str(error)))
    if not runs:
        reason = f"line {skipped[0].line}: {skipped[0].reason}" if skipped else "it has no rows"
        raise _no_results(path, reason)
    return ResultsFile(runs, skipped)


def named(path: Path) -> dict[str, Any]:
    """What the name of one of timm's files tells of how it was measured, as fields of :class:`ImportedRun`.

    ``benchmark-infer-amp-nhwc-pt240-cu124-rtx4090-dynamo.csv`` is autocast, NHWC, torch 2.4.0, CUDA 12.4, an RTX 4090
    and torch.compile. Empty for other names.
    """
    match = _FILE_NAME.fullmatch(path.stem)
    if match is None:
        return {}
    platform = match["platform"]
    environment = {"device_name": match["device"], "torch": _torch_version(match["torch"])}
    if platform != "cpu":
        environment["cuda"] = f"{platform[2:-1]}.{platform[-1]}"
    return {
        "device": "cpu" if platform == "cpu" else "cuda",
        "dtype": _DTYPES.get(match["dtype"], match["dtype"]),
        "settings": {
            "memory_format": _MEMORY_FORMATS[match["format"]],
            "compile": "default" if match["compiled"] else "off",
        },
        "environment": environment,
    }


def write_csv(runs: Iterable[RunDetails]) -> str:
    """Finished runs as such a file: the fastest first, a row each, and the columns of the modes there are."""
    done = sorted(
        (details for details in runs if details.run.status == DONE), key=lambda d: -(d.run.samples_per_sec or 0)
    )
    modes = [mode for mode in _EXPORTED if any(details.run.mode == mode for details in done)] or ["infer"]
    columns = ["model", *(f"{mode}_{name}" for mode in modes for name in _EXPORTED[mode]), "param_count"]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: csv_cell(value) for name, value in _exported(details).items()} for details in done)
    return text.getvalue()


def _rows(path: Path, text: str) -> Iterator[tuple[int, dict[str | None, Any]]]:
    """Line numbers and rows by column; what a row has too much or too little stands under or as ``None``."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        if "model" not in (reader.fieldnames or ()):
            raise _no_results(path, "it has no column 'model'")
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise _no_results(path, f"line {reader.line_num}: {error}") from error


def _runs(row: Mapping[str | None, Any], known: Mapping[str, Any]) -> Iterator[ImportedRun]:
    """The runs that a row tells of: one, or one of each mode where it has both.

    Raises:
        ValueError: the row makes no sense.
    """
    if None in row or None in row.values():
        raise ValueError("not as many values as there are columns")
    columns = {str(name): value.strip() for name, value in row.items()}
    if not columns["model"]:
        raise ValueError("no model")
    if columns.get("error"):
        raise ValueError(f"{columns['model']} failed: {columns['error']}")
    _number(columns, "param_count")
    modes = [mode for mode in _EXPORTED if columns.get(f"{mode}_samples_per_sec")]
    if not modes:
        modes = ["train" if any(name.startswith("train_") for name in columns) else "infer"]
    for mode in modes:
        figures = {name: _figure(columns, mode, name) for name in _FIGURES}
        yield ImportedRun(
            model=columns["model"],
            mode=mode,
            samples_per_sec=figures["samples_per_sec"] or None,
            batch_size=_whole(figures["batch_size"]),
            img_size=_whole(figures["img_size"]),
            columns=columns,
            **known,
        )


def _figure(columns: Mapping[str, str], mode: str, name: str) -> float | None:
    """A figure of one mode; some files have it without the mode before its name."""
    prefixed = f"{mode}_{name}"
    value = _number(columns, prefixed if prefixed in columns else name)
    if value is not None and name in _WHOLE and (value < 1 or value % 1):
        raise ValueError(f"{prefixed} is no whole number from 1 up: {value:g}")
    return value


def _number(columns: Mapping[str, str], name: str) -> float | None:
    """A number of a row, ``None`` where it has none; some files have commas between thousands.

    Raises:
        ValueError: it is no number, or one that nothing can measure.
    """
    text = columns.get(name, "")
    if not text:
        return None
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        raise ValueError(f"{name} is no number: {text!r}") from None
    if not math.isfinite(value) or not 0 <= value < _LARGEST:
        raise ValueError(f"{name} is out of range: {text}")
    return value


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _torch_version(digits: str) -> str:
    """``pt112`` is 1.12, ``pt240`` 2.4.0."""
    return f"1.{digits[1:]}" if digits.startswith("1") else ".".join((digits[:1], digits[1:-1], digits[-1:]))


def _exported(details: RunDetails) -> dict[str, Any]:
    run, result, mode = details.run, details.result, details.run.mode
    if result is None:
        row = details.imported or {}
        figures: dict[str, Any] = {
            name: row.get(f"{mode}_{name}", row.get(name, "")).replace(",", "") for name in _FIGURES
        }
        param_count: float | str = row.get("param_count", "").replace(",", "")
    else:
        size = run.img_size
        figures = {
            "samples_per_sec": round(result["samples_per_sec"], 2),
            "step_time": round(result["latency_ms"]["mean"], 3),
            "batch_size": run.batch_size,
            "img_size": size[1] if isinstance(size, tuple) else size,
            "gmacs": _scaled(result.get("macs_fvcore"), 1e9),
            "macts": _scaled(result.get("activations"), 1e6),
        }
        param_count = _scaled(result.get("param_count"), 1e6)
    prefixed = {f"{mode}_{name}": value for name, value in figures.items()}
    return {"model": run.model, **prefixed, "param_count": param_count}


def _scaled(value: float | None, unit: float) -> float | str:
    return "" if value is None else round(value / unit, 2)


def _no_results(path: Path, reason: str) -> RequestError:
    return RequestError(
        f"{path} is none of timm's results files: {reason}", "they have a header line with a column 'model'"
    )
