"""A limit on this process's memory, so that too little of it is an error and not the end of the process."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

TAKEN = 0.9
"""Of the memory that is free: the rest is for whatever else runs."""

MUCH = 0.25
"""The share of the memory within the bound from which on an operator that does not say why it fails fails for that."""

_CGROUPS = Path("/sys/fs/cgroup")


@dataclass
class _Bound:
    """The bound of this process while somebody wants one: they may come and go in any order."""

    wanted_by: int = 0
    before: "tuple[int, int]" = (0, 0)
    held_bytes: int = 0
    limit_bytes: int = 0


_bound = _Bound()


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
    _tighten(limit)
    try:
        yield
    finally:
        _loosen()


def _tighten(limit_bytes: int) -> None:
    import resource

    if _bound.wanted_by == 0:
        _bound.before = resource.getrlimit(resource.RLIMIT_DATA)
    soft, hard = _bound.before
    _bound.wanted_by += 1
    _bound.held_bytes = held_bytes() or 0
    _bound.limit_bytes = limit_bytes if soft == resource.RLIM_INFINITY else min(limit_bytes, soft)
    resource.setrlimit(resource.RLIMIT_DATA, (_bound.limit_bytes, hard))


def _loosen() -> None:
    import resource

    _bound.wanted_by -= 1
    if _bound.wanted_by == 0:
        resource.setrlimit(resource.RLIMIT_DATA, _bound.before)


def is_short() -> bool:
    """Whether much of the memory within the bound is taken; never without a bound."""
    if _bound.wanted_by == 0:
        return False
    room = _bound.limit_bytes - _bound.held_bytes
    return (held_bytes() or 0) - _bound.held_bytes > room * MUCH


def held_bytes() -> int | None:
    """The memory this process has taken, touched or not; ``None`` where that cannot be told."""
    return _kilobytes("/proc/self/status", "VmData")


def _limit_bytes() -> int | None:
    """What this process holds now and most of what the machine has left; ``None`` where that cannot be told."""
    held, free = held_bytes(), _kilobytes("/proc/meminfo", "MemAvailable")
    if held is None or free is None:
        return None
    return held + int(min([free, *_cgroup_free_bytes()]) * TAKEN)


def _kilobytes(file: str, field: str) -> int | None:
    """A field of a table in /proc, in bytes."""
    try:
        match = re.search(rf"^{field}:\s*(\d+) kB$", Path(file).read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(match[1]) * 1024 if match else None


def _cgroup_free_bytes() -> list[int]:
    """What each control group (version 2) around this process has left; file caches count as free."""
    try:
        match = re.search(r"^0::/(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
    except OSError:
        return []
    if match is None:
        return []
    own = _CGROUPS / match[1]
    groups = [own, *own.parents]
    found = [_free_bytes(group) for group in groups[: groups.index(_CGROUPS) + 1]]
    return [free for free in found if free is not None]


def _free_bytes(group: Path) -> int | None:
    try:
        most = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        cached = re.search(r"^inactive_file (\d+)$", (group / "memory.stat").read_text(), re.MULTILINE)
    except (OSError, ValueError):
        return None
    return max(0, most - used + (int(cached[1]) if cached else 0))
