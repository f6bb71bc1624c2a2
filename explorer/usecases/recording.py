"""What was measured: kept as it ends, listed, compared, exported, and others' results taken in beside it."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from explorer.errors import ExplorerError, RequestError, StoreError
from explorer.graph.fuzzy import closest
from explorer.protocol.bench import BenchRequest, BenchResult
from explorer.report.run_list import side_notes
from explorer.results import run_comparison
from explorer.results.run_comparison import Comparison, SideBySide
from explorer.results.runs import DONE, IMPORTED, MEASURED, Run, RunDetails, RunFilter
from explorer.results.store import ImportCounts, Store
from explorer.results.timm_csv import ResultsFile, read_csv, write_csv
from explorer.usecases.telling import Emit, quiet, tell

MINE = "mine"
"""Stands for everything measured here, where a label can stand."""


# keeping


def keep(request: BenchRequest, outcome: BenchResult | ExplorerError, *, label: str = "") -> int:
    """Put a measurement, or why there is none, into the user's results file; the run's id.

    Raises:
        StoreError: it cannot be kept.
    """
    return Store().keep(request, outcome, label=label)


class Keeper:
    """Puts measurements into the results file, one by one; where that fails the rest goes on.

    Args:
        label: what the user calls them.
        is_wanted: false leaves the file alone.
        emit: told now, before time is spent, when nothing can be kept.
    """

    def __init__(self, label: str = "", *, is_wanted: bool = True, emit: Emit = quiet) -> None:
        self._label = label
        self._lost: StoreError | None = None
        self._store: Store | None = None
        if not is_wanted:
            return
        try:
            self._store = Store()
            self._store.check()
        except StoreError as error:
            tell(emit, f"what is measured now will not be kept: {error}")
            if self._store is None and not isinstance(error.__cause__, ImportError):
                self._lost = error

    def keep(self, request: BenchRequest, outcome: BenchResult | ExplorerError) -> None:
        """Keep an attempt, however it ended; a failure to do so waits for :meth:`finish`."""
        if self._store is None:
            return
        try:
            self._store.keep(request, outcome, label=self._label)
        except StoreError as error:
            self._lost = error

    def finish(self) -> None:
        """To be called when all is shown.

        Raises:
            StoreError: a measurement could not be kept.
        """
        if self._lost is not None:
            raise self._lost


# listing


def runs(
    *patterns: str,
    device: str | None = None,
    dtype: str | None = None,
    label: str | None = None,
    source: str | None = None,
    since: str | None = None,
    mode: str | None = None,
    failed: bool = False,
    limit: int | None = None,
) -> list[Run]:
    """The runs that were kept, the newest first; an empty list where none is like that.

    ::

        [(run.model, run.samples_per_sec) for run in explorer.runs("resnet*", since="7d")]

    Args:
        patterns: shell wildcards of which one must match the model, with or without its tag; none matches all.
        device: ``cpu``, ``cuda``, ``cuda:N``, or a part of the hardware's name.
        dtype: ``float32``, ``tf32``, ``bfloat16``, ``float16`` or ``amp``.
        label: only what goes by this label.
        source: ``measured`` here or ``imported``.
        since: a date, a time, or how long ago: ``12h``, ``7d``, ``2w``.
        mode: ``infer`` or ``train``.
        failed: only those that failed.
        limit: so many of the newest.

    Raises:
        RequestError: one of these cannot have its value.
        StoreError: the results file cannot be read.
    """
    wishes = {"device": device, "dtype": dtype, "label": label, "source": source, "since": since, "mode": mode}
    return Store().runs(replace(run_filter(patterns, **wishes), status="failed" if failed else None, limit=limit))


def run_filter(patterns: Sequence[str] = (), since: str | None = None, **wishes: Any) -> RunFilter:
    """The filter that wishes make, by the names of its fields; ``since`` as :func:`runs` takes it.

    Raises:
        RequestError: one cannot have its value.
    """
    check_choice("--source", wishes.get("source"), (MEASURED, IMPORTED))
    check_choice("--mode", wishes.get("mode"), ("infer", "train"))
    return RunFilter(patterns, since=None if since is None else _moment(since), **wishes)


def check_choice(option: str, value: str | None, choices: tuple[str, ...]) -> None:
    """Refuse a value that is none of the choices."""
    if value is not None and value not in choices:
        raise RequestError(f"{option} cannot be {value!r}", f"it can be {' or '.join(choices)}")


def _moment(text: str) -> str:
    """A date, a time or an age as UTC in the form the store has; what has no zone is this machine's time."""
    age = re.fullmatch(r"(\d+)([mhdw])", text)
    try:
        if age:
            unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[age[2]]
            moment = datetime.now(UTC) - timedelta(**{unit: int(age[1])})
        else:
            moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RequestError(f"--since is no time: {text!r}", "2026-01-31, 2026-01-31T12:00, 12h, 7d or 2w") from error
    return moment.isoformat(timespec="milliseconds")


def labelled(store: Store, label: str, status: str | None = None) -> list[Run]:
    """The runs of a label, at least one.

    Raises:
        RequestError: there is none.
    """
    found = store.runs(RunFilter(label=label, status=status))
    if found:
        return found
    labels = store.labels()
    if label in labels:
        raise RequestError(f"every run of {label} failed", f"explorer results list --label {label}")
    raise RequestError(f"no label {label!r}", _labels_hint(label, list(labels)))


def no_run_matches(store: Store, wanted: RunFilter) -> RequestError:
    """The error for a filter that lets no run through, with the closest names or labels."""
    known = store.runs()
    if not known:
        return RequestError("no run is kept yet", "explorer bench NAME measures, and keeps")
    if wanted.label is not None and wanted.label not in (labels := store.labels()):
        return RequestError(f"no label {wanted.label!r}", _labels_hint(wanted.label, list(labels)))
    names = list(dict.fromkeys(run.model for run in known))
    near = dict.fromkeys(name for p in wanted.patterns for name in closest(p.strip("*?"), names))
    hint = f"closest: {', '.join(near)}" if near else "`explorer results list` shows all; quote wildcards"
    return RequestError(f"no run matches {' '.join(wanted.patterns) or 'these filters'}", hint)


def _labels_hint(label: str, labels: list[str]) -> str:
    if not labels:
        return "no run has a label yet: explorer results import FILE --label L"
    return f"closest: {', '.join(closest(label, labels) or labels[:3])}"


# comparing


def compare(a: int | str, b: int | str) -> Comparison | SideBySide:
    """Two kept runs held against each other, or two sets of runs model by model. Ratios are A over B.

    ::

        explorer.compare(12, 15).samples_per_sec_ratio
        explorer.compare("mine", "a100").median_ratio

    Args:
        a, b: a run's id, a label, or ``mine``, which is all that was measured here.

    Returns:
        Of two runs a comparison with ratios of throughput, latency and memory and what else differs; of sets the pairs
        of runs of one model, and what stands in the way of pairing the others.

    Raises:
        RequestError: there is no such run or label, or a run has no throughput.
        StoreError: the results file cannot be read.
    """
    store = Store()
    one, other = _side(store, str(a)), _side(store, str(b))
    if not isinstance(one, list) and not isinstance(other, list):
        return run_comparison.compare(one, other)
    return run_comparison.side_by_side(_as_list(one), _as_list(other))


def _side(store: Store, text: str) -> list[Run] | RunDetails:
    """What one side of a comparison names."""
    if text == MINE:
        found = store.runs(RunFilter(source=MEASURED, status=DONE))
        if not found:
            raise RequestError("nothing is measured here yet", "explorer bench NAME")
        return found
    if text.isdecimal() and text.isascii() and text not in store.labels():
        return store.run(int(text))
    return labelled(store, text, DONE)


def _as_list(side: list[Run] | RunDetails) -> list[Run]:
    return side if isinstance(side, list) else [side.run]


def check_pairs(sides: SideBySide, a: str, b: str) -> None:
    """Refuse two sets of runs that have nothing to be compared.

    Raises:
        RequestError: no model has its throughput in both.
    """
    if not sides.pairs:
        notes = "; ".join(side_notes(sides, a, b))
        raise RequestError(f"nothing to compare: no model has its samples/s in both {a} and {b}", notes)


# files


def export(wanted: RunFilter, fmt: str) -> str:
    """Finished runs as text: ``csv`` in timm's columns, or ``json`` with all that is kept.

    Raises:
        RequestError: no run is wanted.
    """
    store = Store()
    wanted = replace(wanted, status="done")
    found = store.details(wanted)
    if not found:
        raise no_run_matches(store, wanted)
    if fmt == "csv":
        return write_csv(found)
    return json.dumps([details.to_json() for details in found], indent=1, default=str) + "\n"


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of one file of others' results: its label, how many rows went where, and the rows left out."""

    file: Path
    label: str
    counts: ImportCounts
    content: ResultsFile


def take_in(files: Sequence[Path], label: str | None = None) -> list[TakenIn]:
    """Keep the rows of timm's results files beside what was measured here.

    Args:
        files: CSV, all read before the first is kept.
        label: what they go by; each file's name when ``None``.

    Raises:
        RequestError: a file cannot be read, or a label would be mistaken for something else.
        StoreError: they cannot be kept.
    """
    labels = [_checked_label(file.stem if label is None else label) for file in files]
    read = [read_csv(file) for file in files]
    store = Store()
    return [
        TakenIn(file, name, store.import_rows(content.runs, name, str(file.absolute())), content)
        for file, name, content in zip(files, labels, read, strict=True)
    ]


def _checked_label(label: str) -> str:
    """A label that no id and no word of ours is mistaken for."""
    if not label.strip() or label.strip() == MINE or label.strip().isdecimal():
        raise RequestError(f"{label!r} cannot be a label", f"a label has a letter and is not {MINE}: --label L")
    return label.strip()
