"""A search for the fastest settings of a model on this machine: the request and its answer."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from explorer.protocol.bench import BenchRequest, BenchResult
from explorer.protocol.request import JSON, Amount, Figure, Message, Request, limits, one_of

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


class OutputDifference(Message, frozen=True):
    """How far outputs are from those of the same weights and images in eager float32."""

    max_abs: Figure | None
    """Largest difference of one output number; null where an output is no finite number."""
    relative: Figure | None
    """The same over the range of the float32 outputs."""
    top1_agreement: Figure | None
    """Share of images whose largest output is the same one, 0 to 1; null where there are no classes."""
    is_finite: bool
    """Whether all outputs are finite."""
    images: Amount
    """How many images were compared."""


class TuneStep(Message, frozen=True):
    """One value of one setting, held against the best found before it.

    The two take turns.
    """

    setting: str
    """The setting."""
    value: JSON
    """The value tried."""
    samples_per_sec: Figure | None
    """Images a second with it; null where it could not be measured."""
    ratio: Figure | None
    """How many times as fast as the best before it."""
    ratio_low: Figure | None
    """Lower end of that ratio's 95 % confidence interval."""
    ratio_high: Figure | None
    """Upper end of it."""
    is_kept: bool
    """Whether it was kept."""
    difference: OutputDifference | None
    """That of its outputs; null where they could not be compared."""
    note: str
    """Why it could not be measured, or why it was left; empty where nothing is to say."""
    seconds: Figure
    """How long trying it took, in seconds."""


class TuneResult(Message, frozen=True):
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


class TuneSummary(Message, frozen=True):
    """What --tune found; in its runs only."""

    baseline: BenchResult
    """The measurement with the settings asked for."""
    ratio: Figure
    """Images a second of the tuned settings over the baseline's, the two taking turns at the end."""
    ratio_low: Figure
    """Lower end of its 95 % confidence interval."""
    ratio_high: Figure
    """Upper end of it."""
    rounds: Amount
    """How many turns the ratio is from."""
    is_faster: bool
    """Whether anything faster was found; else the run is the baseline."""
    difference: OutputDifference | None
    """That of the tuned settings' outputs."""
    steps: Sequence[TuneStep]
    """What was tried, in order."""
    seconds: Figure
    """How long the search took, in seconds."""
    command: str
    """The command line that measures with the tuned settings again."""
    python: str
    """Lines of Python that run the model with the tuned settings."""


_Measurement = Annotated[BenchRequest, limits("what to tune must be a measurement, not {value!r}")]
_Limit = Annotated[float, limits("the limit must be a number of seconds over 0, not {value!r}", gt=0)]
_Setting = Annotated[str, one_of("setting", TUNED, "no {what} {value!r} is tuned")]


class TuneRequest(Request[TuneResult], frozen=True, tag="tune"):
    """Search the settings with which a model is fastest on this machine, one after the other.

    Args:
        bench: what is measured, and the settings to begin with. Its seconds and iterations hold for the measurements
            at the end; single steps take less.
        keep: settings of :data:`TUNED` that are left as they are.
        limit_seconds: past this no further value is tried.

    Raises:
        RequestError: a value makes no sense on any machine.
    """

    bench: _Measurement
    keep: Sequence[_Setting] = ()
    limit_seconds: _Limit = 300.0

    kind: ClassVar[str] = "tune"
    partial_type: ClassVar[type[Any]] = TuneStep
    result_type: ClassVar[type[TuneResult]] = TuneResult
