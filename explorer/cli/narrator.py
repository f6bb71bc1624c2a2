"""What a worker does, told on stderr while it does it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from explorer.engine.protocol import Event


@contextmanager
def narrator() -> "Iterator[Callable[[Event], None]]":
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
