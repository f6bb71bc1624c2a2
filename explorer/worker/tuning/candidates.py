"""Values of a setting that may be faster on a device than the one it has."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from explorer.worker.measuring.prepared import Prepared
from explorer.worker.measuring.settings import has_tf32

_THREAD_STEPS = 4


def values(setting: str, best: Prepared) -> list[Any]:
    """What to try for a setting, given the best found so far; its own value is not among them."""
    suits = _VALUES[setting](best)
    return [value for value in suits if value != getattr(best.request, setting)]


def _memory_formats(best: Prepared) -> list[Any]:
    return ["contiguous", "channels_last"]


def _dtypes(best: Prepared) -> list[Any]:
    """Weights in half precision are for forward passes: training in them loses small updates."""
    halves = [] if best.request.train else ["bfloat16", "float16"]
    if best.device.type == "cpu":
        return [*halves[:1], "amp"]
    tf32 = ["tf32"] if best.request.dtype == "float32" and has_tf32(best.device) else []
    return [*tf32, *halves, "amp"]


def _fused_attn(best: Prepared) -> list[Any]:
    return [True, False] if any(hasattr(module, "fused_attn") for module in best.model.modules()) else []


def _cudnn_benchmark(best: Prepared) -> list[Any]:
    return [True, False] if best.device.type == "cuda" else []


def _threads(best: Prepared) -> list[Any]:
    """All cores, and half of them again and again."""
    if best.device.type != "cpu":
        return []
    count, found = _cores(), list[Any]()
    while count >= 1 and len(found) < _THREAD_STEPS:
        found.append(count)
        count //= 2
    return found


def _cores() -> int:
    """Physical cores that this process may run on; logical ones where that is not known."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(ImportError):
        import psutil

        usable = min(usable, psutil.cpu_count(logical=False) or usable)
    return usable


def _inference_modes(best: Prepared) -> list[Any]:
    return [] if best.request.train else [True, False]


def _compile_modes(best: Prepared) -> list[Any]:
    if best.device.type == "cuda":
        recording = [] if best.request.cuda_graphs else ["reduce-overhead", "max-autotune"]
        return ["default", *recording]
    return ["default"] if best.device.type == "cpu" else []


def _cuda_graphs(best: Prepared) -> list[Any]:
    can = best.device.type == "cuda" and not best.request.train and best.request.compile in ("off", "default")
    return [True] if can else []


_VALUES: dict[str, Callable[[Prepared], list[Any]]] = {
    "memory_format": _memory_formats,
    "dtype": _dtypes,
    "fused_attn": _fused_attn,
    "cudnn_benchmark": _cudnn_benchmark,
    "threads": _threads,
    "inference_mode": _inference_modes,
    "compile": _compile_modes,
    "cuda_graphs": _cuda_graphs,
}
