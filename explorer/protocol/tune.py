"""A search for the fastest settings of a model on this machine: the request and its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

from explorer.errors import RequestError
from explorer.protocol.bench import BenchRequest, BenchResult
from explorer.protocol.request import JSON, Request, is_number

TUNED = (
    "memory_format",
    "dtype",
    "fused_attn",
    "cudnn_benchmark",
    "threads",
    "inference_mode",
    "batch_size",
    "compile",
    "cuda_graphs",
)
"""The settings of a :class:`BenchRequest` that are searched, in this order."""


@dataclass(frozen=True, slots=True)
class OutputDifference:
    """How far outputs are from those of the same weights and images in float32, run eagerly.

    ``max_abs`` is the largest difference of one output number, ``relative`` the same over the range (largest less
    smallest) of the float32 outputs; both are ``None`` where an output is infinite or no number, and ``is_finite`` is
    false then. ``top1_agreement`` is the share of images, 0 to 1, whose largest output is the same one; ``None`` where
    outputs are no scores of classes. ``images`` is how many were compared.
    """

    max_abs: float | None
    relative: float | None
    top1_agreement: float | None
    is_finite: bool
    images: int


@dataclass(frozen=True, slots=True)
class TuneStep:
    """One value of one setting, held against the best found before it, the two taking turns.

    ``ratio`` is how many times as many samples a second it gave, within ``ratio_low`` and ``ratio_high`` with 95 %
    confidence. ``difference`` is that of its outputs. Figures are ``None`` where it could not be measured or compared;
    ``note`` says why, or why it was left. ``seconds`` is what trying it took.
    """

    setting: str
    value: JSON
    samples_per_sec: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    is_kept: bool
    difference: OutputDifference | None
    note: str
    seconds: float

    def to_json(self) -> dict[str, JSON]:
        """The step as a dict that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from :meth:`to_json`."""
        return cls(**{**data, "difference": _difference(data["difference"])})


@dataclass(frozen=True, slots=True)
class TuneResult:
    """What the search found.

    ``baseline`` is the measurement as it was asked for, ``tuned`` that of the fastest settings; the two were measured
    anew at the end, and ``ratio`` is from ``rounds`` in which they took turns: samples a second of the tuned one over
    those of the other, within ``ratio_low`` and ``ratio_high`` with 95 % confidence. Where the search found nothing
    that held, ``is_faster`` is false, ``tuned`` is ``baseline``, and the ratio is that of what did not hold (1 where
    there was nothing).

    ``request`` asks for ``tuned`` again; ``model_args`` are the arguments beside its name with which ``create_model``
    made the model. ``difference`` is that of its outputs, ``None`` where they could not be compared.
    """

    baseline: BenchResult
    tuned: BenchResult
    request: BenchRequest
    model_args: Mapping[str, JSON]
    ratio: float
    ratio_low: float
    ratio_high: float
    rounds: int
    is_faster: bool
    difference: OutputDifference | None
    steps: Sequence[TuneStep]
    seconds: float

    def to_json(self) -> dict[str, JSON]:
        """The result as a dict that JSON can hold."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            **values,
            "baseline": self.baseline.to_json(),
            "tuned": self.tuned.to_json(),
            "request": asdict(self.request),
            "difference": self.difference and asdict(self.difference),
            "steps": [step.to_json() for step in self.steps],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from :meth:`to_json`."""
        return cls(
            **{
                **data,
                "baseline": BenchResult.from_json(data["baseline"]),
                "tuned": BenchResult.from_json(data["tuned"]),
                "request": BenchRequest(**data["request"]),
                "difference": _difference(data["difference"]),
                "steps": [TuneStep.from_json(step) for step in data["steps"]],
            }
        )


def _difference(data: Mapping[str, JSON] | None) -> OutputDifference | None:
    return None if data is None else OutputDifference(**data)


@dataclass(frozen=True, slots=True)
class TuneRequest(Request[TuneResult]):
    """Search the settings with which a model is fastest on this machine, one after the other.

    Args:
        bench: what is measured, and the settings to begin with. Its seconds and iterations hold for the measurements
            at the end; single steps take less.
        keep: settings of :data:`TUNED` that are left as they are.
        limit_seconds: past this no further value is tried.

    Raises:
        RequestError: a value makes no sense on any machine.
    """

    bench: BenchRequest
    keep: Sequence[str] = ()
    limit_seconds: float = 300.0

    kind: ClassVar[str] = "tune"
    partial_type: ClassVar[type[Any]] = TuneStep
    result_type: ClassVar[type[TuneResult]] = TuneResult

    def __post_init__(self) -> None:
        if isinstance(self.bench, Mapping):
            object.__setattr__(self, "bench", BenchRequest(**self.bench))
        if not isinstance(self.bench, BenchRequest):
            raise RequestError(f"what to tune must be a measurement, not {self.bench!r}")
        if unknown := [name for name in self.keep if name not in TUNED]:
            raise RequestError(f"no setting {unknown[0]!r} is tuned", f"settings: {', '.join(TUNED)}")
        if not is_number(self.limit_seconds) or self.limit_seconds <= 0:
            raise RequestError(f"the limit must be a number of seconds over 0, not {self.limit_seconds!r}")
