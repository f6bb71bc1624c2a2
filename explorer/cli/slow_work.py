"""What takes longer than a second, shown on stderr; what does not, is not."""

import os
import sys
import time
from collections.abc import Callable

from explorer.cli.output import narrate, on_terminal, show_passing
from explorer.underway import Step

DELAY_SECONDS = 1.0
_PAUSE_SECONDS = 0.1
"""Between two changes of the line: more often nobody can read it."""


class SlowWork:
    """Listens to long work: on a terminal one line that passes with it, else a line that stays for each kind of step.

    Args:
        clock: gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: float | None = None
        self._shown_at = 0.0
        self._doing = ""

    def __call__(self, step: Step) -> None:
        """Take a step."""
        now = self._clock()
        if self._began is None:
            self._began = now
        if now - self._began < DELAY_SECONDS:
            return
        is_new = step.doing != self._doing
        self._doing = step.doing
        if on_terminal(sys.stderr) and os.environ.get("TERM") != "dumb":
            if is_new or now - self._shown_at >= _PAUSE_SECONDS:
                self._shown_at = now
                show_passing(str(step))
        elif is_new:
            narrate(step.whole)
