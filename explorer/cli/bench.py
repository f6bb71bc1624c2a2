"""``explorer bench``: measured forward passes of one model."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.errors import TimmNotFound

if TYPE_CHECKING:
    from rich.progress import Progress

    from explorer.engine.protocol import Event


def bench(
    name: Annotated[str, typer.Argument(help="A model, as timm takes it: resnet34, resnet34.a1_in1k.")],
    img_size: Annotated[
        int | None,
        typer.Option(help="Height and width of the input in pixels.", show_default="the model's own"),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Images in a batch.", show_default="1 on the CPU, 64 elsewhere")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:N or mps.", show_default="cuda, else cpu")] = None,
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    seconds: Annotated[float, typer.Option(help="Time to measure for, after the warm-up.")] = 3.0,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Measure forward passes of a model.

    Latency, throughput and memory, with random weights, in a process of its own.
    """
    from explorer.cli.output import print_facts, print_json
    from explorer.engine.client import Client
    from explorer.engine.protocol import BenchRequest
    from explorer.results.report import bench_facts

    request = BenchRequest(name, batch_size, img_size, device, dtype, seconds)
    _check_name(name)
    with Client() as client, _narrator() as narrate:
        result = client.run(request, narrate)
    if as_json:
        print_json(result.to_json())
    else:
        print_facts(bench_facts(result))


def _check_name(name: str) -> None:
    """Refuse an unknown name at once, from timm's source, before the worker spends seconds on importing torch.

    Names with a source are the worker's to judge, and so is every name on a machine that lacks what the graph needs.
    """
    if ":" in name:
        return
    with suppress(ImportError, TimmNotFound):
        from explorer.graph.names import find_model
        from explorer.introspect import load_graph

        find_model(load_graph(), name)


@contextmanager
def _narrator() -> "Generator[Callable[[Event], None], None, None]":
    """Tells the user on stderr how the work goes: a live line on a terminal, else a plain line a phase."""
    from explorer.cli.output import on_terminal

    if not on_terminal(sys.stderr):
        yield _PlainNarrator()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[figures]}", markup=False),
    )
    # Drawing competes with the measurement for the CPU, so it is kept slow.
    with Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=4) as progress:
        yield _LiveNarrator(progress)


class _LiveNarrator:
    """One line on the terminal that follows the work, and a line above it for each notice."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._task = progress.add_task("starting the worker", total=None, figures="")

    def __call__(self, event: "Event") -> None:
        from explorer.engine import protocol
        from explorer.results.figures import milliseconds, significant

        match event:
            case protocol.Progress(message=message, fraction=None):
                self._progress.update(self._task, description=message)
            case protocol.Progress(message=message, fraction=fraction):
                self._progress.update(self._task, description=message, total=1.0, completed=fraction)
            case protocol.Partial(value=value):
                rate = f"{significant(value.samples_per_sec)} samples/s"
                self._progress.update(self._task, figures=f"p50 {milliseconds(value.latency_p50_ms)}, {rate}")
            case protocol.Log(message=message):
                self._progress.console.print(f"note: {message}", markup=False, highlight=False, soft_wrap=True)


class _PlainNarrator:
    """One line on stderr for each phase and each notice."""

    def __init__(self) -> None:
        self._phase = ""

    def __call__(self, event: "Event") -> None:
        from explorer.cli.output import narrate, notice
        from explorer.engine import protocol

        if isinstance(event, protocol.Log):
            notice(event.message)
        elif isinstance(event, protocol.Progress) and event.phase != self._phase:
            self._phase = event.phase
            narrate(event.message)
