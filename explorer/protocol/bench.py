"""Measured passes of a model, alone or held against another's in turns: the requests and their answers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Self

from explorer.errors import RequestError
from explorer.protocol.request import (
    JSON,
    ModelOptions,
    Request,
    check_count,
    check_flag,
    check_name,
    check_seconds,
    checked_extra,
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

_DEVICE = re.compile(r"cpu|mps|cuda(:\d+)?")


@dataclass(frozen=True, slots=True)
class Latency:
    """Time of one pass of a whole batch, in milliseconds, over all passes timed one by one.

    Percentiles are linearly interpolated between the closest ranks; ``std`` is the sample standard deviation;
    ``p50_low`` and ``p50_high`` bound the median with 95 % confidence, by order statistics: no shape is assumed.
    """

    p50: float
    p90: float
    p99: float
    mean: float
    min: float
    max: float
    std: float
    p50_low: float
    p50_high: float


@dataclass(frozen=True, slots=True)
class TrainTimes:
    """The parts of a training step, in milliseconds of a whole batch, and the optimizer that takes it."""

    forward_ms: Latency
    backward_ms: Latency
    optimizer_ms: Latency
    optimizer: str


@dataclass(frozen=True, slots=True)
class CompileTimes:
    """What torch.compile cost, in seconds of the first pass: with empty caches, and again with filled ones."""

    cold_seconds: float
    warm_seconds: float


@dataclass(frozen=True, slots=True)
class Roofline:
    """What the device can do, measured in the same run, and how much of it the model got.

    Operations are floating-point ones, two a multiply-accumulate. ``achieved_tflops`` is from the model's MACs and the
    throughput, a training step taken for three forward passes; ``share`` is its part of ``matmul_tflops``.
    ``matmul_tflops`` is that of a large matrix product in the measured dtype, ``copy_gb_per_sec`` counts bytes read and
    written by a copy larger than any cache, 1 GB = 1e9 bytes.
    """

    matmul_tflops: float
    copy_gb_per_sec: float
    achieved_tflops: float | None
    share: float | None


@dataclass(frozen=True, slots=True)
class GpuReadings:
    """What NVML read during the queued passes; ``None`` where the device does not tell.

    ``sm_clock_mhz_max`` is the highest that the device allows, the other figures are readings. ``throttled`` holds the
    reasons for which clocks were held back meanwhile, in NVML's words.
    """

    power_watts_mean: float | None
    energy_joules_per_sample: float | None
    sm_clock_mhz_mean: float | None
    sm_clock_mhz_max: float | None
    memory_clock_mhz_mean: float | None
    temperature_celsius_max: float | None
    throttled: Sequence[str]


@dataclass(frozen=True, slots=True)
class BenchPartial:
    """A running measurement."""

    iterations: int
    measured_seconds: float
    latency_p50_ms: float
    samples_per_sec: float

    def to_json(self) -> dict[str, JSON]:
        """The value as a dict that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from its JSON form."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class BenchResult:
    """Measured passes of one model.

    ``mode`` is ``infer`` (forward passes) or ``train`` (forward, backward and optimizer). ``img_size`` is one number
    when the input is square, else (height, width).

    ``latency_ms`` is from ``iterations`` passes, each waited for, by the wall clock, ``measured_seconds`` in all;
    ``latency_cuda_ms`` is the same by CUDA events, ``None`` without CUDA. ``samples_per_sec`` is from
    ``throughput_iterations`` passes queued one behind the other and waited for at the end of each block, over
    ``throughput_seconds`` by the wall clock; ``samples_per_sec_cuda`` by CUDA events.

    ``batch_size`` is the one measured, ``batch_size_requested`` the one wished for; they differ where memory ran out.
    ``macs``, ``macs_fvcore`` and ``activations`` are of one image, ``None`` where they could not be counted, as
    :class:`~explorer.protocol.inspect.Totals` has them.

    ``memory_bytes`` is the peak from the building of the model to the end of the warm-up; ``memory_kind`` says of what:

    - ``cuda_max_allocated``: tensors held by torch's CUDA allocator, weights included;
    - ``peak_rss``: resident memory of the worker process during this run, Python and torch included;
    - ``peak_rss_since_start``: the same since the worker started, where a run's own peak cannot be told.

    With ``mps`` it is the resident memory too; torch keeps no peak there.

    ``memory_before_bytes`` is what was in use just before the model was built, ``None`` where not known.
    ``warmup_stable`` tells whether the passes had stopped getting faster when the warm-up ended.
    """

    model: str
    mode: str
    device: str
    batch_size: int
    batch_size_requested: int
    img_size: int | tuple[int, int]
    in_chans: int
    dtype: str
    latency_ms: Latency
    latency_cuda_ms: Latency | None
    samples_per_sec: float
    samples_per_sec_cuda: float | None
    param_count: int
    macs: int | None
    macs_fvcore: int | None
    activations: int | None
    iterations: int
    measured_seconds: float
    throughput_iterations: int
    throughput_seconds: float
    warmup_iterations: int
    warmup_seconds: float
    warmup_stable: bool
    memory_bytes: int
    memory_kind: str
    memory_before_bytes: int | None
    train: TrainTimes | None
    compile: CompileTimes | None
    roofline: Roofline | None
    gpu: GpuReadings | None
    settings: Mapping[str, JSON]
    environment: Mapping[str, JSON]

    def to_json(self) -> dict[str, JSON]:
        """The result as a dict that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from :meth:`to_json`."""
        img_size, train = data["img_size"], data["train"]
        return cls(
            **{
                **data,
                "latency_ms": Latency(**data["latency_ms"]),
                "latency_cuda_ms": _optional(Latency, data["latency_cuda_ms"]),
                "train": train and TrainTimes(**{k: _latency(v) for k, v in train.items()}),
                "compile": _optional(CompileTimes, data["compile"]),
                "roofline": _optional(Roofline, data["roofline"]),
                "gpu": _optional(GpuReadings, data["gpu"]),
                "img_size": img_size if isinstance(img_size, int) else tuple(img_size),
            }
        )


def _optional(kind: type[Any], data: Mapping[str, JSON] | None) -> Any:
    return None if data is None else kind(**data)


def _latency(value: JSON) -> JSON:
    return Latency(**value) if isinstance(value, Mapping) else value


@dataclass(frozen=True, slots=True)
class BenchRequest(Request[BenchResult]):
    """Measure passes of a model with random weights. Whatever is ``None`` is chosen to suit the device.

    Args:
        model: a name as timm takes it, with or without a tag.
        batch_size: images in a batch; ``None``: 1 on the CPU, 64 on MPS, 256 on CUDA; to train: 8, 32, 256.
        img_size: height and width of the input in pixels; ``None``: the model's own.
        device: ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; ``None``: CUDA if there is one, else the CPU.
        dtype: one of :data:`DTYPES`; ``None``: ``tf32`` on CUDA devices that have it, else ``float32``.
        seconds: time spent in timed passes, past the least number of them.
        iterations: timed passes, at least.
        memory_format: one of :data:`MEMORY_FORMATS`.
        compile: one of :data:`COMPILE_MODES`.
        cuda_graphs: record the pass once and replay it; CUDA only.
        cudnn_benchmark: let cuDNN try its algorithms; ``None``: yes on CUDA.
        fused_attn: let timm use torch's fused attention; ``None``: as timm chooses.
        threads: CPU threads of one operator; ``None``: torch's own choice.
        inference_mode: run under ``torch.inference_mode``, else under ``no_grad``; a training step has neither.
        train: measure training steps: forward, backward and optimizer.
        backoff: halve the batch when memory runs out.
        roofline: measure the device's ceilings too.
        in_chans, num_classes, reparam, args: how the model is built, see :class:`ModelOptions`.
        extra: source of the user's own that registers models: (module or package name, path) of each.

    Raises:
        RequestError: a value makes no sense on any machine.
    """

    model: str
    batch_size: int | None = None
    img_size: int | None = None
    device: str | None = None
    dtype: str | None = None
    seconds: float = 3.0
    iterations: int = 10
    memory_format: str = "contiguous"
    compile: str = "off"
    cuda_graphs: bool = False
    cudnn_benchmark: bool | None = None
    fused_attn: bool | None = None
    threads: int | None = None
    inference_mode: bool = True
    train: bool = False
    backoff: bool = True
    roofline: bool = True
    in_chans: int | None = None
    num_classes: int | None = None
    reparam: bool = False
    args: Mapping[str, JSON] = field(default_factory=dict)
    extra: Sequence[tuple[str, str]] = ()

    kind: ClassVar[str] = "bench"
    partial_type: ClassVar[type[BenchPartial]] = BenchPartial
    result_type: ClassVar[type[BenchResult]] = BenchResult

    def __post_init__(self) -> None:
        check_name(self.model)
        check_count("batch size", self.batch_size)
        check_count("iterations", self.iterations)
        check_count("threads", self.threads)
        if self.device is not None and not (isinstance(self.device, str) and _DEVICE.fullmatch(self.device)):
            raise RequestError(f"no device {self.device!r}", f"devices: {DEVICES}")
        if self.dtype is not None:
            _check_choice("dtype", self.dtype, DTYPES)
        _check_choice("memory format", self.memory_format, MEMORY_FORMATS)
        _check_choice("compile mode", self.compile, COMPILE_MODES)
        check_seconds(self.seconds)
        for name in ("cuda_graphs", "inference_mode", "train", "backoff", "roofline"):
            check_flag(name, getattr(self, name))
        for name in ("cudnn_benchmark", "fused_attn"):
            if getattr(self, name) is not None:
                check_flag(name, getattr(self, name))
        object.__setattr__(self, "extra", checked_extra(self.extra))
        _ = self.options

    @property
    def options(self) -> ModelOptions:
        """How the model is built."""
        return ModelOptions(self.img_size, self.in_chans, self.num_classes, False, self.reparam, self.args)


def _check_choice(what: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise RequestError(f"no {what} {value!r}", f"{what}s: {', '.join(choices)}")


@dataclass(frozen=True, slots=True)
class VersusPartial:
    """A comparison so far: the median ratio of samples per second, A over B, of so many rounds."""

    rounds: int
    ratio: float

    def to_json(self) -> dict[str, JSON]:
        """The value as a dict that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from its JSON form."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class VersusResult:
    """How two measurements compare.

    ``a`` and ``b`` are whole measurements, taken one after the other. ``ratio`` is A's samples per second over B's: the
    median over ``rounds`` pairs of blocks run in turns, bounded by ``ratio_low`` and ``ratio_high`` with 95 %
    confidence, by order statistics.
    """

    a: BenchResult
    b: BenchResult
    ratio: float
    ratio_low: float
    ratio_high: float
    rounds: int

    def to_json(self) -> dict[str, JSON]:
        """The result as a dict that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from :meth:`to_json`."""
        return cls(**{**data, "a": BenchResult.from_json(data["a"]), "b": BenchResult.from_json(data["b"])})


@dataclass(frozen=True, slots=True)
class VersusRequest(Request[VersusResult]):
    """Measure two models or settings in one process, their passes in turns, so that both see the same machine.

    Args:
        a, b: what is compared.
        seconds: time spent in the turns, besides that of each one's own measurement.

    Raises:
        RequestError: a value makes no sense on any machine.
    """

    a: BenchRequest
    b: BenchRequest
    seconds: float = 6.0

    kind: ClassVar[str] = "versus"
    partial_type: ClassVar[type[Any]] = VersusPartial
    result_type: ClassVar[type[VersusResult]] = VersusResult

    def __post_init__(self) -> None:
        check_seconds(self.seconds)
        for side in ("a", "b"):
            object.__setattr__(self, side, _bench_request(getattr(self, side)))


def _bench_request(value: object) -> BenchRequest:
    if isinstance(value, BenchRequest):
        return value
    if not isinstance(value, Mapping):
        raise RequestError(f"a side of a comparison must be a bench request, not {value!r}")
    return BenchRequest(**value)
