"""A measurement made by hand; tests change what they look at."""

from typing import Any

from msgspec.structs import replace

from explorer.protocol.bench import BenchResult, CompileTimes, GpuReadings, Latency, Roofline, TrainTimes

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

WHOLE = replace(
    RESULT,
    img_size=(224, 112),
    latency_cuda_ms=LATENCY,
    samples_per_sec_cuda=11.0,
    train=TrainTimes(LATENCY, LATENCY, LATENCY, "SGD"),
    compile=CompileTimes(9.0, 2.0),
    roofline=Roofline(100.0, 2000.0, None, None),
    gpu=GpuReadings(300.0, 0.5, 1900.0, 1980.0, 2600.0, 60.0, ["software power cap"]),
)
"""One in which every part is there."""


def measured(**changes: Any) -> BenchResult:
    """The sample with some of its values replaced."""
    return replace(RESULT, **changes)
