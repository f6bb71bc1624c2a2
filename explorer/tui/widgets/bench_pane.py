"""The benchmark pane: the run looked at above, every run of this sitting below."""

from collections.abc import Iterator
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import DataTable, Static

from explorer.report.measurement_report import bench_facts
from explorer.report.wording import mebibytes, milliseconds, significant, size
from explorer.tui.actions import IN_RUNS, bindings
from explorer.tui.bench_session import BenchRun, State
from explorer.tui.styling import foreground, middle_cut, two_columns

_TICK_SECONDS = 0.5
"""How often the clock of a run is drawn: drawing competes with the measurement for the CPU."""
_NARROW = 76
"""A pane of fewer columns than this lists runs with only what tells them apart."""
_BAR_WIDTH = 30


class RunTable(DataTable[str]):
    """The runs, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(IN_RUNS)


class BenchPane(Vertical):
    """Shows one run, and follows it while it is under way."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._runs: list[BenchRun] = []
        self._shown: BenchRun | None = None
        self._report = BenchReport(id="bench-report", markup=False)
        self._table = RunTable(id="bench-runs", cursor_type="row", zebra_stripes=True)
        self._heading = Static("This sitting", id="bench-heading", markup=False)

    def compose(self) -> ComposeResult:
        """The run, then the list."""
        with VerticalScroll(id="bench-scroll", can_focus=False):
            yield self._report
        yield self._heading
        yield self._table

    def on_mount(self) -> None:
        """Nothing to list yet."""
        self._table.display = self._heading.display = False
        self.set_interval(_TICK_SECONDS, self._tick)

    def offer(self, model: str | None) -> None:
        """Say what a benchmark would measure, while there is none to show."""
        if not self._runs:
            self._report.show_offer(model)

    def show_run(self, runs: list[BenchRun], run: BenchRun) -> None:
        """Show news of a run, and list it once it has ended or begun."""
        is_new = len(runs) != len(self._runs)
        self._runs = runs[::-1]
        if is_new or run.state is not State.RUNNING:
            self._shown = run
            self._list()
        if self._shown is run:
            self._report.show_run(run)

    def on_resize(self, _: events.Resize) -> None:
        """Choose the columns that fit."""
        self._list()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show the run under the cursor."""
        event.stop()
        # Filling the table highlights rows too, and is not to take away the run that is shown.
        if self._runs and self._table.has_focus:
            self._shown = self._runs[event.cursor_row]
            self._report.show_run(self._shown)

    def _tick(self) -> None:
        if self._shown is not None and self._shown.state is State.RUNNING:
            self._report.show_run(self._shown)

    def _list(self) -> None:
        if not self._runs:
            return
        self._table.display = self._heading.display = True
        self._table.clear(columns=True)
        columns = _columns(self.size.width)
        self._table.add_columns(*columns)
        for run in self._runs:
            self._table.add_row(*_cells(run, columns))
        if self._shown in self._runs:
            self._table.move_cursor(row=self._runs.index(self._shown), animate=False)


def _columns(width: int) -> list[str]:
    most = ["model", "p50 ms", "samples/s", "device"]
    return most if width < _NARROW else [*most, "batch", "input", "dtype", "p90 ms", "memory MiB", "M params"]


def _cells(run: BenchRun, columns: list[str]) -> list[str]:
    cells = {"model": middle_cut(run.model, 40 if len(columns) > 4 else 20)}
    if run.result is None:
        cells["p50 ms"] = run.state.value
    else:
        result = run.result
        cells |= {
            "p50 ms": f"{significant(result.latency_ms.p50):>7}",
            "samples/s": f"{significant(result.samples_per_sec):>9}",
            "device": result.device,
            "batch": str(result.batch_size),
            "input": size(result.img_size),
            "dtype": result.dtype,
            "p90 ms": f"{significant(result.latency_ms.p90):>7}",
            "memory MiB": f"{mebibytes(result.memory_bytes):>10}",
            "M params": f"{result.param_count / 1e6:>8.2f}",
        }
    return [cells.get(column, "") for column in columns]


class BenchReport(Static):
    """Draws a :class:`BenchRun`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "report--title",
        "report--key",
        "report--figure",
        "report--muted",
        "report--bar",
        "report--error",
    }

    def show_offer(self, model: str | None) -> None:
        """Nothing was measured yet: say how to begin."""
        if model is None:
            text = Text("Choose a model in the tree or by search; b measures it.", self._style("muted"))
        else:
            text = Text.assemble("Press ", ("b", self._style("figure")), " to measure ", (model, "bold"), ".\n\n")
            text.append(
                "Forward passes with random weights, in a process of their own: a batch of 1 on the CPU, "
                "of 256 on CUDA, for 3 s after the warm-up. The first takes longer, since torch is imported for it.",
                self._style("muted"),
            )
        self.update(text)

    def show_run(self, run: BenchRun) -> None:
        """Draw a run as it is now."""
        self.set_class(run.state is State.FAILED, "-failed")
        self.update(Group(*self._blocks(run)))

    def _blocks(self, run: BenchRun) -> Iterator[RenderableType]:
        yield Text.assemble((run.model, self._style("title")), (f"  {self._state(run)}", self._style("muted")))
        yield Text()
        if run.error is not None:
            yield Text(run.error.message, self._style("error"))
            if run.error.hint:
                yield Text(run.error.hint)
        elif run.result is not None:
            yield self._table(bench_facts(run.result))
        elif run.state is State.RUNNING:
            yield from self._progress(run)
        else:
            yield Text("The worker was ended; the next benchmark starts a new one.", self._style("muted"))
        for note in run.work.notes:
            yield Text(f"\nnote: {note}", self._style("muted"))

    def _state(self, run: BenchRun) -> str:
        return f"{run.state.value} {'for' if run.state is State.RUNNING else 'after'} {run.seconds:.0f} s"

    def _progress(self, run: BenchRun) -> Iterator[RenderableType]:
        done = 0 if run.work.fraction is None else round(run.work.fraction * _BAR_WIDTH)
        percent = "" if run.work.fraction is None else f" {run.work.fraction:4.0%}"
        yield Text(run.work.phase)
        yield Text.assemble(
            ("━" * done, self._style("bar")), ("─" * (_BAR_WIDTH - done), self._style("muted")), percent
        )
        yield Text()
        if run.work.partial is not None:
            yield self._table(
                [
                    ("p50", milliseconds(run.work.partial.latency_p50_ms)),
                    ("throughput", f"{significant(run.work.partial.samples_per_sec)} samples/s"),
                    ("iterations", f"{run.work.partial.iterations:,}"),
                ]
            )
            yield Text()
        yield Text("c cancels", self._style("muted"))

    def _table(self, facts: list[tuple[str, str]]) -> RenderableType:
        rows = []
        for key, value in facts:
            style = self._style("figure") if key in ("throughput", "latency", "p50") else Style()
            rows.append((Text(key, self._style("key")), Text(value, style)))
        return two_columns(rows)

    def _style(self, name: str) -> Style:
        return foreground(self, f"report--{name}")
