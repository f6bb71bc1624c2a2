"""Statistics of timings: percentiles, and what a median can be trusted with."""

import math
import statistics
from collections.abc import Sequence

from explorer.protocol import Latency

CONFIDENCE = 0.95


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


def median_interval(ordered: Sequence[float]) -> tuple[float, float]:
    """Bounds of the median with at least 95 % confidence, by order statistics: no shape is assumed.

    How many of ``n`` independent values lie below the median is binomial with p = 1/2, so the ``k``-th smallest and the
    ``k``-th largest enclose it with probability 1 - 2 P(B(n, 1/2) < k); the greatest ``k`` that keeps that at 95 % is
    taken. Source: Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2. Fewer than six values cannot
    reach 95 %: their extremes are given.

    Args:
        ordered: at least one value, in ascending order.
    """
    k = max(1, _rank(len(ordered)))
    return ordered[k - 1], ordered[-k]


def _rank(count: int) -> int:
    """The greatest ``k`` with P(B(count, 1/2) < k) at most 2.5 %; 0 where there is none."""
    log_half = count * math.log(0.5)
    below, k = 0.0, 0
    while k < count:
        log_ways = math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        below += math.exp(log_ways + log_half)
        if below > (1 - CONFIDENCE) / 2:
            break
        k += 1
    return k


def latency(seconds: Sequence[float]) -> Latency:
    """Summarize iteration times, given in seconds, as :class:`Latency` in milliseconds."""
    ordered = sorted(1000 * s for s in seconds)
    low, high = median_interval(ordered)
    return Latency(
        p50=percentile(ordered, 50),
        p90=percentile(ordered, 90),
        p99=percentile(ordered, 99),
        mean=statistics.fmean(ordered),
        min=ordered[0],
        max=ordered[-1],
        std=statistics.stdev(ordered) if len(ordered) > 1 else 0.0,
        p50_low=low,
        p50_high=high,
    )
