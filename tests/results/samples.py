"""Runs made by hand."""

from dataclasses import replace
from typing import Any

from explorer.protocol import BenchResult, Latency

LATENCY = Latency(10.0, 11.0, 12.0, 10.5, 9.0, 13.0, 0.5, 9.9, 10.1)
RESULT = BenchResult(
    model="resnet34",
    mode="infer",
    device="cuda:0",
    batch_size=256,
    batch_size_requested=256,
    img_size=224,
    in_chans=3,
    dtype="float32",
    latency_ms=LATENCY,
    latency_cuda_ms=None,
    samples_per_sec=1000.0,
    samples_per_sec_cuda=None,
    param_count=21_797_672,
    macs=3_664_000_000,
    macs_fvcore=3_671_000_000,
    activations=3_740_000,
    iterations=20,
    measured_seconds=1.5,
    throughput_iterations=20,
    throughput_seconds=1.5,
    warmup_iterations=2,
    warmup_seconds=0.02,
    warmup_stable=True,
    memory_bytes=800 << 20,
    memory_kind="cuda_max_allocated",
    memory_before_bytes=None,
    train=None,
    compile=None,
    roofline=None,
    gpu=None,
    settings={"memory_format": "contiguous", "threads": 2},
    environment={"device_name": "A Fast Device", "timm": "1.0.31", "torch": "2.4.0", "explorer": "0.1"},
)

FAILURE = {"kind": "OutOfMemory", "message": "resnet50 runs out of memory", "hint": "lower --batch-size"}


def result(**values: Any) -> dict[str, Any]:
    """A finished run as JSON, with some of its values replaced."""
    return replace(RESULT, **values).to_json()
