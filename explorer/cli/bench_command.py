"""``explorer bench``: measured forward passes and training steps, printed and kept."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any

import typer
from typer import Argument, Option

from explorer.cli.narrator import narrator
from explorer.cli.options import BuildOptions, WithOption, find_extras, spread
from explorer.cli.output import (
    narrate,
    on_terminal,
    print_facts,
    print_json,
    print_lines,
    print_table,
    report,
    tell_plainly,
    terminal_width,
)
from explorer.errors import ExplorerError, RequestError
from explorer.protocol.bench import BenchRequest, VersusResult
from explorer.protocol.tune import TuneResult
from explorer.report.measurement_report import (
    TABLE_HEADERS,
    VERSUS_HEADERS,
    bench_facts,
    common_settings,
    rate,
    table_row,
    versus_facts,
    versus_rows,
)
from explorer.report.tuning_report import recipe_lines, step_table, tune_facts, tune_json
from explorer.report.wording import milliseconds
from explorer.results.schema import load as load_schema
from explorer.usecases import benchmarking
from explorer.usecases.benchmarking import SETTINGS, Measurement
from explorer.usecases.choosing import ModelNames
from explorer.usecases.recording import Keeper


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions(BuildOptions):
    """What a measurement can be told, by the names of :class:`~explorer.protocol.bench.BenchRequest`'s settings."""

    batch_size: Annotated[
        int | None, Option(help="Images in a batch.", show_default="1 on the CPU (8 to train), 256 on cuda")
    ] = None
    device: Annotated[str | None, Option(help="cpu, cuda, cuda:N or mps.", show_default="cuda, else cpu")] = None
    dtype: Annotated[
        str | None,
        Option(help="float32, tf32, bfloat16, float16 or amp.", show_default="tf32 where there is, else float32"),
    ] = None
    memory_format: Annotated[str, Option(help="contiguous or channels_last.")] = "contiguous"
    channels_last: Annotated[bool, Option("--channels-last", help="As --memory-format channels_last.")] = False
    compile: Annotated[
        str, Option("--compile", metavar="MODE", help="off, default, reduce-overhead or max-autotune.")
    ] = "off"
    cuda_graphs: Annotated[bool, Option("--cuda-graphs", help="Record the pass once, replay it.")] = False
    cudnn_benchmark: Annotated[
        bool | None,
        Option("--cudnn-benchmark/--no-cudnn-benchmark", help="Let cuDNN try its algorithms.", show_default="on cuda"),
    ] = None
    fused_attn: Annotated[
        bool | None,
        Option("--fused-attn/--no-fused-attn", help="Use torch's fused attention.", show_default="as timm has it"),
    ] = None
    threads: Annotated[int | None, Option(help="CPU threads.", show_default="torch's choice")] = None
    inference_mode: Annotated[
        bool, Option("--inference-mode/--no-inference-mode", help="torch.inference_mode, else no_grad.")
    ] = True
    train: Annotated[bool, Option("--train", help="Measure training steps: forward, backward and optimizer.")] = False
    seconds: Annotated[float, Option(help="Time to measure for, after the warm-up.")] = 3.0
    iterations: Annotated[int, Option(help="Timed passes, at least.")] = 10
    backoff: Annotated[bool, Option("--backoff/--no-backoff", help="Halve the batch when memory runs out.")] = True
    roofline: Annotated[bool, Option("--roofline/--no-roofline", help="Measure the device's ceilings too.")] = True

    def settings(self) -> dict[str, Any]:
        """The options as settings of a measurement.

        Raises:
            RequestError: ``--set`` is no ``key=value``.
        """
        given = self.building()
        if given["channels_last"]:
            given["memory_format"] = "channels_last"
        return {name: given[name] for name in SETTINGS}


@spread
def bench(
    context: typer.Context,
    names: Annotated[
        list[str] | None, Argument(metavar="NAME...", help="Models as timm takes them, or patterns: 'resnet3*'.")
    ] = None,
    *,
    options: BenchOptions,
    tune: Annotated[bool, Option("--tune", help="Search the fastest settings; those given are kept.")] = False,
    keep_dtype: Annotated[bool, Option("--keep-dtype", help="With --tune: leave the dtype alone.")] = False,
    tune_seconds: Annotated[float, Option(help="With --tune: past this nothing more is tried.")] = 300.0,
    vs: Annotated[
        str | None,
        Option(metavar="SPEC", help="Compare with another model or settings: resnet50, 'dtype=amp,threads=2'."),
    ] = None,
    extra: WithOption = None,
    label: Annotated[str, Option(help="A name for what is measured, in the results.")] = "",
    save: Annotated[bool, Option("--save/--no-save", help="Keep what is measured in the results.")] = True,
    as_json: Annotated[
        bool, Option("--json", help="Write a JSON array, one object a run; of --vs one object.")
    ] = False,
    schema: Annotated[bool, Option("--schema", help="Print the JSON Schema of --json, and end.")] = False,
) -> None:
    """Measure forward passes or training steps of models.

    Latency, throughput, memory, and what the device could do, with random weights; each model in a process of its own.
    """
    if schema:
        print_json(load_schema("bench" if vs is None else "versus"))
        return
    if tune and vs is not None:
        raise RequestError("--tune and --vs are two things", "leave one of them out")
    if keep_dtype and not tune:
        raise RequestError("--keep-dtype goes with --tune", "explorer bench NAME --tune --keep-dtype")
    known = ModelNames(find_extras(context, extra))
    asked = benchmarking.bench_requests(names or [], options.settings(), known)
    keeper = Keeper(label, is_wanted=save, emit=tell_plainly)
    if tune:
        _tune(_the_one(asked, "--tune"), _given(context, keep_dtype), tune_seconds, keeper, as_json)
    elif vs is not None:
        one = _the_one(asked, "--vs")
        _compare(one, benchmarking.other_side(vs, one, known), keeper, as_json)
    else:
        _measure(asked, keeper, as_json)
    keeper.finish()


def _the_one(requests: Sequence[BenchRequest], option: str) -> BenchRequest:
    if len(requests) > 1:
        raise RequestError(f"{option} takes one model, not {len(requests)}", "name one")
    return requests[0]


def _given(context: typer.Context, keep_dtype: bool) -> list[str]:
    """The settings that are named on the command line, and so are not for the search to change."""
    sources = {option.name: context.get_parameter_source(option.name) for option in fields(BenchOptions)}
    named = {name for name, source in sources.items() if source and source.name == "COMMANDLINE"}
    if "channels_last" in named:
        named.add("memory_format")
    if keep_dtype:
        named.add("dtype")
    return benchmarking.tuned_settings(named)


# measurements one after the other


def _measure(requests: Sequence[BenchRequest], keeper: Keeper, as_json: bool) -> None:
    """Measure each in a fresh worker, print what came of them, and fail if one of them did.

    Raises:
        ExplorerError: the only one failed.
        StoreError: all were measured, but not all could be kept.
        KeyboardInterrupt: Ctrl-C; what was measured before is printed.
        typer.Exit: one of several failed.
    """
    done: list[Measurement] = []
    interrupted = False
    try:
        for number, request in enumerate(requests, 1):
            title = f"{number}/{len(requests)} {request.model}" if len(requests) > 1 else ""
            with narrator(title) as tell:
                done.append(benchmarking.measure(request, keeper, emit=tell))
            if title:
                narrate(f"{title}: {_outcome(done[-1])}")
    except KeyboardInterrupt:
        interrupted = True
    if done or not interrupted:
        _print(done, is_single=len(requests) == 1, as_json=as_json)
    if interrupted:
        raise KeyboardInterrupt
    _finish(done, keeper)


def _outcome(measured: Measurement) -> str:
    if measured.result is None:
        return f"failed: {measured.error}"
    return f"{rate(measured.result.samples_per_sec)}, p50 {milliseconds(measured.result.latency_ms.p50)}"


def _print(done: Sequence[Measurement], *, is_single: bool, as_json: bool) -> None:
    if as_json:
        print_json([measured.to_json() for measured in done])
    elif not is_single:
        _print_table(done)
    elif (result := done[0].result) is not None:
        print_facts(bench_facts(result))


def _print_table(done: Sequence[Measurement]) -> None:
    """A row each; the error of one that failed stands in a last column, or below the table on a terminal."""
    failed = [measured for measured in done if measured.error is not None]
    has_column = bool(failed) and not on_terminal(sys.stdout)
    rows = []
    for measured in done:
        if measured.result is None:
            cells = [measured.request.model, "failed", *["–"] * (len(TABLE_HEADERS) - 2)]
        else:
            cells = table_row(measured.result)
        rows.append([*cells, str(measured.error or "")] if has_column else cells)
    print_table([*TABLE_HEADERS, *["error"] * has_column], rows, right=range(1, len(TABLE_HEADERS)))
    if failed and not has_column:
        print_lines([f"{measured.request.model}: {measured.error}" for measured in failed])
    if results := [measured.result for measured in done if measured.result]:
        for name, value in common_settings(results):
            narrate(f"{name}: {value}")


def _finish(done: Sequence[Measurement], keeper: Keeper) -> None:
    """End with the error there is: of the only run, of the results file, or that some failed."""
    failed = {measured.request.model: measured.error for measured in done if measured.error is not None}
    if failed and len(done) == 1:
        raise failed.popitem()[1]
    if failed:
        report(ExplorerError(f"{len(failed)} of {len(done)} failed: {', '.join(failed)}"))
    keeper.finish()
    if failed:
        raise typer.Exit(ExplorerError.exit_code)


# two in turns, and a search


def _compare(a: BenchRequest, b: BenchRequest, keeper: Keeper, as_json: bool) -> None:
    with narrator() as tell:
        result: VersusResult = benchmarking.measure_both(a, b, keeper, emit=tell)
    if as_json:
        print_json(result.to_json())
    else:
        print_table(VERSUS_HEADERS, versus_rows(result))
        print_facts(versus_facts(result))


def _tune(request: BenchRequest, keep: Sequence[str], limit_seconds: float, keeper: Keeper, as_json: bool) -> None:
    try:
        with narrator() as tell:
            result = benchmarking.search_settings(request, keep, limit_seconds, keeper, emit=tell)
    except ExplorerError as error:
        _print([Measurement(request, error=error)], is_single=True, as_json=as_json)
        raise
    if as_json:
        print_json([tune_json(result)])
    else:
        _print_tuned(result)


def _print_tuned(result: TuneResult) -> None:
    print_facts(bench_facts(result.tuned))
    print_lines([""])
    headers, rows, notes = step_table(result.steps, terminal_width() if on_terminal(sys.stdout) else None)
    print_table(headers, rows, right=[headers.index(name) for name in ("samples/s", "gain", "off by", "top-1")])
    print_lines([*notes, ""])
    print_facts(tune_facts(result))
    print_lines(["", *recipe_lines(result)])
