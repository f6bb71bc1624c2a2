"""One benchmark, set as a page: what it is at, what came of it, or what went wrong."""

from collections.abc import Iterator
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from explorer.report.measurement_report import bench_facts
from explorer.report.wording import milliseconds, significant
from explorer.tui.bench import BenchRun, State
from explorer.tui.styling import foreground

_BAR_WIDTH = 30


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

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)

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
        for note in run.notes:
            yield Text(f"\nnote: {note}", self._style("muted"))

    def _state(self, run: BenchRun) -> str:
        return f"{run.state.value} {'for' if run.state is State.RUNNING else 'after'} {run.seconds:.0f} s"

    def _progress(self, run: BenchRun) -> Iterator[RenderableType]:
        done = 0 if run.fraction is None else round(run.fraction * _BAR_WIDTH)
        percent = "" if run.fraction is None else f" {run.fraction:4.0%}"
        yield Text(run.phase)
        yield Text.assemble(
            ("━" * done, self._style("bar")), ("─" * (_BAR_WIDTH - done), self._style("muted")), percent
        )
        yield Text()
        if run.figures is not None:
            yield self._table(
                [
                    ("p50", milliseconds(run.figures.latency_p50_ms)),
                    ("throughput", f"{significant(run.figures.samples_per_sec)} samples/s"),
                    ("iterations", f"{run.figures.iterations:,}"),
                ]
            )
            yield Text()
        yield Text("c cancels", self._style("muted"))

    def _table(self, facts: list[tuple[str, str]]) -> RenderableType:
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(width=max(len(key) for key, _ in facts), no_wrap=True)
        table.add_column(ratio=1, overflow="fold")
        for key, value in facts:
            style = self._style("figure") if key in ("throughput", "latency", "p50") else Style()
            table.add_row(Text(key, self._style("key")), Text(value, style))
        return table

    def _style(self, name: str) -> Style:
        return foreground(self, f"report--{name}")
