"""Measured passes of a model, alone or held against another's in turns: the requests and their answers."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, TypedDict

import msgspec
from msgspec import Meta

from explorer.protocol.request import (
    Amount,
    Arguments,
    BatchSize,
    Count,
    Figure,
    Flag,
    ImgSize,
    InChans,
    Machine,
    MeasuredSize,
    Message,
    ModelName,
    ModelRequest,
    NumClasses,
    Reparam,
    Request,
    Seconds,
    Settings,
    Sources,
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

_DEVICE_LIMITS = limits("no device {value!r}", f"devices: {DEVICES}", pattern=r"^(cpu|mps|cuda(:\d+)?)$(?!\n)")
_Device = Annotated[str, _DEVICE_LIMITS]
_Dtype = Annotated[str, one_of("dtype", DTYPES)]
_MemoryFormat = Annotated[str, one_of("memory format", MEMORY_FORMATS)]
_CompileMode = Annotated[str, one_of("compile mode", COMPILE_MODES)]
_Mode = Annotated[str, Meta(extra_json_schema={"enum": ["infer", "train"]})]
_MeasuredDtype = Annotated[str, Meta(extra_json_schema={"enum": list(DTYPES)})]
_MEMORY_KINDS = ["cuda_max_allocated", "peak_rss", "peak_rss_since_start"]
_MemoryKind = Annotated[str, Meta(extra_json_schema={"enum": _MEMORY_KINDS})]


class Latency(Message, frozen=True):
    """Times of a whole batch, in milliseconds; percentiles interpolated linearly between the closest ranks.

    They are of all passes timed one by one. The median's bounds are by order statistics: no shape is assumed.
    """

    p50: Figure
    """Median, in milliseconds."""
    p90: Figure
    """90th percentile, in milliseconds."""
    p99: Figure
    """99th percentile, in milliseconds."""
    mean: Figure
    """Mean, in milliseconds."""
    min: Figure
    """Shortest, in milliseconds."""
    max: Figure
    """Longest, in milliseconds."""
    std: Figure
    """Sample standard deviation, in milliseconds."""
    p50_low: Figure
    """Lower end of the median's 95 % confidence interval, in milliseconds."""
    p50_high: Figure
    """Upper end of it, in milliseconds."""


class TrainTimes(Message, frozen=True):
    """Parts of a training step, of a whole batch."""

    forward_ms: Latency
    """Forward pass and loss, in milliseconds."""
    backward_ms: Latency
    """Backward pass, in milliseconds."""
    optimizer_ms: Latency
    """Optimizer's step, in milliseconds."""
    optimizer: str
    """The optimizer, with what it was given."""


class CompileTimes(Message, frozen=True):
    """What torch.compile cost."""

    cold_seconds: Figure
    """First pass with empty caches, in seconds."""
    warm_seconds: Figure
    """First pass with filled caches, in seconds."""


class Roofline(Message, frozen=True):
    """Ceilings of the device, measured in the same run; a multiply-accumulate is two floating-point operations.

    The copy is larger than any cache. A training step is taken for three forward passes.
    """

    matmul_tflops: Figure
    """A large matrix product in the measured dtype, in 1e12 operations a second."""
    copy_gb_per_sec: Figure
    """Bytes read and written by a large copy, in 1e9 bytes a second."""
    achieved_tflops: Figure | None
    """The model's MACs at the measured throughput, in 1e12 operations a second; null where MACs are not known."""
    share: Figure | None
    """achieved_tflops over matmul_tflops."""


class GpuReadings(Message, frozen=True):
    """NVML's readings during the timed passes; null where the device does not tell."""

    power_watts_mean: Figure | None
    """Mean power, in watts."""
    energy_joules_per_sample: Figure | None
    """Energy of one image, in joules."""
    sm_clock_mhz_mean: Figure | None
    """Mean clock of the multiprocessors, in MHz."""
    sm_clock_mhz_max: Figure | None
    """Highest clock the multiprocessors can have, in MHz."""
    memory_clock_mhz_mean: Figure | None
    """Mean clock of the memory, in MHz."""
    temperature_celsius_max: float | None
    """Highest temperature, in degrees Celsius."""
    throttled: Sequence[str]
    """Reasons for which clocks were held back, in NVML's words."""


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

    model: str
    """The model's name as timm has it now."""
    mode: _Mode
    """infer: forward passes; train: forward, backward and optimizer."""
    device: str
    """Device that was measured: cpu, cuda:N or mps."""
    batch_size: Count
    """Images in the batch measured."""
    batch_size_requested: Count
    """Images in the batch wished for; more than batch_size where memory ran out."""
    img_size: MeasuredSize
    in_chans: Count
    """Channels of the input."""
    dtype: _MeasuredDtype
    """What the model ran in."""
    latency_ms: Latency
    """Passes waited for one by one, by the wall clock, in milliseconds."""
    latency_cuda_ms: Latency | None
    """The same by CUDA events, in milliseconds; null without CUDA."""
    samples_per_sec: Figure
    """Images a second of passes queued one behind the other, by the wall clock."""
    samples_per_sec_cuda: Figure | None
    """The same by CUDA events; null without CUDA."""
    param_count: Amount
    """Numbers in the parameters, each parameter once."""
    macs: Amount | None
    """Multiply-accumulates of one image; null where they could not be counted."""
    macs_fvcore: Amount | None
    """The same in fvcore's convention, that of timm's published tables."""
    activations: Amount | None
    """Output elements of convolutions and matrix products, of one image."""
    iterations: Amount
    """Passes that latency_ms is from."""
    measured_seconds: Figure
    """How long they took, in seconds."""
    throughput_iterations: Amount
    """Passes that samples_per_sec is from."""
    throughput_seconds: Figure
    """How long they took, in seconds."""
    warmup_iterations: Amount
    """Passes before any was timed."""
    warmup_seconds: Figure
    """How long they took, in seconds."""
    warmup_stable: bool
    """Whether passes had stopped getting faster when the warm-up ended."""
    memory_bytes: Amount
    """Peak of the memory that memory_kind names, in bytes."""
    memory_kind: _MemoryKind
    """cuda_max_allocated: tensors of torch's CUDA allocator; peak_rss: resident memory of the process in this run;
    peak_rss_since_start: the same since it started.
    """
    memory_before_bytes: Amount | None
    """The same memory just before the model was built, in bytes; null where not known."""
    train: TrainTimes | None
    """Parts of a training step; null for forward passes."""
    compile: CompileTimes | None
    """What torch.compile cost; null without it."""
    roofline: Roofline | None
    """Ceilings of the device; null where not asked for."""
    gpu: GpuReadings | None
    """NVML's readings; null without an NVIDIA GPU."""
    settings: Settings
    """Every setting the run had."""
    environment: Machine
    """Machine and versions."""


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
    device: _Device | None = None
    """cpu, cuda, cuda:N or mps."""
    dtype: _Dtype | None = None
    """float32, tf32, bfloat16, float16 or amp."""
    seconds: Seconds = 3.0
    """Time for timed passes, in seconds."""
    iterations: Count = 10
    """Timed passes, at least."""
    memory_format: _MemoryFormat = "contiguous"
    """How images lie in memory: contiguous or channels_last."""
    compile: _CompileMode = "off"
    """torch.compile's mode: off, default, reduce-overhead or max-autotune."""
    cuda_graphs: Flag = False
    """Whether the pass is recorded once and replayed."""
    cudnn_benchmark: Flag | None = None
    """Whether cuDNN tries its algorithms."""
    fused_attn: Flag | None = None
    """Whether timm uses torch's fused attention."""
    threads: Count | None = None
    """CPU threads of one operator."""
    inference_mode: Flag = True
    """Whether passes run under torch.inference_mode, else no_grad."""
    train: Flag = False
    """Whether training steps are measured."""
    backoff: Flag = True
    """Whether the batch is halved when memory runs out."""
    roofline: Flag = True
    """Whether the device's ceilings are measured."""
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

    pretrained: bool
    """Whether it has pretrained weights; never so far."""
    mode: str
    """eval or train mode."""
    amp_dtype: str | None
    """What autocast computes in; null without it."""
    float32_matmul_precision: str
    """torch.get_float32_matmul_precision: highest, high or medium."""
    cudnn_allow_tf32: bool
    """Whether cuDNN may compute in TF32."""
    fused_attn_experimental: bool
    """Whether timm uses fused attention where it counts as experimental."""
    interop_threads: Amount
    """CPU threads among operators."""
    input: str
    """What the input is."""
    seed: int
    """Seed of weights, input and labels."""
    optimizer: str | None
    """The optimizer with what it was given; null without training."""
    loss: str | None
    """The loss; null without training."""
    grad_scaler: bool | None
    """Whether gradients are scaled; null without training."""
    batch_size_requested: Amount
    """Images in the batch wished for."""
    warmup: str
    """When the warm-up ends."""
    timing: str
    """How passes are timed."""


class VersusPartial(Message, frozen=True):
    """A comparison so far: the median ratio of samples per second, A over B, of so many rounds."""

    rounds: int
    ratio: float


class VersusResult(Message, frozen=True):
    """How two measurements compare.

    ``a`` and ``b`` are whole measurements, taken one after the other; the ratio is from blocks of passes run in turns
    after that, its bounds by order statistics.
    """

    a: BenchResult
    """What was asked for."""
    b: BenchResult
    """What it is compared with."""
    ratio: Figure
    """A's images a second over B's: the median over rounds of passes in turns."""
    ratio_low: Figure
    """Lower end of its 95 % confidence interval."""
    ratio_high: Figure
    """Upper end of it."""
    rounds: Amount
    """How many turns it is from."""


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
