"""Measured forward passes of a model with random weights."""

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from explorer.engine import devices, models
from explorer.engine.environment import environment
from explorer.engine.extras import import_extra
from explorer.engine.failures import Attempt, explained
from explorer.engine.protocol import BenchPartial, BenchRequest, BenchResult, Emit, Partial, Progress
from explorer.engine.statistics import latency, percentile

MIN_ITERATIONS = 5
"""Timed iterations, at least, however long they take."""

MIN_WARMUP_ITERATIONS = 2
"""Untimed iterations before them, at least."""

WARMUP_SHARE = 1 / 3
"""Warm-up goes on for this share of the seconds to measure..."""

MAX_WARMUP_SECONDS = 3.0
"""...but no longer than this, past the least number of iterations."""

REPORT_SECONDS = 0.25
"""The shortest time between two reports of a running measurement."""

SEED = 0


def run(request: BenchRequest, emit: Emit) -> BenchResult:
    """Build the model, warm it up, time it.

    Every iteration is one forward pass of a whole batch, in eval and inference mode, timed by the wall clock
    with the device synchronized before and after. Reports are sent between timed iterations, not inside one.

    Raises:
        RequestError: an unknown name, an extra source that cannot be imported, or a device, size or dtype that cannot
            be used.
        OutOfMemory: the device has too little memory.
        EngineError: the model fails as it is.
    """
    gc.collect()
    for own, path in request.extra:
        import_extra((own, Path(path)))
    name = models.resolve_name(request.model, emit)
    device = devices.choose(request.device, emit)
    batch_size = request.batch_size or (1 if device.type == "cpu" else 64)
    with explained(Attempt(name, device, batch_size, request.img_size, request.dtype)):
        return _measured(request, name, device, batch_size, emit)


def _measured(request: BenchRequest, name: str, device: torch.device, batch_size: int, emit: Emit) -> BenchResult:
    memory = devices.PeakMemory(device)
    emit(Progress("build", f"building {name} with random weights"))
    torch.manual_seed(SEED)
    torch.backends.cudnn.benchmark = device.type == "cuda"
    dtype: torch.dtype = getattr(torch, request.dtype)
    model = models.build(name, request.img_size).to(device=device, dtype=dtype)
    channels, height, width = models.input_size(model, request.img_size)
    images = torch.randn(batch_size, channels, height, width, device=device, dtype=dtype)

    timer = _Timer(model, images, devices.synchronizer(device))
    with torch.inference_mode():
        warmup_iterations = _warm_up(timer, min(request.seconds * WARMUP_SHARE, MAX_WARMUP_SECONDS), emit)
        seconds = _time(timer, request.seconds, batch_size, emit)
    return BenchResult(
        model=name,
        device=str(device),
        batch_size=batch_size,
        img_size=height if height == width else (height, width),
        in_chans=channels,
        dtype=request.dtype,
        latency_ms=latency(seconds),
        samples_per_sec=batch_size * len(seconds) / sum(seconds),
        param_count=models.param_count(model),
        iterations=len(seconds),
        warmup_iterations=warmup_iterations,
        measured_seconds=sum(seconds),
        memory_bytes=memory.peak_bytes(),
        memory_kind=memory.kind,
        memory_before_bytes=memory.before_bytes,
        settings=_settings(request),
        environment=environment(device),
    )


class _Timer:
    """Runs one forward pass a call and gives its seconds."""

    def __init__(self, model: nn.Module, images: torch.Tensor, synchronize: Callable[[], None]) -> None:
        self._model = model
        self._images = images
        self._synchronize = synchronize
        synchronize()

    def __call__(self) -> float:
        start = time.perf_counter()
        self._model(self._images)
        self._synchronize()
        return time.perf_counter() - start


def _warm_up(timer: _Timer, budget_seconds: float, emit: Emit) -> int:
    """Run untimed iterations for the budget, at least :data:`MIN_WARMUP_ITERATIONS`; returns how many."""
    emit(Progress("warm-up", "warming up"))
    spent, iterations = 0.0, 0
    while spent < budget_seconds or iterations < MIN_WARMUP_ITERATIONS:
        spent += timer()
        iterations += 1
    return iterations


def _time(timer: _Timer, budget_seconds: float, batch_size: int, emit: Emit) -> list[float]:
    """Seconds of each iteration: for the budget, at least :data:`MIN_ITERATIONS`."""
    emit(Progress("measure", "measuring", 0.0))
    seconds: list[float] = []
    spent, reported = 0.0, time.perf_counter()
    while spent < budget_seconds or len(seconds) < MIN_ITERATIONS:
        taken = timer()
        seconds.append(taken)
        spent += taken
        now = time.perf_counter()
        if now - reported >= REPORT_SECONDS:
            _report(seconds, spent, budget_seconds, batch_size, emit)
            reported = now
    return seconds


def _report(seconds: list[float], spent: float, budget_seconds: float, batch_size: int, emit: Emit) -> None:
    done = len(seconds)
    fraction = min(1.0, spent / budget_seconds, done / MIN_ITERATIONS)
    emit(Progress("measure", "measuring", fraction))
    p50_ms = percentile(sorted(seconds), 50) * 1000
    emit(Partial(BenchRequest.kind, BenchPartial(done, spent, p50_ms, batch_size * done / spent)))


def _settings(request: BenchRequest) -> dict[str, Any]:
    """Everything set here that a measurement depends on and that the result does not name otherwise."""
    return {
        "pretrained": False,
        "mode": "eval",
        "inference_mode": True,
        "memory_format": "contiguous_format",
        "compiled": False,
        "threads": torch.get_num_threads(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "cudnn_allow_tf32": torch.backends.cudnn.allow_tf32,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "seed": SEED,
        "seconds": request.seconds,
        "min_iterations": MIN_ITERATIONS,
        "timing": "wall clock of each iteration, device synchronized",
    }
