"""The benchmark pane: the run looked at above, every run of this sitting below."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import DataTable, Static

from explorer.report.wording import mebibytes, significant, size
from explorer.tui.bench import BenchRun, State
from explorer.tui.text import middle_cut
from explorer.tui.widgets.bench_report import BenchReport

_TICK_SECONDS = 0.5
_NARROW = 76


class RunTable(DataTable[str]):
    """The runs, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "cursor_down", "Down", show=False, key_display="j ↓"),
        Binding("k,up", "cursor_up", "Up", show=False, key_display="k ↑"),
    ]


class BenchView(Vertical):
    """Shows one run, and follows it while it is under way."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._runs: list[BenchRun] = []
        self._shown: BenchRun | None = None
        self._report = BenchReport(id="bench-report")
        self._table = RunTable(id="bench-runs", cursor_type="row", zebra_stripes=True)
        self._heading = Static("This sitting", id="bench-heading", markup=False)

    def compose(self) -> ComposeResult:
        """The run, then the list."""
        with VerticalScroll(id="bench-scroll", can_focus=False):
            yield self._report
        yield self._heading
        yield self._table

    def on_mount(self) -> None:
        """Nothing to list yet; a running clock is drawn twice a second, so that drawing costs the run nothing."""
        self._table.display = self._heading.display = False
        self.set_interval(_TICK_SECONDS, self._tick)

    def offer(self, model: str | None) -> None:
        """Say what a benchmark would measure, while there is none to show."""
        if not self._runs:
            self._report.show_offer(model)

    def show_run(self, runs: list[BenchRun], run: BenchRun) -> None:
        """Show news of a run, and list it once it has ended or begun."""
        is_new = len(runs) != len(self._runs)
        self._runs = list(runs)
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
        if self._runs and self._table.has_focus:
            self._shown = self._newest_first()[event.cursor_row]
            self._report.show_run(self._shown)

    def _tick(self) -> None:
        if self._shown is not None and self._shown.state is State.RUNNING:
            self._report.show_run(self._shown)

    def _newest_first(self) -> list[BenchRun]:
        return self._runs[::-1]

    def _list(self) -> None:
        if not self._runs:
            return
        self._table.display = self._heading.display = True
        self._table.clear(columns=True)
        columns = _columns(self.size.width)
        self._table.add_columns(*columns)
        runs = self._newest_first()
        for run in runs:
            self._table.add_row(*_cells(run, columns))
        if self._shown in runs:
            self._table.move_cursor(row=runs.index(self._shown), animate=False)


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
