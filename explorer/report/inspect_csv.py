"""What models are made of as CSV: a row a layer of one model, or the totals of many models, added to over time."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from explorer.engine.pool import Outcome
from explorer.errors import OutOfMemory, OutputError, RequestError, WorkerDied, WorkerSilent
from explorer.files import read_regular, write_whole
from explorer.plain_text import csv_cell
from explorer.protocol.inspect import InspectRequest, InspectResult, Layer
from explorer.report.wording import dimensions

_TOTALS = ("params", "macs", "macs_fvcore", "activations", "buffers")

COLUMNS = (
    *("model", "img_size", *_TOTALS),
    *("device", "built_on", "timm", "error", "options"),
)
"""Columns of a table of totals: whole numbers, MACs and activations of one image, ``img_size`` as 224 or 224x112;
``error`` is ``Kind: message`` of a model that failed, ``options`` the wishes of the run as JSON, empty for none."""

LAYER_COLUMNS = Layer.__struct_encode_fields__
"""Columns of a table of layers: the fields of :class:`Layer`, shapes as 1x64x56x56, several with spaces between."""

_PASSING = (OutOfMemory.__name__, WorkerDied.__name__, WorkerSilent.__name__)
"""Kinds of errors that may be gone the next time."""


def layers_csv(layers: Sequence[Layer]) -> str:
    """The layers of one model, a row each, under :data:`LAYER_COLUMNS`."""
    return csv_text([LAYER_COLUMNS, *([_cell(name, v) for name, v in layer.to_json().items()] for layer in layers)])


def _cell(name: str, value: Any) -> Any:
    return dimensions(value, sign="x").replace(", ", " ") if name.endswith("_shape") else value


def options_text(wish: InspectRequest) -> str:
    """The wishes that change a model's totals, as the ``options`` column has them."""
    asked = {name: getattr(wish, name) for name in ("img_size", "in_chans", "num_classes")}
    asked |= {name: getattr(wish, name) or None for name in ("features_only", "reparam", "args")}
    asked = {name: value for name, value in asked.items() if value is not None}
    return json.dumps(asked, sort_keys=True, separators=(",", ":")) if asked else ""


def outcome_row(outcome: Outcome[InspectResult], timm_version: str, options: str) -> dict[str, Any]:
    """A model's totals, or why there are none, by column; the model goes by the name asked for."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    row |= {"model": outcome.model, "timm": timm_version, "options": options}
    if error := outcome.error:
        row["error"] = " ".join(f"{type(error).__name__}: {error.message}".split())
    if result := outcome.value:
        size = result.img_size
        row["img_size"] = size if isinstance(size, int) else "x".join(map(str, size))
        row |= {name: getattr(result.totals, name) for name in _TOTALS}
        row |= {"device": result.device, "built_on": result.built_on}
    return row


class TotalsFile:
    """A table of totals that is added to, a row as soon as it is known; what is in it already counts as done.

    Args:
        path: the file, which need not be there.
        timm_version: rows of another timm are left alone and do not count.
        options: as :func:`options_text` gives them; likewise.

    Raises:
        RequestError: the file is there, and is no table of totals.
        OutputError: it cannot be read.
    """

    def __init__(self, path: Path, timm_version: str, options: str) -> None:
        self._path = path
        self.timm_version = timm_version
        self.options = options
        self._rows = _read(path)

    def done(self) -> dict[str, dict[str, str]]:
        """Rows of this timm and these options by model, failures that would be the same again among them."""
        return {row["model"]: row for row in self._rows if self._is_ours(row) and not _may_pass(row)}

    @contextmanager
    def open(self, names: Iterable[str]) -> Iterator[Callable[[Mapping[str, Any]], None]]:
        """What adds a row, of these models; what the file has of them is taken out, and a torn last line too.

        Raises:
            OutputError: the file, or a row, cannot be written whole; the rows before it are there, and the rest of it
                goes with the next run.
        """
        redone = set(map(csv_cell, names))
        kept = [row for row in self._rows if not (self._is_ours(row) and row["model"] in redone)]
        text = csv_text([COLUMNS, *([row[name] for name in COLUMNS] for row in kept)])
        with self._explained():
            if self._path.is_file() or not self._path.exists():
                if not self._path.exists() or self._path.read_bytes() != text.encode():
                    write_whole(self._path, text.encode())
                text = ""
            file = self._path.open("a", encoding="utf-8", newline="")
            file.write(text)

        def add(row: Mapping[str, Any]) -> None:
            with self._explained():
                file.write(csv_text([[row[name] for name in COLUMNS]]))
                file.flush()

        try:
            yield add
        finally:
            with suppress(OSError):
                file.close()

    def _is_ours(self, row: Mapping[str, str]) -> bool:
        return (row["timm"], row["options"]) == (self.timm_version, self.options)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or error
            raise OutputError(f"cannot write {self._path}: {why}", "what was finished before is in it") from error


def _read(path: Path) -> list[dict[str, str]]:
    """The rows of a table of totals, whole ones; none where there is no file yet, or an empty one."""
    try:
        text = read_regular(path).decode("utf-8-sig", "replace") if path.is_file() else ""
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror or error}") from error
    header = csv_text([COLUMNS])
    if header.startswith(text):  # nothing yet, or the header torn
        return []
    whole = text[: text.rfind("\n") + 1]
    reader = csv.DictReader(io.StringIO(whole))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise RequestError(f"{path} is there, and is no table of totals", "name another file")
    return [row for row in reader if None not in row and None not in row.values()]


def _may_pass(row: Mapping[str, str]) -> bool:
    """A failure that need not be the model's own: want of memory, a worker's end, or one that does not name it."""
    kind, _, message = row["error"].partition(": ")
    return bool(row["error"]) and (kind in _PASSING or row["model"] not in message)


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as lines of CSV, cells made harmless for a spreadsheet."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([csv_cell(value) for value in row] for row in rows)
    return text.getvalue()
