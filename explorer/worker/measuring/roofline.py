"""What a device can do at best: the ceilings of its arithmetic and of its memory, measured."""

import time
from collections.abc import Callable
from typing import Any

import torch
from msgspec import structs

from explorer.protocol.bench import BenchRequest, Roofline
from explorer.protocol.events import Emit, Log, Progress
from explorer.protocol.inspect import InspectRequest, Totals
from explorer.worker.hardware import devices
from explorer.worker.inspection import run as inspect
from explorer.worker.measuring.settings import amp_dtype, weights_dtype
from explorer.worker.model_failures import is_memory, reason

BUDGET_SECONDS = 0.5
"""Time for each of the two ceilings; one more try is made only while it is expected to fit."""

COPY_BYTES = 256 << 20
"""Larger than the caches of today's processors and GPUs."""

FLOPS_PER_MAC = 2
"""A multiplication and an addition."""

PASSES_OF_TRAINING = 3
"""A training step computes about three times a forward pass: the backward pass has a product for the gradient of the
input and one for that of the weights, of the forward's size each. Source: Kaplan et al., Scaling Laws for Neural
Language Models, 2020, section 2.1."""

# Sides of the square factors: the least keeps the device busy for longer than it takes to start, and three of the
# greatest in float32 take 0.8 GB, which a small card still has beside the model.
_SMALLEST = {"cpu": 256, "mps": 1024, "cuda": 2048}
_LARGEST = {"cpu": 4096, "mps": 8192, "cuda": 8192}
_REPEATS = 2
_MOST_REPEATS = 100


def matmul_tflops(device: torch.device, dtype: torch.dtype) -> float:
    """The rate of a large square matrix product, in 1e12 floating-point operations a second, two a multiply-accumulate.

    Sizes double until time is up; the best rate of all is given. Global switches (TF32, threads) count as they are,
    and gradients must be off.

    Args:
        device: where it is computed.
        dtype: of the factors.
    """
    best, size, start = 0.0, _SMALLEST[device.type], time.perf_counter()
    while size <= _LARGEST[device.type]:
        seconds = _product_seconds(size, device, dtype)
        best = max(best, FLOPS_PER_MAC * size**3 / seconds / 1e12)
        size *= 2
        # A product of twice the size takes eight times as long.
        if time.perf_counter() - start + 8 * seconds * (1 + _REPEATS) > BUDGET_SECONDS:
            break
    return best


def _product_seconds(size: int, device: torch.device, dtype: torch.dtype) -> float:
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    product = torch.empty(size, size, device=device, dtype=dtype)
    return _best_seconds(lambda: torch.mm(a, b, out=product), device, BUDGET_SECONDS / 10)


def copy_gb_per_sec(device: torch.device) -> float:
    """The rate of a copy within the device's memory, in 1e9 bytes a second, read and written ones both."""
    source = torch.ones(COPY_BYTES // 4, device=device)
    target = torch.zeros_like(source)
    seconds = _best_seconds(lambda: target.copy_(source), device, BUDGET_SECONDS)
    return 2 * COPY_BYTES / seconds / 1e9


def _best_seconds(run: Callable[[], Any], device: torch.device, budget_seconds: float) -> float:
    """The shortest of a few runs, after one that is not timed; more of them while the budget lasts."""
    synchronize = devices.synchronizer(device)
    run()
    synchronize()
    best, spent, runs = float("inf"), 0.0, 0
    while runs < _REPEATS or (spent < budget_seconds and runs < _MOST_REPEATS):
        start = time.perf_counter()
        run()
        synchronize()
        taken = time.perf_counter() - start
        best, spent, runs = min(best, taken), spent + taken, runs + 1
    return best


def totals(request: BenchRequest, name: str, emit: Emit) -> Totals | None:
    """The model's totals at one image; ``None``, with a notice, where it cannot be counted."""
    emit(Progress("count", f"counting what {name} computes"))
    wish = InspectRequest(name, totals_only=True, extra=request.extra, **structs.asdict(request.options))
    try:
        return inspect(wish, lambda _: None).totals
    except Exception as error:
        emit(Log(f"the MACs of {name} are not known: {reason(error)}"))
        return None


def roofline(
    request: BenchRequest, device: torch.device, macs: int | None, samples_per_sec: float, emit: Emit
) -> Roofline | None:
    """The device's ceilings under the settings in force, and the model's share; ``None`` where memory runs out.

    A training step is taken for three times its forward pass.
    """
    emit(Progress("roofline", "measuring the device's ceilings"))
    dtype = request.dtype or ""
    try:
        # Training leaves gradients on.
        with torch.no_grad():
            matmul = matmul_tflops(device, amp_dtype(dtype, device) or weights_dtype(dtype))
            copy = copy_gb_per_sec(device)
    except RuntimeError as error:
        if not is_memory(error):
            raise
        emit(Log(f"the ceilings of {device} are not known: too little memory is left to measure them"))
        return None
    if macs is None:
        return Roofline(matmul, copy, None, None)
    passes = PASSES_OF_TRAINING if request.train else 1
    achieved = FLOPS_PER_MAC * passes * macs * samples_per_sec / 1e12
    return Roofline(matmul, copy, achieved, achieved / matmul)
