"""The search for the fastest settings: one setting after the other, each value held against the best so far.

The two take turns in one process, so that a machine that slows down meanwhile slows both. A value is kept when it is
faster beyond the interval of that comparison; at the end all that was kept must hold once more against the settings
that the search began with, or these are the answer.
"""

import os
import time
from contextlib import ExitStack
from itertools import islice
from typing import Any, Self

import psutil
import torch
from msgspec.structs import replace

from explorer.errors import ExplorerError
from explorer.protocol.bench import BenchRequest
from explorer.protocol.events import Emit, Event, Log, Partial, Progress
from explorer.protocol.tune import TUNED, OutputDifference, TuneRequest, TuneResult, TuneStep
from explorer.worker.measuring.benchmark import measured
from explorer.worker.measuring.comparison import LEAST_ROUNDS, difference, ratio_of, turns
from explorer.worker.measuring.prepared_model import Prepared, prepared
from explorer.worker.measuring.settings import has_tf32
from explorer.worker.measuring.timing import percentile
from explorer.worker.model_factory import create_args
from explorer.worker.serve import device_is_lost

ORDER = (*TUNED[:2], "memory_format", *TUNED[2:-2], "threads", *TUNED[-2:])
"""How the settings follow one another: those that take long to try come last. Which memory format suits hangs on the
dtype, and how many threads do on the batch, so these two come once more; what was tried is not tried again."""

MIN_GAIN = 1.01
"""A value that gains less is not worth a setting."""

STEP_SECONDS = 1.0
"""The time by which a step's warm-up goes; its turns take twice as long at most, past the least number of them."""

THREAD_STEPS = 4
"""So many numbers of threads are tried, from all cores down to an eighth of them."""

BLOCK_SECONDS = 0.1

CLEARLY_SLOWER = 0.7
"""A value that is below this in each of two rounds is left without further ones."""

LONGEST_PASS_SECONDS = 2.0
"""Batches whose pass would take longer are not tried."""

REFERENCE_BATCHES = (8, 64)
"""Outputs of so many images are compared: at least, where the batches hold as many, and at most."""


def candidates(setting: str, best: Prepared) -> list[Any]:
    """What to try for a setting, given the best found so far; its own value is not among them."""
    request, on_cuda, on_cpu = best.request, best.device.type == "cuda", best.device.type == "cpu"
    values: list[Any] = []
    match setting:
        case "memory_format":
            values = ["contiguous", "channels_last"]
        case "dtype":
            values = _dtypes(best)
        case "fused_attn" if any(hasattr(module, "fused_attn") for module in best.model.modules()):
            values = [True, False]
        case "cudnn_benchmark" if on_cuda:
            values = [True, False]
        case "threads" if on_cpu:
            # All cores, and half of them again and again.
            cores = _cores()
            values = [cores >> halvings for halvings in range(THREAD_STEPS) if cores >> halvings]
        case "inference_mode" if not request.train:
            values = [True, False]
        case "compile" if on_cuda or on_cpu:
            # Modes that record CUDA graphs of their own cannot be recorded once more.
            values = ["default", *(["reduce-overhead", "max-autotune"] if on_cuda and not request.cuda_graphs else [])]
        case "cuda_graphs" if on_cuda and not request.train and request.compile in ("off", "default"):
            values = [True]
    return [value for value in values if value != getattr(request, setting)]


def _dtypes(best: Prepared) -> list[Any]:
    # Weights in half precision are for forward passes: training in them loses small updates.
    halves = [] if best.request.train else ["bfloat16", "float16"]
    if best.device.type == "cpu":
        return [*halves[:1], "amp"]
    tf32 = ["tf32"] if best.request.dtype == "float32" and has_tf32(best.device) else []
    return [*tf32, *halves, "amp"]


def _cores() -> int:
    """Physical cores that this process may run on; logical ones where that is not known."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, psutil.cpu_count(logical=False) or usable)


class SettingSearch:
    """Goes through the settings; holds the best ones made ready. Use it as a context manager.

    Attributes:
        first: the settings to begin with, whole.
        best: the best ones so far.
        reference: outputs in float32, run eagerly; ``None`` where they could not be had.
        first_difference: that of the first settings.
        steps: what was tried.
    """

    best: Prepared

    def __init__(self, request: TuneRequest, emit: Emit) -> None:
        self.request = request
        self.emit = emit
        self._deadline = time.monotonic() + request.limit_seconds
        self._tried: set[tuple[Any, ...]] = set()
        self._hold = ExitStack()
        self.steps: list[TuneStep] = []

    def __enter__(self) -> Self:
        bench = replace(self.request.bench, seconds=STEP_SECONDS, iterations=1, roofline=False)
        self.best = self._hold.enter_context(prepared(bench, self.emit))
        self.first = self.best.request
        self._tried.add(_key(self.first))
        try:
            self.reference = self._reference()
        except BaseException:
            self._hold.close()
            raise
        self.first_difference = self.difference(self.best)
        return self

    def __exit__(self, *_: object) -> None:
        self._hold.close()

    def _reference(self) -> list[torch.Tensor] | None:
        """The outputs that others are compared with."""
        self._tell("running it in float32, to compare with")
        batch_size = min(max(self.best.batch_size, REFERENCE_BATCHES[0]), REFERENCE_BATCHES[1])
        exact = replace(
            self.first,
            model=self.best.model_name,
            batch_size=batch_size,
            dtype="float32",
            compile="off",
            cuda_graphs=False,
            memory_format="contiguous",
            backoff=True,
        )
        try:
            with prepared(exact, unheard) as one:
                return one.outputs()
        except ExplorerError as error:
            self.emit(Log(f"outputs are not compared with those of float32, which fails: {error.message}"))
            return None

    def difference(self, one: Prepared) -> OutputDifference | None:
        """How far a model's outputs are from the reference; ``None`` where that cannot be said."""
        return None if self.reference is None else difference(one.outputs(), self.reference)

    def run(self) -> None:
        """Try every value of every setting, while there is time."""
        for setting in ORDER:
            if setting in self.request.keep:
                continue
            if time.monotonic() > self._deadline:
                self.emit(Log(f"{self.request.limit_seconds:g} s are over, nothing is tried from {setting} on"))
                return
            if setting == "batch_size":
                self._try_batches()
                continue
            for value in candidates(setting, self.best):
                self._try(setting, value)

    def _try_batches(self) -> None:
        """Double the batch while that helps, past one that does not; halve it where doubling never did."""
        start, misses = self.best.batch_size, 0
        size = start * 2
        while misses < 2 and self.best.warm.pass_seconds * size / self.best.batch_size < LONGEST_PASS_SECONDS:
            step = self._try("batch_size", size)
            if step is None or step.ratio is None:
                break
            misses = 0 if step.is_kept else misses + 1
            size *= 2
        while self.best.batch_size <= start and self.best.batch_size > 1:
            step = self._try("batch_size", self.best.batch_size // 2)
            if step is None or not step.is_kept:
                break

    def _try(self, setting: str, value: Any) -> TuneStep | None:
        """Hold one value against the best so far; ``None`` where it was tried before or the time is over."""
        change: dict[str, Any] = {setting: value}
        request = replace(self.best.request, model=self.best.model_name, backoff=False, **change)
        if _key(request) in self._tried or time.monotonic() > self._deadline:
            return None
        self._tried.add(_key(request))
        self._tell(f"trying {setting} {value}")
        started = time.monotonic()
        step = TuneStep(setting, value, None, None, None, None, False, None, "", 0.0)
        try:
            with ExitStack() as stack:
                one = stack.enter_context(prepared(request, unheard))
                step = self._compared(step, one)
                if step.is_kept:
                    self._hold.close()
                    self._hold, self.best = stack.pop_all(), one
        except ExplorerError as error:
            if device_is_lost(error):
                raise
            step = replace(step, note=error.message)
        step = replace(step, seconds=time.monotonic() - started)
        self.steps.append(step)
        self.emit(Partial(TuneRequest.kind, step))
        return step

    def _compared(self, step: TuneStep, one: Prepared) -> TuneStep:
        differs = self.difference(one)
        step = replace(step, difference=differs)
        if differs is not None and not differs.is_finite:
            return replace(step, note="left: its outputs are not finite")
        pairs: list[tuple[float, float]] = []
        started = time.monotonic()
        for pair in turns(one, self.best, BLOCK_SECONDS):
            pairs.append(pair)
            if len(pairs) == 2 and all(a < CLEARLY_SLOWER * b for a, b in pairs):
                note, slower = "left after two rounds: clearly slower", ratio_of(pairs).median
                return replace(step, samples_per_sec=pairs[-1][0], ratio=slower, note=note)
            if len(pairs) >= LEAST_ROUNDS:
                ratio = ratio_of(pairs)
                is_settled = ratio.low > MIN_GAIN or ratio.high < MIN_GAIN
                if is_settled or time.monotonic() - started > 2 * STEP_SECONDS:
                    break
        return replace(
            step,
            samples_per_sec=percentile(sorted(a for a, _ in pairs), 50),
            ratio=ratio.median,
            ratio_low=ratio.low,
            ratio_high=ratio.high,
            is_kept=ratio.low > 1 and ratio.median >= MIN_GAIN,
        )

    def _tell(self, message: str) -> None:
        spent = 1 - (self._deadline - time.monotonic()) / self.request.limit_seconds
        self.emit(Progress("tune", message, min(1.0, max(0.0, spent))))


def _key(request: BenchRequest) -> tuple[Any, ...]:
    return tuple(getattr(request, name) for name in TUNED)


def unheard(_: Event) -> None:
    """Takes the events of what is only tried."""


def run(request: TuneRequest, emit: Emit) -> TuneResult:
    """Search, then measure the first and the best settings anew.

    Raises:
        RequestError: an unknown name, or settings to begin with that cannot be used.
        OutOfMemory: the device has too little memory for them.
        EngineError: the model fails as it is.
    """
    started = time.monotonic()
    asked = request.bench
    with SettingSearch(request, emit) as search:
        search.run()
        # As searched, but measured for as long as was asked for.
        length: dict[str, Any] = {name: getattr(asked, name) for name in ("seconds", "iterations", "roofline")}
        first, best = replace(search.first, **length), replace(search.best.request, **length)
    emit(Progress("baseline", "measuring the settings it began with"))
    with prepared(first, emit) as one:
        baseline = measured(one, emit)
    answer = TuneResult(
        baseline=baseline,
        tuned=baseline,
        request=_asked(asked, first, first),
        model_args=create_args(baseline.model, first.options),
        ratio=1.0,
        ratio_low=1.0,
        ratio_high=1.0,
        rounds=0,
        is_faster=False,
        difference=search.first_difference,
        steps=search.steps,
        seconds=0.0,
    )
    if any(step.is_kept for step in search.steps):
        answer = _judged(answer, search, first, best)
    return replace(answer, seconds=time.monotonic() - started)


def _judged(answer: TuneResult, search: SettingSearch, first: BenchRequest, best: BenchRequest) -> TuneResult:
    """Measure the best settings, and hold them against the first once more: they are the answer if they are faster.

    They are measured alone, so that their memory is theirs.
    """
    emit = search.emit
    emit(Progress("tuned", "measuring the best settings"))
    try:
        with prepared(replace(best, backoff=False), emit) as one:
            result = measured(one, emit)
            differs = search.difference(one)
            with prepared(first, unheard) as other:
                emit(Progress("final", "running the best settings and the first ones in turns"))
                share = min(BLOCK_SECONDS * 2.5, first.seconds / 2 / LEAST_ROUNDS)
                rounds = max(LEAST_ROUNDS, round(first.seconds / 2 / share))
                ratio = ratio_of(list(islice(turns(one, other, share), rounds)))
    except ExplorerError as error:
        if device_is_lost(error):
            raise
        emit(Log(f"the best settings failed when they were measured alone: {error.message}"))
        return answer
    answer = replace(answer, ratio=ratio.median, ratio_low=ratio.low, ratio_high=ratio.high, rounds=ratio.rounds)
    if ratio.low <= 1 or result.samples_per_sec <= answer.baseline.samples_per_sec:
        return answer
    asked = _asked(search.request.bench, first, best)
    return replace(answer, tuned=result, request=asked, is_faster=True, difference=differs)


def _asked(asked: BenchRequest, first: BenchRequest, answer: BenchRequest) -> BenchRequest:
    """What was asked for, with what the search changed; the device, the dtype and the batch are named in any case."""
    names = [name for name in TUNED if getattr(answer, name) != getattr(first, name)]
    change: dict[str, Any] = {name: getattr(answer, name) for name in ("device", "dtype", "batch_size", *names)}
    return replace(asked, **change)
