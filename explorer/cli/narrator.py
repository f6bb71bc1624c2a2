"""What a worker does, told on stderr while it does it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress

    from explorer.protocol import Event


@contextmanager
def narrator(title: str = "") -> "Iterator[Callable[[Event], None]]":
    """Tells the user on stderr how the work goes: a live line on a terminal, else a plain line a phase.

    Args:
        title: what the work is, where it is one of several; a plain line then tells this alone.
    """
    from explorer.cli.output import on_terminal

    if not on_terminal(sys.stderr):
        yield _PlainNarrator(title)
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
        yield _LiveNarrator(progress, title)


class _LiveNarrator:
    """One line on the terminal that follows the work, and a line above it for each notice, once."""

    def __init__(self, progress: "Progress", title: str) -> None:
        self._progress = progress
        self._title = f"{title}: " if title else ""
        self._notes: set[str] = set()
        self._task = progress.add_task(f"{self._title}starting the worker", total=None, figures="")

    def __call__(self, event: "Event") -> None:
        from explorer import protocol

        match event:
            case protocol.Progress(message=message, fraction=fraction):
                done = {"total": None} if fraction is None else {"total": 1.0, "completed": fraction}
                self._progress.update(self._task, description=f"{self._title}{message}", **done)
            case protocol.Partial(value=value):
                if line := _step_line(value):
                    self._above(line)
                else:
                    self._progress.update(self._task, figures=_figures(value))
            case protocol.Log(message=message) if message not in self._notes:
                self._notes.add(message)
                self._above(f"note: {message}")

    def _above(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


class _PlainNarrator:
    """One line on stderr for each phase, and one for each notice, once."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._phase = ""
        self._notes: set[str] = set()

    def __call__(self, event: "Event") -> None:
        from explorer import protocol
        from explorer.cli.output import narrate, notice

        match event:
            case protocol.Log(message=message) if message not in self._notes:
                self._notes.add(message)
                notice(f"{self._title}: {message}" if self._title else message)
            case protocol.Progress(phase=phase, message=message) if phase != self._phase:
                if not (self._title and self._phase):
                    narrate(self._title or message)
                self._phase = phase
            case protocol.Partial(value=value) if line := _step_line(value):
                narrate(line)


def _figures(value: Any) -> str:
    """The figures of a measurement under way; nothing of other work."""
    from explorer.protocol import BenchPartial, VersusPartial
    from explorer.report.wording import milliseconds, significant

    if isinstance(value, VersusPartial):
        return f"A over B {value.ratio:.3f}, {value.rounds} rounds"
    if not isinstance(value, BenchPartial):
        return ""
    return f"p50 {milliseconds(value.latency_p50_ms)}, {significant(value.samples_per_sec)} samples/s"


def _step_line(value: Any) -> str:
    """A finished step of a search as a line; nothing of other work."""
    from explorer.protocol import TuneStep
    from explorer.report.tuning_report import step_line

    return step_line(value) if isinstance(value, TuneStep) else ""
