"""Devices: choosing one, waiting for it, asking how much memory it took."""

import ctypes
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from explorer.errors import RequestError
from explorer.protocol import Emit, Log


def choose(name: str | None, emit: Emit) -> torch.device:
    """The device of this name; without one CUDA where there is some, else the CPU with a notice.

    Raises:
        RequestError: this machine has no such device.
    """
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        emit(Log("no CUDA device here, using the CPU"))
        return torch.device("cpu")
    device = torch.device(name)
    if device.type == "cuda":
        return _cuda(device.index)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise RequestError("no mps device here", f"torch {torch.__version__} finds none; use cpu")
    return device


def _cuda(index: int | None) -> torch.device:
    if not torch.cuda.is_available():
        raise RequestError("no CUDA device here", f"torch {torch.__version__} finds none; use cpu")
    count = torch.cuda.device_count()
    if index is not None and index >= count:
        last = "only cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
        raise RequestError(f"no device 'cuda:{index}'", f"this machine has {last}")
    return torch.device("cuda", torch.cuda.current_device() if index is None else index)


def synchronizer(device: torch.device) -> Callable[[], None]:
    """A function that returns when all work given to the device is done."""
    if device.type == "cuda":
        return lambda: torch.cuda.synchronize(device)
    if device.type == "mps":
        return lambda: torch.mps.synchronize()
    return lambda: None


def gpu_properties(device: torch.device) -> Any:
    """What torch knows of a GPU; ``None`` for other devices."""
    return torch.cuda.get_device_properties(device) if device.type == "cuda" else None


def has_room(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> bool:
    """Whether a tensor can be allocated now; it is not filled."""
    try:
        torch.empty(shape, dtype=dtype, device=device)
    except (RuntimeError, MemoryError, TypeError, ValueError, OverflowError):
        return False
    return True


def release_memory(device: torch.device) -> None:
    """Give back what torch's allocators and the C library keep for later; call it once nothing refers to tensors."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    else:
        _return_free_memory()


class PeakMemory:
    """The highest memory use from here on, in bytes.

    On CUDA it is what torch's allocator held in tensors. Elsewhere it is the resident memory of this process;
    ``kind`` is in the terms of :class:`~explorer.protocol.BenchResult`.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.before_bytes: int | None
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
            self.kind = "cuda_max_allocated"
            self.before_bytes = torch.cuda.memory_allocated(device)
        else:
            _return_free_memory()
            self.kind = "peak_rss" if _reset_peak_rss() else "peak_rss_since_start"
            self.before_bytes = _status_bytes("VmRSS")

    def peak_bytes(self) -> int:
        """The peak so far."""
        if self._device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self._device))
        return _status_bytes("VmHWM") or _max_rss_bytes()


def _return_free_memory() -> None:
    """Give the system back what earlier models left free in the heap, where the C library is glibc."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _reset_peak_rss() -> bool:
    """Start the kernel's high-water mark of this process anew; only Linux can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _status_bytes(field: str) -> int | None:
    try:
        match = re.search(rf"^{field}:\s*(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(match[1]) * 1024 if match else None


def _max_rss_bytes() -> int:
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
