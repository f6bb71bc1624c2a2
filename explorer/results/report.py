"""A measurement as lines that people read: the command line and the terminal app show the same ones."""

from explorer.engine.protocol import BenchResult
from explorer.results.figures import mebibytes, milliseconds, significant, size

_VERSIONS = ("timm", "torch", "python", "explorer")
_MEMORY = {
    "cuda_max_allocated": "peak of torch's CUDA allocator",
    "peak_rss": "peak resident memory of the worker process",
    "peak_rss_since_start": "peak resident memory of the worker process since it started",
}


def bench_facts(result: BenchResult) -> list[tuple[str, str]]:
    """Names and values, the name empty where a line goes on from the one before."""
    latency, environment = result.latency_ms, result.environment
    return [
        ("model", f"{result.model}, random weights"),
        ("device", f"{result.device} ({environment.get('device_name', 'unknown')})"),
        ("input", f"batch of {result.batch_size}, {result.in_chans}×{size(result.img_size)}, {result.dtype}"),
        ("latency", f"p50 {significant(latency.p50)}, p90 {significant(latency.p90)}, p99 {milliseconds(latency.p99)}"),
        ("", f"min {significant(latency.min)}, max {milliseconds(latency.max)}"),
        ("", f"mean {significant(latency.mean)} ± {milliseconds(latency.std)}"),
        ("throughput", f"{significant(result.samples_per_sec)} samples/s"),
        ("parameters", f"{result.param_count:,} ({result.param_count / 1e6:.2f} M)"),
        ("memory", _memory(result)),
        ("measured", _measured(result)),
        ("settings", _settings(result)),
        ("versions", ", ".join(f"{name} {environment[name]}" for name in _VERSIONS if name in environment)),
    ]


def _memory(result: BenchResult) -> str:
    peak = f"{mebibytes(result.memory_bytes)} MiB {_MEMORY.get(result.memory_kind, result.memory_kind)}"
    if result.memory_before_bytes is None:
        return peak
    return f"{peak}; {mebibytes(result.memory_before_bytes)} MiB before the model was built"


def _measured(result: BenchResult) -> str:
    timed = f"{result.iterations:,} iterations in {result.measured_seconds:.2f} s"
    return f"{timed}, after {result.warmup_iterations:,} to warm up"


def _settings(result: BenchResult) -> str:
    settings = result.settings
    shown = ["eval", "inference_mode", str(settings.get("memory_format", ""))]
    if "threads" in settings:
        shown.append(f"{settings['threads']} CPU threads")
    if result.device.startswith("cuda"):
        shown += [
            f"cudnn.benchmark {'on' if settings.get('cudnn_benchmark') else 'off'}",
            f"matmul precision {settings.get('float32_matmul_precision')}",
        ]
    return ", ".join(filter(None, shown))
