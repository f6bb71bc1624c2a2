"""When Python looks for garbage: the only place that switches its collector.

A graph, or the syntax trees that it is made from, is some hundred thousand small objects that all stay alive. Walking
them finds nothing, takes as long as making them does, and comes again each time that enough of them were made.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def switch_off() -> None:
    """For a command: it makes a graph, looks at it and ends, and no garbage of it is worth a tenth of its time."""
    gc.disable()


def switch_on() -> None:
    """For what stays open: the terminal app."""
    gc.enable()


@contextmanager
def paused() -> Iterator[None]:
    """Collect nothing while something large is made. Afterwards it counts as old, and is not walked at once either."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if not gc.get_freeze_count():
                # Thawing puts everything into the oldest generation. What somebody has frozen for good stays frozen.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


@contextmanager
def keeping() -> Iterator[None]:
    """Keep all that is made here, and was before, out of every later collection, and collect from then on.

    For the app's graph: a collection that walked it would stop the screen for a fifth of a second now and then.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
