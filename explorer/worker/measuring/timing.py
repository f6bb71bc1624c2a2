"""The clock: warm-up until passes stop getting faster, then passes in queued blocks or one by one."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from explorer.protocol.bench import BenchPartial, BenchRequest, Latency
from explorer.protocol.events import Emit, Partial, Progress

REPORT_SECONDS = 0.25
"""The shortest time between two reports of a running measurement."""

BLOCKS = 10
"""A budget of queued passes is split into about so many blocks: few enough that the waits between them cost little."""

WARMUP_TOLERANCE = 0.03

WARMUP_WINDOWS = 3
"""Two windows may be alike by chance while clocks still rise."""

WARMUP_PASSES = 3

WARMUP_WINDOW_SECONDS = 0.1

WARMUP_RULE = (
    f"until the medians of {WARMUP_WINDOWS} successive windows lie within {WARMUP_TOLERANCE:.0%} of each other, "
    "for a sixth of `seconds` (0.5 s at most) at least and twice `seconds` (10 s) at most"
)


class Clock:
    """Times passes of one device by the wall and, on CUDA, by events.

    Args:
        run: one pass, queued on the device where it has a queue.
        synchronize: returns when all that is queued is done.
        device: where the passes run.
    """

    def __init__(self, run: Callable[[], Any], synchronize: Callable[[], None], device: torch.device) -> None:
        self.run = run
        self._synchronize = synchronize
        self._events = [torch.cuda.Event(enable_timing=True) for _ in range(2)] if device.type == "cuda" else None

    def block(self, passes: int) -> tuple[float, float | None]:
        """Seconds of so many passes, queued one behind the other and waited for once: wall clock and CUDA events."""
        run = self.run
        self._synchronize()
        start = time.perf_counter()
        if self._events is not None:
            self._events[0].record()
        for _ in range(passes):
            run()
        if self._events is not None:
            self._events[1].record()
        self._synchronize()
        wall = time.perf_counter() - start
        return wall, None if self._events is None else self._events[0].elapsed_time(self._events[1]) / 1000


@dataclass(frozen=True)
class WarmUp:
    """What a warm-up took, whether passes had become stable, and the seconds of a pass at its end."""

    iterations: int
    seconds: float
    stable: bool
    pass_seconds: float


def warm_up(clock: Clock, seconds: float, emit: Emit) -> WarmUp:
    """Run untimed passes by :data:`WARMUP_RULE`; ``seconds`` is the time that will be measured."""
    emit(Progress("warm-up", "warming up"))
    least, greatest = min(0.5, seconds / 6), min(10.0, 2 * seconds)
    window_seconds = min(WARMUP_WINDOW_SECONDS, least / WARMUP_WINDOWS)
    spent, iterations, stable = 0.0, 0, False
    medians: list[float] = []
    while iterations < WARMUP_PASSES or (spent < greatest and not (stable and spent >= least)):
        taken = [clock.block(1)[0]]
        while sum(taken) < window_seconds:
            taken.append(clock.block(1)[0])
        spent += sum(taken)
        iterations += len(taken)
        medians.append(percentile(sorted(taken), 50))
        last = medians[-WARMUP_WINDOWS:]
        stable = len(last) == WARMUP_WINDOWS and max(last) <= min(last) * (1 + WARMUP_TOLERANCE)
    return WarmUp(iterations, spent, stable, medians[-1])


@dataclass
class Timed:
    """Wall-clock and CUDA seconds of what was timed, in order, and how many passes they cover."""

    wall: list[float] = field(default_factory=list)
    cuda: list[float] = field(default_factory=list)
    passes: int = 0


class Reporter:
    """Tells how far a measurement is, now and then, between what is timed.

    Args:
        batch_size: images in a pass.
        emit: takes the events.
    """

    def __init__(self, batch_size: int, emit: Emit) -> None:
        self._batch_size = batch_size
        self._emit = emit
        self._told = time.perf_counter()
        self._from, self._to = 0.0, 0.0
        self._goal = Goal(1.0, 1)
        emit(Progress("measure", "measuring", 0.0))

    def part(self, goal: "Goal", share: float) -> None:
        """The next part begins, so much of the whole."""
        self._goal = goal
        self._from, self._to = self._to, self._to + share

    def tell(self, passes: int, spent: float, pass_seconds: Callable[[], float]) -> None:
        """So many passes of this part are done, in so many seconds; ``pass_seconds`` gives the typical one."""
        now = time.perf_counter()
        if now - self._told < REPORT_SECONDS:
            return
        self._told = now
        done = min(1.0, spent / self._goal.seconds, passes / self._goal.iterations)
        self._emit(Progress("measure", "measuring", min(1.0, self._from + done * (self._to - self._from))))
        rate = self._batch_size * passes / spent
        self._emit(Partial(BenchRequest.kind, BenchPartial(passes, spent, pass_seconds() * 1000, rate)))


@dataclass(frozen=True)
class Goal:
    """How long a part of a measurement goes on: for so many seconds and so many passes, at least."""

    seconds: float
    iterations: int

    def reached(self, seconds: float, iterations: int) -> bool:
        """Whether both are done."""
        return seconds >= self.seconds and iterations >= self.iterations


def clocked(
    clock: Clock, goal: Goal, report: Reporter, *, in_block: int = 1, pass_seconds: float | None = None
) -> Timed:
    """Time blocks of queued passes, or passes waited for one by one.

    Args:
        clock: runs them.
        goal: how long it goes on.
        report: is told how far it is.
        in_block: passes in a block.
        pass_seconds: what a pass is said to take meanwhile; ``None``: the median so far.
    """
    timed, spent = Timed(), 0.0
    while not goal.reached(spent, timed.passes):
        wall, cuda = clock.block(in_block)
        timed.wall.append(wall)
        if cuda is not None:
            timed.cuda.append(cuda)
        timed.passes += in_block
        spent += wall
        report.tell(timed.passes, spent, lambda: pass_seconds or percentile(sorted(timed.wall), 50))
    return timed


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
    count = len(ordered)
    log_half = count * math.log(0.5)
    below, k = 0.0, 0
    while k < count:
        log_ways = math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        below += math.exp(log_ways + log_half)
        if below > (1 - CONFIDENCE) / 2:
            break
        k += 1
    return ordered[max(1, k) - 1], ordered[-max(1, k)]


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
