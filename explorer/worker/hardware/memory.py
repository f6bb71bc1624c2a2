"""Memory of this process: freeing it, its peak, and a limit, so that too little is an error and not the end."""

import ctypes
import functools
import gc
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch

if sys.platform != "win32":
    import resource

try:
    import psutil
except ImportError:
    # A machine that only measures has torch and timm and little else: there memory is neither bounded nor told.
    psutil = None

TAKEN = 0.9
"""Of the memory that is free: the rest is for whatever else runs."""

MUCH = 0.25
"""The share of the memory within the bound from which on an operator that does not say why it fails fails for that."""

_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class _Bound:
    """The limits before any bound, what was taken when this one began, and up to where it lets memory grow."""

    before: tuple[int, int]
    held_bytes: int
    resident_bytes: int
    limit_bytes: int


_bounds: list[_Bound] = []
# The limit is the kernel's and there is one for the whole process, so who wants it bounded is known here, for the whole
# process too: bounds come and go in any order (a tuning keeps the best model while others come), and only the last to
# go may put the limit back.


@contextmanager
def bounded(device: torch.device) -> Iterator[None]:
    """Let this process take no more memory than the machine has left, where the model runs on a Linux CPU.

    Linux promises more memory than there is and kills who takes it. Under the limit the allocation itself fails, which
    can be told and answered with a smaller batch.
    """
    limit = _limit_bytes() if device.type == "cpu" else None
    if limit is None:
        yield
        return
    before = _bounds[-1].before if _bounds else resource.getrlimit(resource.RLIMIT_DATA)
    soft, hard = before
    bound = _Bound(
        before, held_bytes(), resident_bytes(), limit if soft == resource.RLIM_INFINITY else min(limit, soft)
    )
    _bounds.append(bound)
    resource.setrlimit(resource.RLIMIT_DATA, (bound.limit_bytes, hard))
    try:
        yield
    finally:
        _bounds.remove(bound)
        if not _bounds:
            resource.setrlimit(resource.RLIMIT_DATA, before)


def is_short() -> bool:
    """Whether much of the memory within the bound is taken; never without a bound."""
    if not _bounds:
        return False
    bound = _bounds[-1]
    # What earlier models left in the heap is held already and used again: taking that shows in resident memory alone.
    taken = max(held_bytes() - bound.held_bytes, resident_bytes() - bound.resident_bytes)
    return taken > (bound.limit_bytes - bound.held_bytes) * MUCH


def held_bytes() -> int:
    """The memory this process has taken on Linux, touched or not: what ``RLIMIT_DATA`` limits."""
    return int(psutil.Process().memory_info().data)


def resident_bytes() -> int:
    """What of it lies in memory now."""
    return int(psutil.Process().memory_info().rss)


def _limit_bytes() -> int | None:
    """What this process holds now and most of what the machine has left; ``None`` where Linux or psutil is missing."""
    if sys.platform != "linux" or psutil is None:
        return None
    free = [psutil.virtual_memory().available, *_cgroup_free_bytes()]
    return held_bytes() + int(min(free) * TAKEN)


def _cgroup_free_bytes() -> list[int]:
    """What each control group (version 2) around this process has left; file caches count as free.

    psutil tells of the machine alone, and in a container that is not what the kernel kills for.
    """
    match = _found(r"^0::/(.*)$", Path("/proc/self/cgroup"))
    if match is None:
        return []
    own = _CGROUPS / match
    groups = [own, *own.parents]
    free: list[int] = []
    for group in groups[: groups.index(_CGROUPS) + 1]:
        with suppress(OSError, ValueError):
            left = int((group / "memory.max").read_text()) - int((group / "memory.current").read_text())
            cached = _found(r"^inactive_file (\d+)$", group / "memory.stat")
            free.append(max(0, left + int(cached or 0)))
    return free


def _found(pattern: str, file: Path) -> str | None:
    """What the pattern's group matches in one of the kernel's files, if that is there."""
    try:
        match = re.search(pattern, file.read_text(), re.MULTILINE)
    except OSError:
        return None
    return match[1] if match else None


@functools.cache
def freeze_imported() -> None:
    """Take what importing left, a million objects with torch and timm, out of what the collector walks; once.

    A full collection would come in the middle of a pass and take longer than counting it does.
    """
    gc.freeze()


def release(device: torch.device) -> None:
    """Give back what nothing refers to any more: models, what torch's allocators keep, the C library's heap."""
    # Modules, hooks and failures' tracebacks refer to each other in circles, which only the collector takes apart, and
    # it would come too late: the next model wants the memory now.
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    else:
        # glibc alone has it.
        with suppress(AttributeError, OSError, TypeError):
            ctypes.CDLL(None).malloc_trim(0)


def has_room(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> bool:
    """Whether a tensor can be allocated now; it is not filled."""
    try:
        torch.empty(shape, dtype=dtype, device=device)
    except (RuntimeError, MemoryError, TypeError, ValueError, OverflowError):
        return False
    return True


class PeakMemory:
    """The highest memory use from here on, in bytes.

    On CUDA it is what torch's allocator held in tensors. Elsewhere it is the resident memory of this process;
    ``kind`` is in the terms of :class:`~explorer.protocol.bench.BenchResult`.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        release(device)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            self.kind = "cuda_max_allocated"
            self.before_bytes = torch.cuda.memory_allocated(device)
        else:
            self.kind = "peak_rss" if _reset_peak_rss() else "peak_rss_since_start"
            self.before_bytes = None if psutil is None else resident_bytes()

    def peak_bytes(self) -> int:
        """The peak so far."""
        if self._device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self._device))
        if sys.platform == "win32":
            return int(psutil.Process().memory_info().peak_wset)
        # psutil has no peak on Linux, and getrusage's is never below that of the process this one was started by.
        high_water_kb = _found(r"^VmHWM:\s*(\d+) kB$", Path("/proc/self/status"))
        if high_water_kb is not None:
            return int(high_water_kb) * 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _reset_peak_rss() -> bool:
    """Start the kernel's high-water mark of this process anew; only Linux can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True
