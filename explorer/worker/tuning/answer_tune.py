"""The search for the fastest settings: one setting after the other, each value held against the best so far.

The two take turns in one process, so that a machine that slows down meanwhile slows both. A value is kept when it is
faster beyond the interval of that comparison; at the end all that was kept must hold once more against the settings
that the search began with, or these are the answer.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import torch

from explorer.errors import ExplorerError
from explorer.protocol import (
    TUNED,
    BenchRequest,
    BenchResult,
    Emit,
    Log,
    OutputDifference,
    Progress,
    TuneRequest,
    TuneResult,
)
from explorer.worker.building import names_and_inputs
from explorer.worker.measuring.difference import difference
from explorer.worker.measuring.prepared import prepared
from explorer.worker.measuring.turns import LEAST_ROUNDS, Ratio, ratio_of, turns
from explorer.worker.serve import device_is_lost
from explorer.worker.tuning.setting_search import BLOCK_SECONDS, Search, unheard


def run(request: TuneRequest, emit: Emit) -> TuneResult:
    """Search, then measure the first and the best settings anew.

    Raises:
        RequestError: an unknown name, or settings to begin with that cannot be used.
        OutOfMemory: the device has too little memory for them.
        EngineError: the model fails as it is.
    """
    started = time.monotonic()
    with Search(request, emit) as search:
        search.run()
        first, best = _whole(search.first, request.bench), _whole(search.best.request, request.bench)
    baseline = _baseline(first, emit)
    end = _End(first, baseline, baseline, Ratio(1.0, 1.0, 1.0, 0), search.first_difference)
    if any(step.is_kept for step in search.steps):
        end = _judged(end, best, search.reference, emit)
    return TuneResult(
        baseline=baseline,
        tuned=end.result,
        request=_asked(request.bench, first, end.request),
        model_args=names_and_inputs.create_args(baseline.model, first.options),
        ratio=end.ratio.median,
        ratio_low=end.ratio.low,
        ratio_high=end.ratio.high,
        rounds=end.ratio.rounds,
        is_faster=end.result is not baseline,
        difference=end.difference,
        steps=search.steps,
        seconds=time.monotonic() - started,
    )


@dataclass(frozen=True)
class _End:
    """What the search ends with."""

    request: BenchRequest
    baseline: BenchResult
    result: BenchResult
    ratio: Ratio
    difference: OutputDifference | None


def _whole(request: BenchRequest, asked: BenchRequest) -> BenchRequest:
    """Settings as searched, to be measured for as long as was asked for."""
    return replace(request, seconds=asked.seconds, iterations=asked.iterations, roofline=asked.roofline)


def _baseline(first: BenchRequest, emit: Emit) -> BenchResult:
    emit(Progress("baseline", "measuring the settings it began with"))
    with prepared(first, emit) as one:
        return one.measure(emit)


def _judged(end: _End, best: BenchRequest, reference: Sequence[torch.Tensor] | None, emit: Emit) -> _End:
    """Measure the best settings, and hold them against the first once more: they are the answer if they are faster.

    They are measured alone, so that their memory is theirs.
    """
    emit(Progress("tuned", "measuring the best settings"))
    try:
        with prepared(replace(best, backoff=False), emit) as one:
            result = one.measure(emit)
            differs = None if reference is None else difference(one.outputs(), reference)
            with prepared(end.request, unheard) as first:
                emit(Progress("final", "running the best settings and the first ones in turns"))
                share = min(BLOCK_SECONDS * 2.5, end.request.seconds / 2 / LEAST_ROUNDS)
                rounds = max(LEAST_ROUNDS, round(end.request.seconds / 2 / share))
                ratio = ratio_of(list(islice(turns(one, first, share), rounds)))
    except ExplorerError as error:
        if device_is_lost(error):
            raise
        emit(Log(f"the best settings failed when they were measured alone: {error.message}"))
        return end
    if ratio.low <= 1 or result.samples_per_sec <= end.baseline.samples_per_sec:
        return replace(end, ratio=ratio)
    return replace(end, request=best, result=result, ratio=ratio, difference=differs)


def _asked(asked: BenchRequest, first: BenchRequest, answer: BenchRequest) -> BenchRequest:
    """What was asked for, with what the search changed; the device, the dtype and the batch are named in any case."""
    names = [name for name in TUNED if getattr(answer, name) != getattr(first, name)]
    change: dict[str, Any] = {name: getattr(answer, name) for name in ("device", "dtype", "batch_size", *names)}
    return replace(asked, **change)
