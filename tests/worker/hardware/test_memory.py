"""Memory: the limit on it, what control groups leave, and the peak."""

import sys
from pathlib import Path

import pytest
import torch

from explorer.worker.hardware import memory

pytestmark = pytest.mark.xdist_group("torch")

CPU = torch.device("cpu")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells what memory is left")
def test_the_bound_on_memory_goes_with_the_last_who_wanted_it():
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    first, second = memory.bounded(CPU), memory.bounded(CPU)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] != before[0]
    second.__exit__(None, None, None)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what memory is left")
def test_memory_is_short_once_much_of_the_bound_is_taken(monkeypatch):
    memory.release(CPU)  # what earlier tests left free in the heap would be taken again, which is no taking
    assert not memory.is_short()
    monkeypatch.setattr(memory, "_limit_bytes", lambda: memory.held_bytes() + (100 << 20))
    with memory.bounded(CPU):
        assert not memory.is_short()
        taken = torch.ones(40 << 18)
        assert memory.is_short()
        del taken
    assert not memory.is_short()


def test_the_least_that_any_control_group_leaves_counts_and_caches_are_free(tmp_path, monkeypatch):
    def group(path, most, used, cached):
        path.mkdir(parents=True, exist_ok=True)
        (path / "memory.max").write_text(most)
        (path / "memory.current").write_text(str(used))
        (path / "memory.stat").write_text(f"anon 1\ninactive_file {cached}\n")

    group(tmp_path / "outer", "1000", 900, 50)
    group(tmp_path / "outer" / "inner", "max", 10, 0)
    found = memory._found
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    monkeypatch.setattr(
        memory,
        "_found",
        lambda pattern, file: "outer/inner" if file == Path("/proc/self/cgroup") else found(pattern, file),
    )
    assert memory._cgroup_free_bytes() == [150]


def test_the_peak_is_that_of_a_run_and_not_below_what_is_held():
    peak = memory.PeakMemory(CPU)
    assert peak.kind in ("peak_rss", "peak_rss_since_start")
    held = torch.ones(64 << 18)
    del held
    assert peak.peak_bytes() - peak.before_bytes > 50 << 20


def test_room_for_what_cannot_be_is_not_there():
    assert memory.has_room((2, 3), torch.float32, CPU)
    assert not memory.has_room((1 << 40, 1 << 20), torch.float32, CPU)
