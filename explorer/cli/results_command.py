"""``explorer results``: what was measured, listed, compared, exported, and others' results beside it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.options import JsonOption
from explorer.cli.output import notice, on_terminal, print_facts, print_json, print_lines, print_table, write_file
from explorer.cli.results_compare import compare
from explorer.cli.run_filter import (
    MINE,
    Device,
    Dtype,
    Label,
    Limit,
    Mode,
    Patterns,
    Since,
    Source,
    check_choice,
    labelled,
    nothing_matches,
    run_filter,
)
from explorer.errors import RequestError

if TYPE_CHECKING:
    from explorer.results.runs import RunFilter
    from explorer.results.store import Store

_SHOWN = 50
_NOTED = 5
_FORMATS = ("csv", "json")

results = typer.Typer(
    help="What was measured: list, show, compare, export, and import others' results.", rich_markup_mode=None
)


@results.callback(invoke_without_command=True)
def _start(context: typer.Context, json: JsonOption = False) -> None:
    if context.invoked_subcommand is None:
        list_runs(json=json)
    elif json:
        raise RequestError("--json stands after the command", f"explorer results {context.invoked_subcommand} --json")


results.command()(compare)


@results.command("list")
def list_runs(
    patterns: Patterns = None,
    device: Device = None,
    dtype: Dtype = None,
    label: Label = None,
    source: Source = None,
    since: Since = None,
    mode: Mode = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed.")] = False,
    limit: Limit = None,
    json: JsonOption = False,
) -> None:
    """List runs, the newest first."""
    import shutil
    import sys
    from dataclasses import replace

    from explorer.report import run_list

    store = _store()
    wanted = run_filter(patterns, device, dtype, label, source, since, mode)
    wanted = replace(wanted, status="failed" if failed else None)
    shown = limit if limit is not None else _SHOWN if on_terminal(sys.stdout) and not json else None
    if shown is not None and shown < 1:
        raise RequestError(f"--limit must be from 1 up, not {shown}")
    runs = store.runs(replace(wanted, limit=None if shown is None else shown + 1))
    more, runs = len(runs) > (shown or len(runs)), runs[:shown]
    if json:
        print_json([run.to_json() for run in runs])
    elif runs and not on_terminal(sys.stdout):
        print_table(run_list.RAW_HEADERS, [run_list.raw_row(run) for run in runs])
    elif runs:
        headers, rows, right = run_list.run_table(runs, shutil.get_terminal_size().columns)
        print_table(headers, rows, right=right)
    if not runs:
        _tell_nothing(store, wanted)
    elif more and limit is None:
        notice(f"the newest {shown}; --limit N shows more, PATTERN and the filters fewer")


@results.command()
def show(run_id: Annotated[int, typer.Argument(metavar="ID")], json: JsonOption = False) -> None:
    """Show all that is kept of one run."""
    from explorer.report.run_list import run_facts

    details = _store().run(run_id)
    if json:
        print_json(details.to_json())
        return
    for title, facts in run_facts(details):
        if title:
            print_lines(["", title])
        print_facts([(f"  {name}" if title else name, value) for name, value in facts])


@results.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to; the ending says the format; - is stdout.")] = Path("-"),
    patterns: Annotated[
        list[str] | None, typer.Option("--model", metavar="PATTERN", help="Only these models (repeatable).")
    ] = None,
    format: Annotated[str | None, typer.Option(help="csv, timm's columns, or json, all that is kept.")] = None,  # noqa: A002
    device: Device = None,
    dtype: Dtype = None,
    label: Label = None,
    source: Source = None,
    since: Since = None,
    mode: Mode = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Write finished runs to a file, in the column names of timm's own results."""
    from dataclasses import replace
    from json import dumps

    from explorer.cli.output import check_place
    from explorer.results.timm_csv import write_csv

    chosen = _format(file, "json" if json else format)
    check_place(file)
    store = _store()
    wanted = replace(run_filter(patterns, device, dtype, label, source, since, mode), status="done")
    found = store.details(wanted)
    if not found:
        raise nothing_matches(store, wanted)
    if chosen == "csv":
        content = write_csv(found)
    else:
        content = dumps([details.to_json() for details in found], indent=1, default=str) + "\n"
    write_file(file, content.encode())


@results.command("import")
def import_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="timm's results files, CSV.")],
    label: Annotated[str | None, typer.Option(help="What they go by.", show_default="each file's name")] = None,
    json: JsonOption = False,
) -> None:
    """Take in timm's results files, so that runs here can be compared with them."""
    from dataclasses import asdict

    from explorer.results.timm_csv import read_csv

    labels = [_checked_label(file.stem if label is None else label) for file in files]
    read = [read_csv(file) for file in files]
    store = _store()
    done: list[dict[str, Any]] = []
    for file, name, content in zip(files, labels, read, strict=True):
        counts = store.import_rows(content.runs, name, str(file.absolute()))
        skipped = [asdict(row) for row in content.skipped]
        done.append({"file": str(file), "label": name, **asdict(counts), "skipped": skipped})
        _note_skipped(file, skipped)
        if not json:
            told = f"{counts.added} added, {counts.replaced} replaced, {counts.unchanged} there already"
            print_lines([f"{name}: {told}, {len(skipped)} left out"])
    if json:
        print_json(done)


@results.command()
def delete(
    run_ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...")] = None,
    label: Annotated[str | None, typer.Option(help="Everything that goes by this label.")] = None,
    json: JsonOption = False,
) -> None:
    """Forget runs."""
    store = _store()
    ids = set(run_ids or ())
    if label is not None:
        ids |= {run.id for run in labelled(store, label)}
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
    store = _store()
    if json:
        print_json({"path": str(store.path), "exists": store.path.exists()})
    else:
        print_lines([str(store.path)])


def _store() -> "Store":
    from explorer.results.store import Store

    return Store()


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


def _checked_label(label: str) -> str:
    """A label that no id and no word of ours is mistaken for."""
    if not label.strip() or label.strip() == MINE or label.strip().isdecimal():
        raise RequestError(f"{label!r} cannot be a label", f"a label has a letter and is not {MINE}: --label L")
    return label.strip()


def _note_skipped(file: Path, skipped: list[dict[str, Any]]) -> None:
    for row in skipped[:_NOTED]:
        notice(f"left out {file}:{row['line']}: {row['reason']}")
    if len(skipped) > _NOTED:
        notice(f"left out {len(skipped) - _NOTED} more rows of {file} (--json has all)")


def _tell_nothing(store: "Store", wanted: "RunFilter") -> None:
    """An empty list is an answer while nothing was asked for; else the request is wrong."""
    from explorer.results.runs import RunFilter

    if wanted != RunFilter():
        raise nothing_matches(store, wanted)
    notice(f"no run is kept yet in {store.path}: explorer bench NAME measures, and keeps")
