"""``explorer inspect``: one model as a table of its layers, or many as a table of their totals."""

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from explorer.cli.layer_table import print_layers, print_summary
from explorer.cli.narrator import narrator
from explorer.cli.options import JsonOption, RunOptions, WithOption, find_extras, spread
from explorer.cli.output import check_place, narrate, on_terminal, print_json, print_lines, print_table, write_file
from explorer.engine.pool import Outcome
from explorer.errors import ExplorerError, RequestError
from explorer.protocol.inspect import InspectRequest, InspectResult
from explorer.report.inspect_csv import COLUMNS, TotalsFile, csv_text, layers_csv, options_text, outcome_row
from explorer.report.layer_tree import check_sort, flat_rows, tree_rows
from explorer.report.wording import dimensions, short
from explorer.results.schema import load as load_schema
from explorer.usecases import inspecting
from explorer.usecases.choosing import ModelNames, is_pattern
from explorer.usecases.loading import for_worker

_SOME = 3
"""So many of the models that failed are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerOptions:
    """How a model is shown."""

    depth: Annotated[int | None, Option(min=0, help="Levels of layers to show.", show_default="what fits a screen")] = (
        None
    )
    full: Annotated[bool, Option("--full", help="Show every layer, repeats and all.")] = False
    sort: Annotated[
        str | None, Option(metavar="FIELD", help="One flat list, greatest first: params, macs, activations...")
    ] = None
    like: Annotated[
        str | None, Option("--filter", metavar="TEXT", help="Only layers whose name or class is like this.")
    ] = None
    csv: Annotated[
        Path | None, Option(metavar="FILE", help="A row a layer; of several models a row each, added to what FILE has.")
    ] = None
    json: JsonOption = False

    @property
    def is_flat(self) -> bool:
        """Whether layers are one list, and no tree."""
        return self.sort is not None or self.like is not None


@spread
def inspect(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        Argument(metavar="NAME...", help="A model, as timm takes it; several, or a pattern, for their totals."),
    ] = None,
    *,
    batch_size: Annotated[int, Option(help="Images in the batch whose shapes are shown.")] = 1,
    model: RunOptions,
    extra: WithOption = None,
    everything: Annotated[bool, Option("--all", help="The totals of every model; a pattern narrows it.")] = False,
    shown: LayerOptions,
    schema: Annotated[bool, Option("--schema", help="Print the JSON Schema of --json.")] = False,
) -> None:
    """Show what a model is made of: layers, shapes, parameters, MACs, activations.

    Runs in a process of its own, without weights and mostly without memory for them. MACs are multiply-accumulates of
    one image. --full opens what is folded, --sort and --filter give a flat list.
    """
    if schema:
        print_json(load_schema("inspect"))
        return
    names = names or []
    several = everything or len(names) > 1 or any(map(is_pattern, names))
    _check_together(names, shown, several)
    known = ModelNames(find_extras(context, extra))
    wish = InspectRequest(
        (names or ["every model"])[0],
        batch_size,
        **model.building(),
        totals_only=several,
        extra=for_worker(known.extras),
    )
    if several:
        _inspect_many(_chosen(names, everything, known), wish, shown, known)
    else:
        check_sort(shown.sort)
        with narrator() as tell:
            result = inspecting.inspect_one(wish, known, emit=tell)
        _show(result, shown)


def _check_together(names: Sequence[str], shown: LayerOptions, several: bool) -> None:
    """Refuse options that say nothing together, before any work is done."""
    if not names and not several:
        raise RequestError("no model to inspect", "explorer inspect NAME, or --all")
    if shown.json and shown.csv:
        raise RequestError("--json and --csv are two forms of one thing", "leave one of the two out")
    if several and (shown.is_flat or shown.full or shown.depth is not None):
        raise RequestError("--depth, --full, --sort and --filter are for one model", "name one")
    if shown.is_flat and shown.depth is not None:
        raise RequestError("--depth opens the tree, --sort and --filter give a flat list", "leave one of them out")
    if shown.csv:
        check_place(shown.csv)


def _chosen(texts: Sequence[str], everything: bool, known: ModelNames) -> list[str]:
    """The models that names and patterns stand for.

    Raises:
        RequestError: a pattern matches nothing, or a name stands with ``--all``.
        UnknownName: there is no such model.
    """
    for name in texts if everything else ():
        if not is_pattern(name):
            raise RequestError(f"--all takes patterns, not the name {name!r}", "leave one of the two out")
    return known.chosen(texts or ["*"], tags=False)


# one model


def _show(result: InspectResult, shown: LayerOptions) -> None:
    if shown.json:
        print_json(result.to_json())
    elif shown.csv:
        write_file(shown.csv, layers_csv(result.layers).encode())
        if str(shown.csv) != "-":
            narrate(f"{len(result.layers):,} layers written to {shown.csv}")
    else:
        _print_model(result, shown)


def _print_model(result: InspectResult, shown: LayerOptions) -> None:
    if shown.is_flat:
        rows = flat_rows(result.layers, sort=shown.sort, text=shown.like)
    else:
        rows = tree_rows(result.layers, depth=shown.depth, full=shown.full)
    print_layers(result, rows, tree=not shown.is_flat)
    print_summary(result)
    if not shown.is_flat and len(rows) < len(result.layers):
        narrate(f"{len(result.layers):,} layers in {len(rows)} rows: --depth N opens more, --full all")
        if any(row.count > 1 for row in rows):
            narrate("the figures of a row with ×N are those of one of them")


# many models


def _inspect_many(names: Sequence[str], wish: InspectRequest, shown: LayerOptions, known: ModelNames) -> None:
    """Inspect these models, totals only; one that fails does not stop the others.

    Raises:
        ExplorerError: some failed; the others are printed, or in the file.
        RequestError: none of them takes the arguments.
        OutputError: the file cannot be written.
        KeyboardInterrupt: Ctrl-C; what was done by then is printed, or in the file.
    """
    known.check_some_take(names, wish.args)
    if shown.csv is None:
        failed = _print_totals(names, wish, shown.json)
        where = "the notes above say why"
    elif str(shown.csv) == "-":
        failed = _stream_totals(names, wish)
        where = "the error column says why"
    else:
        failed = _add_totals(names, wish, shown.csv)
        where = f"the error column of {shown.csv} says why"
    if failed:
        some = ", ".join(failed[:_SOME]) + (", ..." if len(failed) > _SOME else "")
        raise ExplorerError(f"{len(failed):,} of {len(names):,} models failed: {some}", where)


def _add_totals(names: Sequence[str], wish: InspectRequest, path: Path) -> list[str]:
    """Add a row for each model that the file does not have; the names of those that failed, now or before."""
    file = TotalsFile(path, inspecting.timm_version(), options_text(wish))
    done = file.done()
    if there := sum(name in done for name in names):
        narrate(f"{there:,} of {len(names):,} models are in {path} already")
    with narrator() as tell:
        return inspecting.add_totals(file, names, wish, tell)


def _stream_totals(names: Sequence[str], wish: InspectRequest) -> list[str]:
    """Write the rows to stdout as they come; the names of those that failed."""
    version, options = inspecting.timm_version(), options_text(wish)
    failed = []
    print_lines([csv_text([COLUMNS]).rstrip("\n")])
    with narrator() as tell, closing(inspecting.inspect_each(names, wish, tell)) as outcomes:
        for outcome in outcomes:
            row = outcome_row(outcome, version, options)
            print_lines([csv_text([[row[name] for name in COLUMNS]]).rstrip("\n")])
            if outcome.error:
                failed.append(outcome.model)
    return failed


def _print_totals(names: Sequence[str], wish: InspectRequest, json: bool) -> list[str]:
    """Print what came of the models, in the order asked for, when all are done or Ctrl-C was pressed."""
    found: dict[str, Outcome[InspectResult]] = {}
    try:
        with narrator() as tell, closing(inspecting.inspect_each(names, wish, tell)) as outcomes:
            for outcome in outcomes:
                found[outcome.model] = outcome
    finally:
        ordered = [found[name] for name in names if name in found]
        if json:
            print_json([_as_json(outcome) for outcome in ordered])
        elif ordered:
            _print_table(ordered)
    return [outcome.model for outcome in ordered if outcome.error]


def _as_json(outcome: Outcome[InspectResult]) -> dict[str, Any]:
    if outcome.value is not None:
        return outcome.value.to_json()
    assert outcome.error is not None
    return {"model": outcome.model, "error": outcome.error.to_dict()}


def _print_table(outcomes: Sequence[Outcome[InspectResult]]) -> None:
    """A row a model: as people read numbers on a terminal; piped plain ones, and why a model failed."""
    is_piped = not on_terminal(sys.stdout)
    number = str if is_piped else short
    rows: list[list[str]] = []
    for outcome in outcomes:
        why = [outcome.error.message if outcome.error else ""] * is_piped
        if outcome.value is None:
            rows.append([outcome.model, *[""] * 5, "failed", *why])
            continue
        size, totals = outcome.value.img_size, outcome.value.totals
        counts = (totals.params, totals.macs, totals.macs_fvcore, totals.activations)
        size_shown = str(size) if isinstance(size, int) else dimensions(size)
        rows.append([outcome.model, size_shown, *map(number, counts), outcome.value.device, *why])
    headers = ("model", "img_size", "params", "MACs", "MACs, fvcore", "activations", "device", *["error"] * is_piped)
    print_table(headers, rows, right=(1, 2, 3, 4, 5))
