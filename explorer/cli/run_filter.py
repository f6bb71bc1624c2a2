"""Which runs are wanted: the options that say it, and the errors where none is."""

from typing import TYPE_CHECKING, Annotated

import typer

from explorer.errors import RequestError

if TYPE_CHECKING:
    from explorer.results.runs import Run, RunFilter
    from explorer.results.store import Store

MINE = "mine"
"""Stands for everything measured here, where a label can stand."""

Patterns = Annotated[
    list[str] | None, typer.Argument(metavar="[PATTERN]...", help="Models: shell wildcards, with or without a tag.")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:N, or a part of the hardware's name.")]
Dtype = Annotated[str | None, typer.Option(help="float32, tf32, bfloat16, float16 or amp.")]
Label = Annotated[str | None, typer.Option(help="Only what goes by this label.")]
Source = Annotated[str | None, typer.Option(help="measured or imported.")]
Since = Annotated[str | None, typer.Option(metavar="DATE", help="A date, a time, or how long ago: 12h, 7d, 2w.")]
Mode = Annotated[str | None, typer.Option(help="infer or train.")]
Limit = Annotated[int | None, typer.Option(help="So many of the newest.", show_default="50 on a terminal, else all")]


def run_filter(
    patterns: list[str] | None,
    device: str | None,
    dtype: str | None,
    label: str | None,
    source: str | None,
    since: str | None,
    mode: str | None,
) -> "RunFilter":
    """The filter that the options make.

    Raises:
        RequestError: one cannot have its value.
    """
    from explorer.results.runs import IMPORTED, MEASURED, RunFilter

    check_choice("--source", source, (MEASURED, IMPORTED))
    check_choice("--mode", mode, ("infer", "train"))
    moment = None if since is None else _moment(since)
    return RunFilter(patterns or (), device, dtype, label, source, moment, mode=mode)


def check_choice(option: str, value: str | None, choices: tuple[str, ...]) -> None:
    """Refuse a value that is none of the choices."""
    if value is not None and value not in choices:
        raise RequestError(f"{option} cannot be {value!r}", f"it can be {' or '.join(choices)}")


def _moment(text: str) -> str:
    """A date, a time or an age as UTC in the form the store has; what has no zone is this machine's time."""
    import re
    from datetime import UTC, datetime, timedelta

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


def labelled(store: "Store", label: str, status: str | None = None) -> "list[Run]":
    """The runs of a label, at least one.

    Raises:
        RequestError: there is none.
    """
    from explorer.results.runs import RunFilter

    runs = store.runs(RunFilter(label=label, status=status))
    if runs:
        return runs
    labels = store.labels()
    if label in labels:
        raise RequestError(f"every run of {label} failed", f"explorer results list --label {label}")
    raise RequestError(f"no label {label!r}", _labels_hint(label, list(labels)))


def nothing_matches(store: "Store", wanted: "RunFilter") -> RequestError:
    """The error for a filter that lets no run through, with the closest names or labels."""
    from explorer.graph.fuzzy import closest

    runs = store.runs()
    if not runs:
        return RequestError("no run is kept yet", "explorer bench NAME measures, and keeps")
    if wanted.label is not None and wanted.label not in (labels := store.labels()):
        return RequestError(f"no label {wanted.label!r}", _labels_hint(wanted.label, list(labels)))
    names = list(dict.fromkeys(run.model for run in runs))
    near = dict.fromkeys(name for p in wanted.patterns for name in closest(p.strip("*?"), names))
    hint = f"closest: {', '.join(near)}" if near else "`explorer results list` shows all; quote wildcards"
    return RequestError(f"no run matches {' '.join(wanted.patterns) or 'these filters'}", hint)


def _labels_hint(label: str, labels: list[str]) -> str:
    from explorer.graph.fuzzy import closest

    if not labels:
        return "no run has a label yet: explorer results import FILE --label L"
    return f"closest: {', '.join(closest(label, labels) or labels[:3])}"
