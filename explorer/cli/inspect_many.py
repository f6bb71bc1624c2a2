"""``explorer inspect`` of many models: their totals, as a table or added to a file row by row."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.arguments import check_model_arguments
from explorer.cli.narrator import narrator
from explorer.cli.output import narrate, on_terminal, print_json, print_lines, print_table
from explorer.errors import ExplorerError, RequestError

if TYPE_CHECKING:
    from explorer.engine.pool import Outcome
    from explorer.protocol import InspectRequest, InspectResult

_SOME = 3
"""So many of the models that failed are named."""


def inspect_many(names: Sequence[str], wish: "InspectRequest", *, csv: Path | None, json: bool) -> None:
    """Inspect these models, totals only, by several workers; one that fails does not stop the others.

    Raises:
        ExplorerError: some failed; the others are printed, or in the file.
        RequestError: none of them takes the arguments.
        OutputError: the file cannot be written.
        KeyboardInterrupt: Ctrl-C; what was done by then is printed, or in the file.
    """
    if not wish.extra:
        _check_arguments(names, wish)
    if csv is None:
        failed = _print_totals(names, wish, json)
        where = "the notes above say why"
    elif str(csv) == "-":
        failed = _stream_totals(names, wish)
        where = "the error column says why"
    else:
        failed = _add_totals(names, wish, csv)
        where = f"the error column of {csv} says why"
    if failed:
        some = ", ".join(failed[:_SOME]) + (", ..." if len(failed) > _SOME else "")
        raise ExplorerError(f"{len(failed):,} of {len(names):,} models failed: {some}", where)


def _check_arguments(names: Sequence[str], wish: "InspectRequest") -> None:
    """Refuse arguments that none of the models takes."""
    refusals = []
    for name in names if wish.args else ():
        try:
            check_model_arguments(name, wish.args)
        except RequestError as error:
            refusals.append(error)
    if refusals and len(refusals) == len(names):
        raise refusals[0]


@contextmanager
def _outcomes(names: Sequence[str], wish: "InspectRequest") -> "Iterator[Iterator[Outcome[InspectResult]]]":
    """What comes of the models, told on stderr as it comes."""
    from explorer.protocol import Log, Progress
    from explorer.usecases.inspecting import inspect_each

    def told() -> "Iterator[Outcome[InspectResult]]":
        total = len(names)
        for done, outcome in enumerate(coming, 1):
            if outcome.error:
                why = outcome.error.message
                tell(Log(why if outcome.model in why else f"{outcome.model}: {why}"))
            tell(Progress(f"tenth {done * 10 // total}", f"{done:,} of {total:,} models inspected", done / total))
            yield outcome

    with narrator() as tell, closing(inspect_each(names, wish)) as coming:
        if names:
            tell(Progress("start", f"inspecting {len(names):,} {'model' if len(names) == 1 else 'models'}", 0.0))
        yield told()


# into a file


def _add_totals(names: Sequence[str], wish: "InspectRequest", path: Path) -> list[str]:
    """Add a row for each model that the file does not have; the names of those that failed, now or before."""
    from explorer.introspect.reading.source import find_timm
    from explorer.report.inspect_csv import TotalsFile, options_text

    version, options = find_timm(None).version, options_text(wish)
    file = TotalsFile(path, version, options)
    done = file.done()
    todo = [name for name in names if name not in done]
    if len(todo) < len(names):
        narrate(f"{len(names) - len(todo):,} of {len(names):,} models are in {path} already")
    failed = {name for name in names if name in done and done[name]["error"]}
    with file.open(todo) as table, _outcomes(todo, wish) as outcomes:
        for outcome in outcomes:
            table.add(_row(outcome, version, options))
            if outcome.error:
                failed.add(outcome.model)
    return [name for name in names if name in failed]


def _stream_totals(names: Sequence[str], wish: "InspectRequest") -> list[str]:
    """Write the rows to stdout as they come."""
    from explorer.introspect.reading.source import find_timm
    from explorer.report.inspect_csv import COLUMNS, csv_text, options_text

    version, options = find_timm(None).version, options_text(wish)
    failed = []
    print_lines([csv_text([COLUMNS]).rstrip("\n")])
    with _outcomes(names, wish) as outcomes:
        for outcome in outcomes:
            row = _row(outcome, version, options)
            print_lines([csv_text([[row[name] for name in COLUMNS]]).rstrip("\n")])
            if outcome.error:
                failed.append(outcome.model)
    return failed


def _row(outcome: "Outcome[InspectResult]", version: str, options: str) -> dict[str, Any]:
    from explorer.report.inspect_csv import failure_row, totals_row

    if outcome.value is not None:
        return totals_row(outcome.model, outcome.value, version, options)
    assert outcome.error is not None
    return failure_row(outcome.model, outcome.error, version, options)


# onto the screen


def _print_totals(names: Sequence[str], wish: "InspectRequest", json: bool) -> list[str]:
    """Print what came of the models, in the order asked for, when all are done or Ctrl-C was pressed."""
    found: dict[str, Outcome[InspectResult]] = {}
    try:
        with _outcomes(names, wish) as outcomes:
            for outcome in outcomes:
                found[outcome.model] = outcome
    finally:
        ordered = [found[name] for name in names if name in found]
        if json:
            print_json([_as_json(outcome) for outcome in ordered])
        elif ordered:
            _print_table(ordered)
    return [outcome.model for outcome in ordered if outcome.error]


def _as_json(outcome: "Outcome[InspectResult]") -> dict[str, Any]:
    if outcome.value is not None:
        return outcome.value.to_json()
    assert outcome.error is not None
    return {"model": outcome.model, "error": outcome.error.to_dict()}


def _print_table(outcomes: "Sequence[Outcome[InspectResult]]") -> None:
    """A row a model: as people read numbers on a terminal; piped plain ones, and why a model failed."""
    from explorer.report.wording import dimensions, short

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
        shown = str(size) if isinstance(size, int) else dimensions(size)
        rows.append([outcome.model, shown, *map(number, counts), outcome.value.device, *why])
    headers = ("model", "img_size", "params", "MACs", "MACs, fvcore", "activations", "device", *["error"] * is_piped)
    print_table(headers, rows, right=(1, 2, 3, 4, 5))
