"""A measurement as lines that people read: the command line and the terminal app show the same ones."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from explorer.protocol.bench import BenchResult, CompileTimes, GpuReadings, Latency, Roofline, TrainTimes, VersusResult
from explorer.report.wording import mebibytes, milliseconds, significant, size

Facts = list[tuple[str, str]]
"""Names and values, the name empty where a line goes on from the one before."""

_VERSIONS = ("timm", "torch", "python", "explorer")
_MEMORY = {
    "cuda_max_allocated": "peak of torch's CUDA allocator",
    "peak_rss": "peak resident memory of the worker process",
    "peak_rss_since_start": "peak resident memory of the worker process since it started",
}
_SETTINGS = {
    "mode": "",
    "memory_format": "",
    "inference_mode": "inference mode",
    "compile": "compile",
    "cuda_graphs": "CUDA graphs",
    "fused_attn": "fused attention",
    "threads": "CPU threads",
    "amp_dtype": "autocast to",
    "cudnn_benchmark": "cudnn.benchmark",
    "cudnn_allow_tf32": "cuDNN TF32",
    "float32_matmul_precision": "matmul precision",
    "reparam": "branches fused",
}
"""The settings that are told, and in what words; the input line has the others."""

_CUDA_ALONE = ("cuda_graphs", "cudnn_benchmark", "cudnn_allow_tf32", "float32_matmul_precision")


def bench_facts(result: BenchResult) -> Facts:
    """All that was measured, and all that it depends on."""
    environment = result.environment
    return [
        ("model", f"{result.model}, random weights"),
        ("device", f"{result.device} ({environment.get('device_name', 'unknown')})"),
        ("input", _input(result)),
        *_latency(result),
        *_throughput(result),
        *(_training(result.train) if result.train else ()),
        *(_compile(result.compile) if result.compile else ()),
        ("parameters", f"{result.param_count:,} ({result.param_count / 1e6:.2f} M)"),
        *_work(result),
        *(_roofline(result.roofline, result.mode) if result.roofline else ()),
        *(_gpu(result.gpu) if result.gpu else ()),
        ("memory", _memory(result)),
        *_measured(result),
        ("settings", settings_line(result.settings, result.device)),
        ("versions", ", ".join(f"{name} {environment[name]}" for name in _VERSIONS if name in environment)),
    ]


def _input(result: BenchResult) -> str:
    batch = f"batch of {result.batch_size}"
    if result.batch_size != result.batch_size_requested:
        batch += f" ({result.batch_size_requested} asked for: out of memory)"
    return f"{batch}, {result.in_chans}×{size(result.img_size)}, {result.dtype}"


def _latency(result: BenchResult) -> Iterator[tuple[str, str]]:
    latency = result.latency_ms
    what = "" if result.mode == "infer" else " a step"
    yield "latency", f"{_median(latency)}{what}"
    yield "", f"p90 {significant(latency.p90)}, p99 {milliseconds(latency.p99)}"
    yield "", f"min {significant(latency.min)}, max {milliseconds(latency.max)}"
    yield "", f"mean {significant(latency.mean)} ± {milliseconds(latency.std)}"
    if result.latency_cuda_ms is not None:
        yield "", f"by CUDA events: {_median(result.latency_cuda_ms)}"


def _median(latency: Latency) -> str:
    return f"p50 {milliseconds(latency.p50)} (95 %: {significant(latency.p50_low)} to {significant(latency.p50_high)})"


def _throughput(result: BenchResult) -> Iterator[tuple[str, str]]:
    yield "throughput", rate(result.samples_per_sec)
    if result.samples_per_sec_cuda is not None:
        yield "", f"by CUDA events: {rate(result.samples_per_sec_cuda)}"


def rate(samples_per_sec: float) -> str:
    """How many images a second."""
    return f"{significant(samples_per_sec)} samples/s"


def _training(parts: TrainTimes) -> Iterator[tuple[str, str]]:
    yield "step", f"forward {milliseconds(parts.forward_ms.p50)}, backward {milliseconds(parts.backward_ms.p50)},"
    yield "", f"optimizer {milliseconds(parts.optimizer_ms.p50)} ({parts.optimizer}); medians, each waited for"


def _compile(took: CompileTimes) -> Iterator[tuple[str, str]]:
    cold, warm = significant(took.cold_seconds), significant(took.warm_seconds)
    yield "compile", f"first pass {cold} s with empty caches, {warm} s with filled ones"


def _work(result: BenchResult) -> Iterator[tuple[str, str]]:
    if result.macs is None:
        return
    counts = [f"{significant(result.macs / 1e9)} GMACs"]
    if result.macs_fvcore is not None:
        counts[0] += f" ({significant(result.macs_fvcore / 1e9)} as fvcore counts)"
    if result.activations is not None:
        counts.append(f"{significant(result.activations / 1e6)} M activations")
    yield "an image", ", ".join(counts)


def _roofline(roofline: Roofline, mode: str) -> Iterator[tuple[str, str]]:
    ceiling = f"{_flops(roofline.matmul_tflops)} that matrix products reach here"
    if roofline.achieved_tflops is None or roofline.share is None:
        yield "roofline", f"not known, of the {ceiling}"
    else:
        counted = "; a training step counts as three passes" if mode == "train" else ""
        yield "roofline", f"{_flops(roofline.achieved_tflops)}, {roofline.share:.1%} of the {ceiling}{counted}"
    yield "", f"copies reach {significant(roofline.copy_gb_per_sec)} GB/s here"


def _flops(tflops: float) -> str:
    return f"{significant(tflops)} TFLOP/s" if tflops >= 1 else f"{significant(tflops * 1000)} GFLOP/s"


def _gpu(gpu: GpuReadings) -> Iterator[tuple[str, str]]:
    throttled = f"throttled: {', '.join(gpu.throttled)}" if gpu.throttled else "not throttled"
    lines = filter(None, (_power(gpu), _clocks(gpu), throttled))
    return zip(("GPU", "", ""), lines, strict=False)


def _power(gpu: GpuReadings) -> str:
    figures = (
        ("{} W", gpu.power_watts_mean),
        ("{} J a sample", gpu.energy_joules_per_sample),
        ("at most {} °C", gpu.temperature_celsius_max),
    )
    return ", ".join(text.format(significant(value)) for text, value in figures if value is not None)


def _clocks(gpu: GpuReadings) -> str:
    parts = []
    if gpu.sm_clock_mhz_mean is not None:
        highest = f" of {gpu.sm_clock_mhz_max:,.0f}" if gpu.sm_clock_mhz_max is not None else ""
        parts.append(f"SM clock {gpu.sm_clock_mhz_mean:,.0f}{highest} MHz")
    if gpu.memory_clock_mhz_mean is not None:
        parts.append(f"memory clock {gpu.memory_clock_mhz_mean:,.0f} MHz")
    return ", ".join(parts)


def _memory(result: BenchResult) -> str:
    peak = f"{mebibytes(result.memory_bytes)} MiB {_MEMORY.get(result.memory_kind, result.memory_kind)}"
    if result.memory_before_bytes is None:
        return peak
    return f"{peak}; {mebibytes(result.memory_before_bytes)} MiB before the model was built"


def _measured(result: BenchResult) -> Iterator[tuple[str, str]]:
    passes = "passes" if result.mode == "infer" else "steps"
    timed = f"{result.iterations:,} {passes} in {result.measured_seconds:.2f} s one by one"
    yield "measured", f"{timed}, {result.throughput_iterations:,} in {result.throughput_seconds:.2f} s queued"
    stable = "until stable" if result.warmup_stable else "and not stable yet: more --seconds help"
    yield "", f"after {result.warmup_iterations:,} to warm up, {result.warmup_seconds:.2f} s, {stable}"


def settings_line(settings: Mapping[str, Any], device: str) -> str:
    """The settings of a measurement in words, defaults included.

    Args:
        settings: as the result has them.
        device: what it ran on; settings of other devices are left out.
    """
    shown = []
    for name, words in _SETTINGS.items():
        value = settings.get(name)
        is_foreign = name in _CUDA_ALONE and not device.startswith("cuda")
        if value is not None and not is_foreign and (name, value) != ("reparam", False):
            shown.append(_setting(words, value))
    shown += [f"{name}={value!r}" for name, value in (settings.get("args") or {}).items()]
    if settings.get("num_classes") is not None:
        shown.append(f"{settings['num_classes']} classes")
    return ", ".join(shown)


def _setting(words: str, value: Any) -> str:
    if words == "CPU threads":
        return f"{value} {words if value != 1 else 'CPU thread'}"
    return f"{words} {setting_value(value)}".lstrip()


def setting_value(value: Any) -> str:
    """The value of a setting as it is written for people."""
    return (
        {True: "on", False: "off", None: "not set"}[value] if value is None or isinstance(value, bool) else str(value)
    )


TABLE_HEADERS = ("model", "batch", "samples/s", "p50 ms", "params M", "GMACs", "memory MiB", "share")
"""Of a table of measurements: one row each, as :func:`table_row` makes it."""


def table_row(result: BenchResult) -> list[str]:
    """A measurement as a row; what is not known is a dash."""
    share = None if result.roofline is None else result.roofline.share
    return [
        result.model,
        str(result.batch_size),
        significant(result.samples_per_sec),
        significant(result.latency_ms.p50),
        f"{result.param_count / 1e6:.2f}",
        "–" if result.macs is None else significant(result.macs / 1e9),
        mebibytes(result.memory_bytes),
        "–" if share is None else f"{share:.1%}",
    ]


def brief(result: BenchResult) -> str:
    """A measurement on one line."""
    return (
        f"{result.model}, batch of {result.batch_size}, {size(result.img_size)}, {result.dtype}: "
        f"{rate(result.samples_per_sec)}, p50 {milliseconds(result.latency_ms.p50)}"
    )


def common_settings(results: Sequence[BenchResult]) -> Facts:
    """What measurements have in common: the device, and how they ran."""
    kinds = (
        ("device", [f"{r.device} ({r.environment.get('device_name', 'unknown')})" for r in results]),
        ("dtype", [r.dtype for r in results]),
        ("settings", [settings_line(r.settings, r.device) for r in results]),
    )
    return [(name, values[0] if len(set(values)) == 1 else "differ") for name, values in kinds]


# two measurements held against each other


VERSUS_HEADERS = ("", "A", "B")
"""Of the table that :func:`versus_rows` makes."""

_SHOWN = frozenset({"dtype", "batch_size", "batch_size_requested", "img_size", "in_chans"})
"""Settings that have rows of their own."""


def versus_rows(result: VersusResult) -> list[list[str]]:
    """What was measured of both, a row each, and below it the settings in which they differ."""
    a, b = result.a, result.b
    return [
        ["model", a.model, b.model],
        ["input", _batch_and_image(a), _batch_and_image(b)],
        ["dtype", a.dtype, b.dtype],
        ["throughput", rate(a.samples_per_sec), rate(b.samples_per_sec)],
        ["latency p50", milliseconds(a.latency_ms.p50), milliseconds(b.latency_ms.p50)],
        ["parameters", f"{a.param_count:,}", f"{b.param_count:,}"],
        ["memory", f"{mebibytes(a.memory_bytes)} MiB", f"{mebibytes(b.memory_bytes)} MiB"],
        *setting_differences(a.settings, b.settings),
    ]


def _batch_and_image(result: BenchResult) -> str:
    return f"batch of {result.batch_size}, {result.in_chans}×{size(result.img_size)}"


def setting_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[list[str]]:
    """The settings in which two measurements differ: name and both values; those with rows of their own left out."""
    names = [name for name in dict.fromkeys((*a, *b)) if a.get(name) != b.get(name) and name not in _SHOWN]
    return [[name.replace("_", " "), setting_value(a.get(name)), setting_value(b.get(name))] for name in names]


def versus_facts(result: VersusResult) -> Facts:
    """Their ratio in a sentence, and what they have in common."""
    a, b = result.a, result.b
    kept = {name: value for name, value in a.settings.items() if b.settings.get(name) == value}
    return [
        ("ratio", ratio_sentence("A", "B", result.ratio, result.ratio_low, result.ratio_high)),
        ("", f"samples a second, over {result.rounds} rounds in which the two took turns"),
        ("device", f"{a.device} ({a.environment.get('device_name', 'unknown')})"),
        ("alike", settings_line(kept, a.device)),
    ]


def ratio_sentence(a: str, b: str, ratio: float, low: float, high: float) -> str:
    """How many times as fast one is as the other, the faster one first.

    Args:
        a, b: what the two are called.
        ratio: samples per second of ``a`` over those of ``b``.
        low, high: the ends of its 95 % confidence interval.
    """
    if low <= 1 <= high:
        return f"no difference shown: {a} over {b} is {ratio:.3f} (95 %: {low:.3f} to {high:.3f})"
    if high < 1:
        a, b, ratio, low, high = b, a, 1 / ratio, 1 / high, 1 / low
    digits = 2 if low >= 1.1 else 3
    return f"{a} is {ratio:.{digits}f}× as fast as {b} (95 %: {low:.{digits}f} to {high:.{digits}f})"
