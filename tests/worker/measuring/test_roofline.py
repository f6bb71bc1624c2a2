"""The device's ceilings, and what of them a model got."""

import pytest
import torch

from explorer.protocol.bench import BenchRequest
from explorer.protocol.events import Event, Log
from explorer.worker.measuring import roofline

pytestmark = pytest.mark.xdist_group("torch")
CPU = torch.device("cpu")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "BUDGET_SECONDS", 0.01)
    monkeypatch.setattr(roofline, "COPY_BYTES", 1 << 20)


def unheard(_: Event) -> None:
    """What is told meanwhile is not looked at."""


def test_a_model_is_held_against_the_product_and_training_counts_three_passes(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roofline, "matmul_tflops", lambda device, dtype: 4.0)
    found = roofline.roofline(BenchRequest("m", dtype="float32"), CPU, 10**9, 1000, unheard)
    assert found is not None
    assert (found.matmul_tflops, found.achieved_tflops, found.share) == (4.0, 2.0, 0.5)
    trained = roofline.roofline(BenchRequest("m", dtype="float32", train=True), CPU, 10**9, 1000, unheard)
    assert trained is not None
    assert trained.achieved_tflops == 6.0


def test_ceilings_are_measured_and_stand_alone_where_the_model_is_not_counted(quick: None) -> None:
    found = roofline.roofline(BenchRequest("m", dtype="float32"), CPU, None, 1000, unheard)
    assert found is not None
    assert found.matmul_tflops > 0
    assert found.copy_gb_per_sec > 0
    assert (found.achieved_tflops, found.share) == (None, None)


def test_too_little_memory_for_the_ceilings_is_told_and_other_errors_are_not_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def short(device: torch.device, dtype: torch.dtype) -> float:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(roofline, "matmul_tflops", short)
    told: list[Event] = []
    assert roofline.roofline(BenchRequest("m"), CPU, 1, 1, told.append) is None
    assert any(isinstance(event, Log) and "too little memory is left" in event.message for event in told)

    def broken(device: torch.device, dtype: torch.dtype) -> float:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(roofline, "matmul_tflops", broken)
    with pytest.raises(RuntimeError, match="no such kernel"):
        roofline.roofline(BenchRequest("m"), CPU, 1, 1, unheard)
