"""Two prepared models taking turns, so that both see the same machine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from explorer.worker.measuring.prepared import Prepared
from explorer.worker.measuring.statistics import median_interval, percentile

LEAST_ROUNDS = 6
"""Fewer pairs than this cannot bound a median with 95 % confidence."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """Samples per second of one over those of the other: the median of the rounds and its 95 % interval."""

    median: float
    low: float
    high: float
    rounds: int


def turns(a: Prepared, b: Prepared, block_seconds: float) -> Iterator[tuple[float, float]]:
    """Samples per second of A and of B, from a block of passes each, round by round without end.

    Who goes first changes with every round.

    Args:
        a, b: what is compared.
        block_seconds: the time of a block, about; a block has one pass at least.
    """
    rate_a, rate_b = _rate_of(a, block_seconds), _rate_of(b, block_seconds)
    while True:
        yield rate_a(), rate_b()
        of_b = rate_b()
        yield rate_a(), of_b


def _rate_of(one: Prepared, block_seconds: float) -> Callable[[], float]:
    """A function that runs a block and gives its samples per second; the next block is sized by this one."""
    pass_seconds = one.warm.pass_seconds

    def rate() -> float:
        nonlocal pass_seconds
        passes = max(1, round(block_seconds / pass_seconds))
        with one.settings():
            if passes > 1:
                # What the other one left in the caches, and its thread count, cost the first pass.
                one.block(1)
            pass_seconds = one.block(passes) / passes
            return one.batch_size / pass_seconds

    return rate


def ratio_of(pairs: list[tuple[float, float]]) -> Ratio:
    """How A compares with B over these rounds; the interval is by order statistics."""
    ordered = sorted(a / b for a, b in pairs)
    return Ratio(percentile(ordered, 50), *median_interval(ordered), len(ordered))
