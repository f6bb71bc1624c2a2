"""Two prepared models compared: their speed in turns, so that both see the same machine, and their outputs."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch

from explorer.protocol.bench import VersusPartial, VersusRequest, VersusResult
from explorer.protocol.events import Emit, Log, Partial, Progress
from explorer.protocol.tune import OutputDifference
from explorer.worker.measuring.benchmark import measured
from explorer.worker.measuring.prepared_model import Prepared, prepared
from explorer.worker.measuring.timing import median_interval, percentile

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


BLOCK_SECONDS = 0.25
"""At most: of a short comparison a block is so short that enough rounds fit."""

_REPORT_SECONDS = 0.25


def run(request: VersusRequest, emit: Emit) -> VersusResult:
    """Measure both, then run blocks of their passes in turns. Raises what :func:`prepared` raises."""
    with prepared(request.a, emit) as a, prepared(request.b, emit) as b:
        if a.batch_size != b.batch_size and a.batch_size_requested == b.batch_size_requested:
            emit(Log(f"unlike batches are compared: {a.batch_size} and {b.batch_size}, for want of memory"))
        ratio = _ratio(a, b, request.seconds, emit)
        return VersusResult(measured(a, emit), measured(b, emit), ratio.median, ratio.low, ratio.high, ratio.rounds)


def _ratio(a: Prepared, b: Prepared, seconds: float, emit: Emit) -> Ratio:
    """Samples per second of A over those of B."""
    rounds = turns(a, b, min(BLOCK_SECONDS, seconds / LEAST_ROUNDS / 2))
    # This one does not count: what either has to make again, now that the other is there too, is made in it.
    next(rounds)
    pairs: list[tuple[float, float]] = []
    start = told = perf_counter()
    while perf_counter() - start < seconds or len(pairs) < LEAST_ROUNDS:
        pairs.append(next(rounds))
        if perf_counter() - told >= _REPORT_SECONDS:
            told = perf_counter()
            done = min(1.0, (told - start) / seconds, len(pairs) / LEAST_ROUNDS)
            emit(Progress("versus", "running both in turns", done))
            emit(Partial(VersusRequest.kind, VersusPartial(len(pairs), ratio_of(pairs).median)))
    return ratio_of(pairs)


def difference(outputs: Sequence[torch.Tensor], reference: Sequence[torch.Tensor]) -> OutputDifference | None:
    """Compare outputs with reference ones, over the images that both have.

    Args:
        outputs: tensors in float32 on the CPU, the batch first.
        reference: the same of the reference.

    Returns:
        ``None`` where they cannot be compared: other shapes, or a reference that is not finite itself.
    """
    pairs = [(a[: len(b)], b[: len(a)]) for a, b in zip(outputs, reference, strict=False)]
    if not pairs or len(outputs) != len(reference) or any(a.shape != b.shape for a, b in pairs):
        return None
    if not all(torch.isfinite(b).all() for _, b in pairs):
        return None
    images = len(pairs[0][0])
    if not all(torch.isfinite(a).all() for a, _ in pairs):
        return OutputDifference(None, None, None, False, images)
    max_abs = max(float((a - b).abs().max()) for a, b in pairs if b.numel())
    highest, lowest = (
        limit(float(limit_of(b)) for _, b in pairs) for limit, limit_of in ((max, torch.max), (min, torch.min))
    )
    spread = highest - lowest
    relative = max_abs / spread if spread > 0 else (0.0 if max_abs == 0 else math.inf)
    return OutputDifference(max_abs, relative if math.isfinite(relative) else None, _top1(*pairs[0]), True, images)


def _top1(outputs: torch.Tensor, reference: torch.Tensor) -> float | None:
    """The share of images whose highest score is of the same class; ``None`` where outputs are no scores."""
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        return None
    return float((outputs.argmax(1) == reference.argmax(1)).float().mean())
