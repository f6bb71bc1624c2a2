"""Measurements one after the other, each in a fresh worker, kept as they end and printed together."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import typer

from explorer.cli.keeping import Keeper
from explorer.cli.narrator import narrator
from explorer.cli.output import narrate, on_terminal, print_facts, print_json, print_lines, print_table, report
from explorer.errors import ExplorerError

if TYPE_CHECKING:
    from explorer.protocol import BenchRequest, BenchResult, Request, TuneResult


@dataclass(frozen=True)
class Measurement:
    """One measurement that ended: with a result, or with an error."""

    request: "BenchRequest"
    result: "BenchResult | None" = None
    error: ExplorerError | None = None

    def to_json(self) -> dict[str, Any]:
        """The result as JSON, or what failed and why."""
        if self.result is not None:
            return self.result.to_json()
        assert self.error is not None
        return {"model": self.request.model, "error": self.error.to_dict(), "request": asdict(self.request)}


def answer(request: "Request[Any]", title: str = "") -> Any:
    """Have a fresh worker answer a request, told on stderr; the worker is ended then.

    Raises:
        ExplorerError: what the worker answered instead.
    """
    from explorer.engine.client import Client

    with Client() as client, narrator(title) as tell:
        return client.run(request, tell)


def measure(requests: "Sequence[BenchRequest]", keeper: Keeper, *, as_json: bool) -> None:
    """Measure each, print what came of them, and fail if one of them did.

    Raises:
        ExplorerError: the only one failed.
        StoreError: all were measured, but not all could be kept.
        KeyboardInterrupt: Ctrl-C; what was measured before is printed.
        typer.Exit: one of several failed.
    """
    runs: list[Measurement] = []
    interrupted = False
    try:
        for number, request in enumerate(requests, 1):
            title = f"{number}/{len(requests)} {request.model}" if len(requests) > 1 else ""
            runs.append(_measured(request, title, keeper))
            if title:
                narrate(f"{title}: {_outcome(runs[-1])}")
    except KeyboardInterrupt:
        interrupted = True
    if runs or not interrupted:
        _print(runs, is_single=len(requests) == 1, as_json=as_json)
    if interrupted:
        raise KeyboardInterrupt
    _finish(runs, keeper)


def _measured(request: "BenchRequest", title: str, keeper: Keeper) -> Measurement:
    try:
        result = answer(request, title)
    except ExplorerError as error:
        keeper.keep(request, error)
        return Measurement(request, error=error)
    keeper.keep(request, result)
    return Measurement(request, result)


def _outcome(run: Measurement) -> str:
    from explorer.report.measurement_report import rate
    from explorer.report.wording import milliseconds

    if run.result is None:
        return f"failed: {run.error}"
    return f"{rate(run.result.samples_per_sec)}, p50 {milliseconds(run.result.latency_ms.p50)}"


def _print(runs: Sequence[Measurement], *, is_single: bool, as_json: bool) -> None:
    if as_json:
        print_json([run.to_json() for run in runs])
    elif not is_single:
        _print_table(runs)
    elif (result := runs[0].result) is not None:
        from explorer.report.measurement_report import bench_facts

        print_facts(bench_facts(result))


def _print_table(runs: Sequence[Measurement]) -> None:
    """A row each; the error of one that failed stands in a last column, or below the table on a terminal."""
    from explorer.report.measurement_report import TABLE_HEADERS, common_settings, table_row

    failed = [run for run in runs if run.error is not None]
    has_column = bool(failed) and not on_terminal(sys.stdout)
    rows = []
    for run in runs:
        cells = (
            table_row(run.result) if run.result else [run.request.model, "failed", *["–"] * (len(TABLE_HEADERS) - 2)]
        )
        rows.append([*cells, str(run.error or "")] if has_column else cells)
    print_table([*TABLE_HEADERS, *["error"] * has_column], rows, right=range(1, len(TABLE_HEADERS)))
    if failed and not has_column:
        print_lines([f"{run.request.model}: {run.error}" for run in failed])
    if results := [run.result for run in runs if run.result]:
        for name, value in common_settings(results):
            narrate(f"{name}: {value}")


def _finish(runs: Sequence[Measurement], keeper: Keeper) -> None:
    """End with the error there is: of the only run, of the results file, or that some failed."""
    failed = [run for run in runs if run.error is not None]
    if failed and len(runs) == 1:
        assert failed[0].error is not None
        raise failed[0].error
    if failed:
        report(ExplorerError(f"{len(failed)} of {len(runs)} failed: {', '.join(run.request.model for run in failed)}"))
    keeper.finish()
    if failed:
        raise typer.Exit(ExplorerError.exit_code)


def compare(a: "BenchRequest", b: "BenchRequest", keeper: Keeper, *, as_json: bool) -> None:
    """Measure two in turns and print how they compare; both are kept.

    Raises:
        ExplorerError: one of them failed.
        StoreError: they could not be kept.
    """
    from explorer.protocol import VersusRequest
    from explorer.report.measurement_report import VERSUS_HEADERS, versus_facts, versus_rows

    result = answer(VersusRequest(a, b, 2 * a.seconds))
    keeper.keep(a, result.a)
    keeper.keep(b, result.b)
    if as_json:
        print_json(result.to_json())
    else:
        print_table(VERSUS_HEADERS, versus_rows(result))
        print_facts(versus_facts(result))
    keeper.finish()


def tune(request: "BenchRequest", keep: Sequence[str], limit_seconds: float, keeper: Keeper, *, as_json: bool) -> None:
    """Search the fastest settings and print what each step brought; the first and the last measurement are kept.

    Raises:
        ExplorerError: the settings to begin with failed.
        StoreError: the measurements could not be kept.
    """
    from explorer.protocol import TuneRequest
    from explorer.report.tuning_report import tune_json

    try:
        result = answer(TuneRequest(request, keep, limit_seconds))
    except ExplorerError as error:
        _print([Measurement(request, error=error)], is_single=True, as_json=as_json)
        keeper.keep(request, error)
        raise
    keeper.keep(request, result.baseline)
    if result.is_faster:
        keeper.keep(result.request, result.tuned)
    if as_json:
        print_json([tune_json(result)])
    else:
        _print_tuned(result)
    keeper.finish()


def _print_tuned(result: "TuneResult") -> None:
    import shutil

    from explorer.report.measurement_report import bench_facts
    from explorer.report.tuning_report import recipe_lines, step_table, tune_facts

    width = shutil.get_terminal_size().columns if on_terminal(sys.stdout) else None
    print_facts(bench_facts(result.tuned))
    print_lines([""])
    headers, rows, notes = step_table(result.steps, width)
    print_table(headers, rows, right=[headers.index(name) for name in ("samples/s", "gain", "off by", "top-1")])
    print_lines([*notes, ""])
    print_facts(tune_facts(result))
    print_lines(["", *recipe_lines(result)])
