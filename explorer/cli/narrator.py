"""What a use case does, told on stderr while it does it: a live line on a terminal, else a plain line a phase."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from explorer.cli.output import narrate, notice, on_terminal
from explorer.protocol.bench import BenchPartial, VersusPartial
from explorer.protocol.events import Event, Partial, Progress
from explorer.protocol.tune import TuneStep
from explorer.report.tuning_report import step_line
from explorer.report.wording import milliseconds, significant
from explorer.underway import listening
from explorer.usecases.following import WorkState
from explorer.usecases.telling import Emit, Notice


@contextmanager
def narrator(title: str = "", *, at_once: bool = True) -> Iterator[Emit]:
    """Tells the user how the work goes.

    Args:
        title: what the work is, where it is one of several; a plain line then tells this alone.
        at_once: the work takes long from the start; else the live line comes with the first thing that does.
    """
    if not on_terminal(sys.stderr):
        yield _PlainNarrator(title)
        return
    from explorer.cli.on_screen import live_line  # rich, which a pipe does not need

    with live_line(title, at_once=at_once) as line, ExitStack() as listens:
        if at_once:  # else work of this process is shown as ever until the line is there
            listens.enter_context(listening(lambda step: line.update(str(step), step.fraction)))
        state = WorkState()

        def tell(event: Event | Notice) -> None:
            if not state.take(event):
                return
            match event:
                case Progress():
                    line.update(state.phase, state.fraction)
                case Partial(value=TuneStep() as step):
                    line.above(step_line(step))
                case Partial():
                    line.update(state.phase, state.fraction, _figures(state.partial))
                case _:
                    line.above(f"note: {state.notes[-1]}")

        yield tell


class _PlainNarrator:
    """One line on stderr for each phase, and one for each notice, once."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._phase = ""
        self._state = WorkState()

    def __call__(self, event: Event | Notice) -> None:
        if not self._state.take(event):
            return
        match event:
            case Progress(phase=phase, message=message):
                if phase != self._phase and not (self._title and self._phase):
                    narrate(self._title or message)
                self._phase = phase
            case Partial(value=TuneStep() as step):
                narrate(step_line(step))
            case Partial():
                pass
            case _:
                message = self._state.notes[-1]
                notice(f"{self._title}: {message}" if self._title else message)


def _figures(value: object) -> str:
    """The figures of a measurement under way; nothing of other work."""
    match value:
        case VersusPartial(ratio=ratio, rounds=rounds):
            return f"A over B {ratio:.3f}, {rounds} rounds"
        case BenchPartial(latency_p50_ms=p50, samples_per_sec=speed):
            return f"p50 {milliseconds(p50)}, {significant(speed)} samples/s"
    return ""
