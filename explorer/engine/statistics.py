"""Statistics of a list of latencies."""

import math
import statistics
from collections.abc import Sequence

from explorer.engine.protocol import Latency


def percentile(ordered: Sequence[float], percent: float) -> float:
    """A percentile, linearly interpolated between the closest ranks (numpy's default, Hyndman-Fan type 7).

    Args:
        ordered: at least one value, in ascending order.
        percent: 0 to 100.
    """
    rank = (len(ordered) - 1) * percent / 100
    below = math.floor(rank)
    above = math.ceil(rank)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def latency(seconds: Sequence[float]) -> Latency:
    """Summarize iteration times, given in seconds, as :class:`Latency` in milliseconds."""
    ordered = sorted(1000 * s for s in seconds)
    return Latency(
        p50=percentile(ordered, 50),
        p90=percentile(ordered, 90),
        p99=percentile(ordered, 99),
        mean=statistics.fmean(ordered),
        min=ordered[0],
        max=ordered[-1],
        std=statistics.stdev(ordered) if len(ordered) > 1 else 0.0,
    )
