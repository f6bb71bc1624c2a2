"""Two measurements side by side, their passes in turns."""

from time import perf_counter

from explorer.protocol import Emit, Log, Partial, Progress, VersusPartial, VersusRequest, VersusResult
from explorer.worker.measuring.prepared import Prepared, prepared
from explorer.worker.measuring.turns import LEAST_ROUNDS, Ratio, ratio_of, turns

BLOCK_SECONDS = 0.25
"""At most: of a short comparison a block is so short that enough rounds fit."""

_REPORT_SECONDS = 0.25


def run(request: VersusRequest, emit: Emit) -> VersusResult:
    """Measure both, then run blocks of their passes in turns. Raises what :func:`prepared` raises."""
    with prepared(request.a, emit) as a, prepared(request.b, emit) as b:
        if a.batch_size != b.batch_size and a.batch_size_requested == b.batch_size_requested:
            emit(Log(f"unlike batches are compared: {a.batch_size} and {b.batch_size}, for want of memory"))
        ratio = _ratio(a, b, request.seconds, emit)
        return VersusResult(a.measure(emit), b.measure(emit), ratio.median, ratio.low, ratio.high, ratio.rounds)


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
