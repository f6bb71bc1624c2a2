"""``explorer results``: what was measured, listed, compared, exported, and others' results beside it."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from explorer.cli.options import JsonOption, spread
from explorer.cli.output import (
    check_place,
    notice,
    on_terminal,
    print_facts,
    print_json,
    print_lines,
    print_table,
    terminal_width,
    write_file,
)
from explorer.errors import RequestError
from explorer.report import run_list
from explorer.results.run_comparison import Comparison, SideBySide
from explorer.results.runs import RunFilter
from explorer.results.store import Store
from explorer.usecases import recording
from explorer.usecases.recording import MINE, check_choice

_SHOWN = 50
"""So many runs are listed on a terminal when nobody says how many; a pipe gets all."""
_NOTED = 5
"""So many rows that were left out are named."""
_FORMATS = ("csv", "json")

results = typer.Typer(
    help="What was measured: list, show, compare, export, and import others' results.",
    add_completion=False,
    rich_markup_mode=None,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterOptions:
    """Which runs are wanted."""

    device: Annotated[str | None, Option(help="cpu, cuda, cuda:N, or a part of the hardware's name.")] = None
    dtype: Annotated[str | None, Option(help="float32, tf32, bfloat16, float16 or amp.")] = None
    label: Annotated[str | None, Option(help="Only what goes by this label.")] = None
    source: Annotated[str | None, Option(help="measured or imported.")] = None
    since: Annotated[str | None, Option(metavar="DATE", help="A date, a time, or how long ago: 12h, 7d, 2w.")] = None
    mode: Annotated[str | None, Option(help="infer or train.")] = None

    def filter(self, patterns: Sequence[str] | None) -> RunFilter:
        """The filter that they make with patterns of models' names."""
        return recording.run_filter(patterns or (), **asdict(self))


@results.callback(invoke_without_command=True)
def _start(context: typer.Context, json: JsonOption = False) -> None:
    if context.invoked_subcommand is None:
        list_runs(patterns=None, failed=False, limit=None, json=json, **asdict(FilterOptions()))
    elif json:
        raise RequestError("--json stands after the command", f"explorer results {context.invoked_subcommand} --json")


@results.command()
def compare(
    a: Annotated[str, Argument(metavar="A", help=f"A run's id, a label, or {MINE}: all measured here.")],
    b: Annotated[str, Argument(metavar="B", help="The same; ratios are A over B.")],
    json: JsonOption = False,
) -> None:
    """Compare two runs, or two sets of runs model by model."""
    compared = recording.compare(a, b)
    if json:
        print_json(compared.to_json())
    if isinstance(compared, SideBySide):
        if compared.pairs and not json:
            _print_sides(compared, a, b)
        recording.check_pairs(compared, a, b)
    elif not json:
        _print_comparison(compared)


def _print_comparison(comparison: Comparison) -> None:
    print_facts(run_list.comparison_facts(comparison))
    print_lines([""])
    if comparison.differences:
        print_table(("differs", "A", "B"), run_list.difference_rows(comparison.differences))
    else:
        print_lines(["nothing that is known differs"])


def _print_sides(sides: SideBySide, a: str, b: str) -> None:
    rows = run_list.pair_rows(sides.pairs)
    differs = 1 if any(row[-1] for row in rows) else 0
    headers = ("model", "size", a, b, "ratio", "differs")[: 5 + differs]
    print_table(headers, [row[: 5 + differs] for row in rows], right=(2, 3, 4))
    count = f"{len(rows)} {'model' if len(rows) == 1 else 'models'}"
    print_lines([f"median ratio {sides.median_ratio:.3f} over {count}: samples/s of {a} to those of {b}"])
    for note in run_list.side_notes(sides, a, b):
        notice(note)


@results.command("list")
@spread
def list_runs(
    patterns: Annotated[
        list[str] | None, Argument(metavar="[PATTERN]...", help="Models: shell wildcards, with or without a tag.")
    ] = None,
    *,
    wanted: FilterOptions,
    failed: Annotated[bool, Option("--failed", help="Only what failed.")] = False,
    limit: Annotated[
        int | None, Option(help="So many of the newest.", show_default="50 on a terminal, else all")
    ] = None,
    json: JsonOption = False,
) -> None:
    """List runs, the newest first."""
    store = Store()
    chosen = replace(wanted.filter(patterns), status="failed" if failed else None)
    shown = limit if limit is not None else _SHOWN if on_terminal(sys.stdout) and not json else None
    if shown is not None and shown < 1:
        raise RequestError(f"--limit must be from 1 up, not {shown}")
    # One run more than is shown tells whether there are more.
    runs = store.runs(replace(chosen, limit=None if shown is None else shown + 1))
    more, runs = len(runs) > (shown or len(runs)), runs[:shown]
    if json:
        print_json([run.to_json() for run in runs])
    elif runs and not on_terminal(sys.stdout):
        print_table(run_list.RAW_HEADERS, [run_list.raw_row(run) for run in runs])
    elif runs:
        headers, rows, right = run_list.run_table(runs, terminal_width())
        print_table(headers, rows, right=right)
    if not runs:
        _tell_nothing(store, chosen)
    elif more and limit is None:
        notice(f"the newest {shown}; --limit N shows more, PATTERN and the filters fewer")


def _tell_nothing(store: Store, wanted: RunFilter) -> None:
    """An empty list is an answer while nothing was asked for; else the request is wrong."""
    if wanted != RunFilter():
        raise recording.no_run_matches(store, wanted)
    notice(f"no run is kept yet in {store.path}: explorer bench NAME measures, and keeps")


@results.command()
def show(run_id: Annotated[int, Argument(metavar="ID")], json: JsonOption = False) -> None:
    """Show all that is kept of one run."""
    details = Store().run(run_id)
    if json:
        print_json(details.to_json())
        return
    for title, facts in run_list.run_facts(details):
        if title:
            print_lines(["", title])
        print_facts([(f"  {name}" if title else name, value) for name, value in facts])


@results.command()
@spread
def export(
    file: Annotated[Path, Argument(help="Where to; the ending says the format; - is stdout.")] = Path("-"),
    *,
    patterns: Annotated[
        list[str] | None, Option("--model", metavar="PATTERN", help="Only these models (repeatable).")
    ] = None,
    format: Annotated[str | None, Option(help="csv, timm's columns, or json, all that is kept.")] = None,  # noqa: A002
    wanted: FilterOptions,
    json: Annotated[bool, Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Write finished runs to a file, in the column names of timm's own results."""
    chosen = _format(file, "json" if json else format)
    check_place(file)
    write_file(file, recording.export(wanted.filter(patterns), chosen).encode())


def _format(file: Path, wanted: str | None) -> str:
    check_choice("--format", wanted, _FORMATS)
    if wanted is not None:
        return wanted
    if str(file) == "-":
        return "csv"
    ending = file.suffix.lower().removeprefix(".")
    if ending not in _FORMATS:
        raise RequestError(f"cannot tell the format of {file} from its name", "end it in .csv or .json, or --format")
    return ending


@results.command("import")
def import_files(
    files: Annotated[list[Path], Argument(metavar="FILE...", help="timm's results files, CSV.")],
    label: Annotated[str | None, Option(help="What they go by.", show_default="each file's name")] = None,
    json: JsonOption = False,
) -> None:
    """Take in timm's results files, so that runs here can be compared with them."""
    done: list[dict[str, Any]] = []
    for taken in recording.take_in(files, label):
        counts, skipped = taken.counts, [asdict(row) for row in taken.content.skipped]
        done.append({"file": str(taken.file), "label": taken.label, **asdict(counts), "skipped": skipped})
        _note_skipped(taken.file, skipped)
        if not json:
            told = f"{counts.added} added, {counts.replaced} replaced, {counts.unchanged} there already"
            print_lines([f"{taken.label}: {told}, {len(skipped)} left out"])
    if json:
        print_json(done)


def _note_skipped(file: Path, skipped: list[dict[str, Any]]) -> None:
    for row in skipped[:_NOTED]:
        notice(f"left out {file}:{row['line']}: {row['reason']}")
    if len(skipped) > _NOTED:
        notice(f"left out {len(skipped) - _NOTED} more rows of {file} (--json has all)")


@results.command()
def delete(
    run_ids: Annotated[list[int] | None, Argument(metavar="[ID]...")] = None,
    label: Annotated[str | None, Option(help="Everything that goes by this label.")] = None,
    json: JsonOption = False,
) -> None:
    """Forget runs."""
    store = Store()
    ids = set(run_ids or ())
    if label is not None:
        ids |= {run.id for run in recording.labelled(store, label)}
    if not ids:
        raise RequestError("nothing to delete", "name ids of runs, or --label L")
    count = store.delete(sorted(ids))
    if json:
        print_json({"deleted": count})
    else:
        print_lines([f"{count} {'run' if count == 1 else 'runs'} deleted"])


@results.command()
def path(json: JsonOption = False) -> None:
    """Print where the results file is."""
    store = Store()
    if json:
        print_json({"path": str(store.path), "exists": store.path.exists()})
    else:
        print_lines([str(store.path)])
