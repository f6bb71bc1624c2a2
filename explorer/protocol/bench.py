"""Measured passes of a model, alone or held against another's in turns: the requests and their answers."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypedDict

import msgspec

from explorer.protocol.request import (
    JSON,
    Amount,
    Arguments,
    BatchSize,
    Count,
    Figure,
    Flag,
    ImgSize,
    InChans,
    MeasuredSize,
    Message,
    ModelName,
    ModelRequest,
    NumClasses,
    Reparam,
    Request,
    Seconds,
    Sources,
    doc,
    limits,
    one_of,
)

DTYPES = ("float32", "tf32", "bfloat16", "float16", "amp")
"""What a model can be run in.

``float32`` is IEEE single precision throughout; ``tf32`` is float32 with TF32 allowed in matrix products and
convolutions; ``bfloat16`` and ``float16`` hold weights and input so; ``amp`` is autocast over float32 weights, to
float16 on CUDA and bfloat16 elsewhere.
"""

MEMORY_FORMATS = ("contiguous", "channels_last")
"""How images lie in memory: NCHW or NHWC."""

COMPILE_MODES = ("off", "default", "reduce-overhead", "max-autotune")
"""torch.compile's modes; ``off`` runs eagerly."""

DEVICES = "cpu, cuda, cuda:N or mps"
"""The devices a request can name, in words."""

MODES = ("infer", "train")
MEMORY_KINDS = ("cuda_max_allocated", "peak_rss", "peak_rss_since_start")

_DEVICE_LIMITS = limits("no device {value!r}", f"devices: {DEVICES}", pattern=r"^(cpu|mps|cuda(:\d+)?)$(?!\n)")
_Device = Annotated[str, _DEVICE_LIMITS]
_Dtype = Annotated[str, one_of("dtype", DTYPES)]
_MemoryFormat = Annotated[str, one_of("memory format", MEMORY_FORMATS)]
_CompileMode = Annotated[str, one_of("compile mode", COMPILE_MODES)]


class Latency(Message, frozen=True):
    """Times of a whole batch, in milliseconds; percentiles interpolated linearly between the closest ranks.

    They are of all passes timed one by one. The median's bounds are by order statistics: no shape is assumed.
    """

    p50: Annotated[Figure, doc("Median, in milliseconds.")]
    p90: Annotated[Figure, doc("90th percentile, in milliseconds.")]
    p99: Annotated[Figure, doc("99th percentile, in milliseconds.")]
    mean: Annotated[Figure, doc("Mean, in milliseconds.")]
    min: Annotated[Figure, doc("Shortest, in milliseconds.")]
    max: Annotated[Figure, doc("Longest, in milliseconds.")]
    std: Annotated[Figure, doc("Sample standard deviation, in milliseconds.")]
    p50_low: Annotated[Figure, doc("Lower end of the median's 95 % confidence interval, in milliseconds.")]
    p50_high: Annotated[Figure, doc("Upper end of it, in milliseconds.")]


class TrainTimes(Message, frozen=True):
    """Parts of a training step, of a whole batch."""

    forward_ms: Annotated[Latency, doc("Forward pass and loss, in milliseconds.")]
    backward_ms: Annotated[Latency, doc("Backward pass, in milliseconds.")]
    optimizer_ms: Annotated[Latency, doc("Optimizer's step, in milliseconds.")]
    optimizer: Annotated[str, doc("The optimizer, with what it was given.")]


class CompileTimes(Message, frozen=True):
    """What torch.compile cost."""

    cold_seconds: Annotated[Figure, doc("First pass with empty caches, in seconds.")]
    warm_seconds: Annotated[Figure, doc("First pass with filled caches, in seconds.")]


class Roofline(Message, frozen=True):
    """Ceilings of the device, measured in the same run; a multiply-accumulate is two floating-point operations.

    The copy is larger than any cache. A training step is taken for three forward passes.
    """

    matmul_tflops: Annotated[Figure, doc("A large matrix product in the measured dtype, in 1e12 operations a second.")]
    copy_gb_per_sec: Annotated[Figure, doc("Bytes read and written by a large copy, in 1e9 bytes a second.")]
    achieved_tflops: Annotated[
        Figure | None,
        doc("The model's MACs at the measured throughput, in 1e12 operations a second; null where MACs are not known."),
    ]
    share: Annotated[Figure | None, doc("achieved_tflops over matmul_tflops.")]


class GpuReadings(Message, frozen=True):
    """NVML's readings during the timed passes; null where the device does not tell."""

    power_watts_mean: Annotated[Figure | None, doc("Mean power, in watts.")]
    energy_joules_per_sample: Annotated[Figure | None, doc("Energy of one image, in joules.")]
    sm_clock_mhz_mean: Annotated[Figure | None, doc("Mean clock of the multiprocessors, in MHz.")]
    sm_clock_mhz_max: Annotated[Figure | None, doc("Highest clock the multiprocessors can have, in MHz.")]
    memory_clock_mhz_mean: Annotated[Figure | None, doc("Mean clock of the memory, in MHz.")]
    temperature_celsius_max: Annotated[float | None, doc("Highest temperature, in degrees Celsius.")]
    throttled: Annotated[Sequence[str], doc("Reasons for which clocks were held back, in NVML's words.")]


class BenchPartial(Message, frozen=True):
    """A running measurement."""

    iterations: int
    measured_seconds: float
    latency_p50_ms: float
    samples_per_sec: float


class BenchResult(Message, frozen=True):
    """Measured passes of one model.

    Latencies are from ``iterations`` passes, each waited for; ``samples_per_sec`` is from ``throughput_iterations``
    passes queued one behind the other and waited for at the end of each block. ``batch_size`` and
    ``batch_size_requested`` differ where memory ran out.

    ``memory_bytes`` is the peak from the building of the model to the end of the warm-up, weights included; resident
    memory has Python and torch in it. ``peak_rss_since_start`` is for systems where a run's own peak cannot be told.
    With ``mps`` it is the resident memory too; torch keeps no peak there.
    """

    model: Annotated[str, doc("The model's name as timm has it now.")]
    mode: Annotated[
        str,
        doc(
            "infer: forward passes; train: forward, backward and optimizer.",
            extra_json_schema={"enum": MODES},
        ),
    ]
    device: Annotated[str, doc("Device that was measured: cpu, cuda:N or mps.")]
    batch_size: Annotated[Count, doc("Images in the batch measured.")]
    batch_size_requested: Annotated[
        Count, doc("Images in the batch wished for; more than batch_size where memory ran out.")
    ]
    img_size: MeasuredSize
    in_chans: Annotated[Count, doc("Channels of the input.")]
    dtype: Annotated[str, doc("What the model ran in.", extra_json_schema={"enum": DTYPES})]
    latency_ms: Annotated[Latency, doc("Passes waited for one by one, by the wall clock, in milliseconds.")]
    latency_cuda_ms: Annotated[Latency | None, doc("The same by CUDA events, in milliseconds; null without CUDA.")]
    samples_per_sec: Annotated[Figure, doc("Images a second of passes queued one behind the other, by the wall clock.")]
    samples_per_sec_cuda: Annotated[Figure | None, doc("The same by CUDA events; null without CUDA.")]
    param_count: Annotated[Amount, doc("Numbers in the parameters, each parameter once.")]
    macs: Annotated[Amount | None, doc("Multiply-accumulates of one image; null where they could not be counted.")]
    macs_fvcore: Annotated[Amount | None, doc("The same in fvcore's convention, that of timm's published tables.")]
    activations: Annotated[Amount | None, doc("Output elements of convolutions and matrix products, of one image.")]
    iterations: Annotated[Amount, doc("Passes that latency_ms is from.")]
    measured_seconds: Annotated[Figure, doc("How long they took, in seconds.")]
    throughput_iterations: Annotated[Amount, doc("Passes that samples_per_sec is from.")]
    throughput_seconds: Annotated[Figure, doc("How long they took, in seconds.")]
    warmup_iterations: Annotated[Amount, doc("Passes before any was timed.")]
    warmup_seconds: Annotated[Figure, doc("How long they took, in seconds.")]
    warmup_stable: Annotated[bool, doc("Whether passes had stopped getting faster when the warm-up ended.")]
    memory_bytes: Annotated[Amount, doc("Peak of the memory that memory_kind names, in bytes.")]
    memory_kind: Annotated[
        str,
        doc(
            "cuda_max_allocated: tensors of torch's CUDA allocator; peak_rss: resident memory of the "
            "process in this run; peak_rss_since_start: the same since it started.",
            extra_json_schema={"enum": MEMORY_KINDS},
        ),
    ]
    memory_before_bytes: Annotated[
        Amount | None,
        doc("The same memory just before the model was built, in bytes; null where not known."),
    ]
    train: Annotated[TrainTimes | None, doc("Parts of a training step; null for forward passes.")]
    compile: Annotated[CompileTimes | None, doc("What torch.compile cost; null without it.")]
    roofline: Annotated[Roofline | None, doc("Ceilings of the device; null where not asked for.")]
    gpu: Annotated[GpuReadings | None, doc("NVML's readings; null without an NVIDIA GPU.")]
    settings: Annotated[
        Mapping[str, JSON],
        doc("Every setting the run had.", extra_json_schema={"$ref": "#/$defs/settings"}),
    ]
    environment: Annotated[
        Mapping[str, JSON],
        doc("Machine and versions.", extra_json_schema={"$ref": "#/$defs/environment"}),
    ]


class BenchRequest(ModelRequest[BenchResult], frozen=True, tag="bench"):
    """What was asked for; null where it was left to suit the device or the model.

    Models have random weights. Where nothing is said, the batch has 1 image on the CPU, 64 on MPS and 256 on CUDA (8,
    32 and 256 to train), the device is CUDA if there is one, the dtype ``tf32`` where the device has it, else
    ``float32``, and cuDNN tries its algorithms on CUDA. A training step has neither inference mode nor ``no_grad``.

    Raises:
        RequestError: a value makes no sense on any machine.
    """

    model: ModelName
    batch_size: BatchSize = None
    img_size: ImgSize = None
    device: Annotated[_Device | None, doc("cpu, cuda, cuda:N or mps.")] = None
    dtype: Annotated[_Dtype | None, doc("float32, tf32, bfloat16, float16 or amp.")] = None
    seconds: Annotated[Seconds, doc("Time for timed passes, in seconds.")] = 3.0
    iterations: Annotated[Count, doc("Timed passes, at least.")] = 10
    memory_format: Annotated[
        _MemoryFormat,
        doc("How images lie in memory: contiguous or channels_last."),
    ] = "contiguous"
    compile: Annotated[
        _CompileMode,
        doc("torch.compile's mode: off, default, reduce-overhead or max-autotune."),
    ] = "off"
    cuda_graphs: Annotated[Flag, doc("Whether the pass is recorded once and replayed.")] = False
    cudnn_benchmark: Annotated[Flag | None, doc("Whether cuDNN tries its algorithms.")] = None
    fused_attn: Annotated[Flag | None, doc("Whether timm uses torch's fused attention.")] = None
    threads: Annotated[Count | None, doc("CPU threads of one operator.")] = None
    inference_mode: Annotated[Flag, doc("Whether passes run under torch.inference_mode, else no_grad.")] = True
    train: Annotated[Flag, doc("Whether training steps are measured.")] = False
    backoff: Annotated[Flag, doc("Whether the batch is halved when memory runs out.")] = True
    roofline: Annotated[Flag, doc("Whether the device's ceilings are measured.")] = True
    in_chans: InChans = None
    num_classes: NumClasses = None
    reparam: Reparam = False
    args: Arguments = msgspec.field(default_factory=dict)
    extra: Sources = ()

    kind: ClassVar[str] = "bench"
    partial_type: ClassVar[type[BenchPartial]] = BenchPartial
    result_type: ClassVar[type[BenchResult]] = BenchResult


class RunSettings(TypedDict, total=False):
    """Every setting the run had.

    Beside those of its request these, which only the worker knows.
    """

    pretrained: Annotated[bool, doc("Whether it has pretrained weights; never so far.")]
    mode: Annotated[str, doc("eval or train mode.")]
    amp_dtype: Annotated[str | None, doc("What autocast computes in; null without it.")]
    float32_matmul_precision: Annotated[str, doc("torch.get_float32_matmul_precision: highest, high or medium.")]
    cudnn_allow_tf32: Annotated[bool, doc("Whether cuDNN may compute in TF32.")]
    fused_attn_experimental: Annotated[bool, doc("Whether timm uses fused attention where it counts as experimental.")]
    interop_threads: Annotated[Amount, doc("CPU threads among operators.")]
    input: Annotated[str, doc("What the input is.")]
    seed: Annotated[int, doc("Seed of weights, input and labels.")]
    optimizer: Annotated[str | None, doc("The optimizer with what it was given; null without training.")]
    loss: Annotated[str | None, doc("The loss; null without training.")]
    grad_scaler: Annotated[bool | None, doc("Whether gradients are scaled; null without training.")]
    batch_size_requested: Annotated[Amount, doc("Images in the batch wished for.")]
    warmup: Annotated[str, doc("When the warm-up ends.")]
    timing: Annotated[str, doc("How passes are timed.")]


class VersusPartial(Message, frozen=True):
    """A comparison so far: the median ratio of samples per second, A over B, of so many rounds."""

    rounds: int
    ratio: float


class VersusResult(Message, frozen=True):
    """How two measurements compare.

    ``a`` and ``b`` are whole measurements, taken one after the other; the ratio is from blocks of passes run in turns
    after that, its bounds by order statistics.
    """

    a: Annotated[BenchResult, doc("What was asked for.")]
    b: Annotated[BenchResult, doc("What it is compared with.")]
    ratio: Annotated[Figure, doc("A's images a second over B's: the median over rounds of passes in turns.")]
    ratio_low: Annotated[Figure, doc("Lower end of its 95 % confidence interval.")]
    ratio_high: Annotated[Figure, doc("Upper end of it.")]
    rounds: Annotated[Amount, doc("How many turns it is from.")]


_Measurement = Annotated[BenchRequest, limits("a side of a comparison must be a bench request, not {value!r}")]


class VersusRequest(Request[VersusResult], frozen=True, tag="versus"):
    """Measure two models or settings in one process, their passes in turns, so that both see the same machine.

    Args:
        a, b: what is compared.
        seconds: time spent in the turns, besides that of each one's own measurement.

    Raises:
        RequestError: a value makes no sense on any machine.
    """

    a: _Measurement
    b: _Measurement
    seconds: Seconds = 6.0

    kind: ClassVar[str] = "versus"
    partial_type: ClassVar[type[Any]] = VersusPartial
    result_type: ClassVar[type[VersusResult]] = VersusResult
