"""What a terminal alone gets, by rich: tables, coloured lines, and one line that follows the work."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from explorer.plain_text import plain_line


def draw_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int], styles: Sequence[str]
) -> None:
    """Write a table to stdout, its columns set flush right and styled as asked for."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, header in enumerate(headers):
        style = styles[i] if i < len(styles) else None
        table.add_column(header, justify="right" if i in right else "left", overflow="fold", style=style or None)
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


def draw_lines(lines: Sequence[Sequence[tuple[str, str]]]) -> None:
    """Write lines to stdout, each of pieces of text with a style."""
    console = Console(markup=False, highlight=False)
    for pieces in lines:
        console.print(Text.assemble(*pieces), soft_wrap=True)


class LiveLine:
    """One line on stderr that follows the work, and lines above it that stay."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._title = f"{plain_line(title)}: " if title else ""
        self._task = progress.add_task(f"{self._title}starting the worker", total=None, figures="")

    def update(self, phase: str, fraction: float | None, figures: str | None = None) -> None:
        """Show what is done now, and how much of it; figures stay until there are others."""
        self._progress.start()
        done = {"total": None} if fraction is None else {"total": 1.0, "completed": fraction}
        shown = {} if figures is None else {"figures": figures}
        self._progress.update(self._task, description=f"{self._title}{plain_line(phase)}", **done, **shown)  # type: ignore[arg-type]

    def above(self, text: str) -> None:
        """Write a line that stays."""
        self._progress.console.print(plain_line(text), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def live_line(title: str, *, at_once: bool) -> Iterator[LiveLine]:
    """A line that is gone after the block; it comes at once, or with the first update."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[figures]}", markup=False),
    )
    # Drawing competes with the measurement for the CPU, so it is kept slow.
    progress = Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=4)
    try:
        if at_once:
            progress.start()
        yield LiveLine(progress, title)
    finally:
        progress.stop()
