"""What crosses the pipe between explorer and its worker.

Requests go one way, events come back, one JSON object a line. A request is answered by any number of
:class:`Progress`, :class:`Partial` and :class:`Log` events and then exactly one :class:`Result` or
:class:`Failure`. Units stand in the field names; nothing here imports torch or timm.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Generic, Self, TypeVar

from explorer.errors import ExplorerError, RequestError, from_dict

JSON = Any
"""A value that JSON can hold."""

R = TypeVar("R")
"""What a request is answered with."""

DTYPES = ("float32", "bfloat16", "float16")
"""The dtypes a model can be run in, by torch's own names."""

DEVICES = "cpu, cuda, cuda:N or mps"
"""The devices a request can name, in words."""

_DEVICE = re.compile(r"cpu|mps|cuda(:\d+)?")


class Request(Generic[R]):
    """A piece of work for the worker, answered by one ``R``."""

    kind: ClassVar[str]
    """The request's name on the wire."""

    partial_type: ClassVar[type[Any]]
    """What its :class:`Partial` events carry."""

    result_type: ClassVar[type[Any]]
    """``R`` again, for the decoder."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Time of one forward pass of a whole batch, in milliseconds, over all timed iterations.

    Percentiles are linearly interpolated between the closest ranks; ``std`` is the sample standard deviation.
    """

    p50: float
    p90: float
    p99: float
    mean: float
    min: float
    max: float
    std: float


@dataclass(frozen=True, slots=True)
class BenchPartial:
    """A running measurement."""

    iterations: int
    measured_seconds: float
    latency_p50_ms: float
    samples_per_sec: float

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from its JSON form."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class BenchResult:
    """Measured forward passes of one model.

    ``img_size`` is one number when the input is square, else (height, width). ``samples_per_sec`` is all
    samples over ``measured_seconds``, the sum of the timed iterations. ``memory_bytes`` is a peak, and
    ``memory_kind`` says of what:

    - ``cuda_max_allocated``: tensors held by torch's CUDA allocator, weights included;
    - ``peak_rss``: resident memory of the worker process during this run, Python and torch included;
    - ``peak_rss_since_start``: the same since the worker started, where a run's own peak cannot be told.

    With ``mps`` it is the resident memory too; torch keeps no peak there.

    ``memory_before_bytes`` is what was in use just before the model was built, ``None`` where not known.
    """

    model: str
    device: str
    batch_size: int
    img_size: int | tuple[int, int]
    in_chans: int
    dtype: str
    latency_ms: Latency
    samples_per_sec: float
    param_count: int
    iterations: int
    warmup_iterations: int
    measured_seconds: float
    memory_bytes: int
    memory_kind: str
    memory_before_bytes: int | None
    settings: Mapping[str, JSON]
    environment: Mapping[str, JSON]

    def to_json(self) -> dict[str, JSON]:
        """The result as a dict that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from :meth:`to_json`."""
        img_size = data["img_size"]
        return cls(
            **{
                **data,
                "latency_ms": Latency(**data["latency_ms"]),
                "img_size": img_size if isinstance(img_size, int) else tuple(img_size),
            }
        )


@dataclass(frozen=True, slots=True)
class BenchRequest(Request[BenchResult]):
    """Measure forward passes of a model with random weights.

    Args:
        model: a name as timm takes it, with or without a tag.
        batch_size: images in a batch; ``None``: 1 on the CPU, 64 elsewhere.
        img_size: height and width of the input in pixels; ``None``: the model's own.
        device: ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; ``None``: CUDA if there is one, else the CPU.
        dtype: one of :data:`DTYPES`, of weights and input alike.
        seconds: time spent in timed iterations, past a minimum number of them.
        extra: source of the user's own that registers models: (module or package name, path) of each.

    Raises:
        RequestError: a value makes no sense on any machine.
    """

    model: str
    batch_size: int | None = None
    img_size: int | None = None
    device: str | None = None
    dtype: str = "float32"
    seconds: float = 3.0
    extra: Sequence[tuple[str, str]] = ()

    kind: ClassVar[str] = "bench"
    partial_type: ClassVar[type[BenchPartial]] = BenchPartial
    result_type: ClassVar[type[BenchResult]] = BenchResult

    def __post_init__(self) -> None:
        _check_name(self.model)
        _check_count("batch size", self.batch_size)
        _check_count("image size", self.img_size)
        if self.device is not None and not (isinstance(self.device, str) and _DEVICE.fullmatch(self.device)):
            raise RequestError(f"no device {self.device!r}", f"devices: {DEVICES}")
        if self.dtype not in DTYPES:
            raise RequestError(f"no dtype {self.dtype!r}", f"dtypes: {', '.join(DTYPES)}")
        if not _is_number(self.seconds) or not math.isfinite(self.seconds) or self.seconds <= 0:
            raise RequestError(f"seconds must be a number over 0, not {self.seconds!r}")
        object.__setattr__(self, "extra", _checked_extra(self.extra))


@dataclass(frozen=True, slots=True)
class TraceResult:
    """What was called inside timm, and inside the sources given with it, while one model was created.

    ``pairs`` are ``[caller, callee, {"file:line": count}]`` by call site, sorted; ``story`` is the steps in order, as
    :mod:`explorer.engine.story` describes them. ``digest`` is that of the source that ran. ``device`` is the one the
    model was created on, ``meta`` or ``cpu``. The same of one forward pass is in the ``forward`` fields, ``None``
    where none was asked for. ``seconds`` is the whole time, recording included.
    """

    model: str
    timm_version: str
    digest: str
    python: str
    device: str
    seconds: float
    pairs: list[list[JSON]]
    story: Mapping[str, JSON]
    forward_device: str | None = None
    forward_pairs: list[list[JSON]] | None = None
    forward_story: Mapping[str, JSON] | None = None

    def to_json(self) -> dict[str, JSON]:
        """The result as a dict that JSON can hold."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from :meth:`to_json`."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class TraceRequest(Request[TraceResult]):
    """Create a model and record what is called inside timm meanwhile. No weights, no network.

    Args:
        model: a name as timm takes it, with or without a tag.
        forward: record one forward pass too.
        extra: source of the user's own that registers models: (module or package name, path) of each.

    Raises:
        RequestError: a value makes no sense on any machine.
    """

    model: str
    forward: bool = False
    extra: Sequence[tuple[str, str]] = ()

    kind: ClassVar[str] = "trace"
    partial_type: ClassVar[type[Any]] = type(None)
    result_type: ClassVar[type[TraceResult]] = TraceResult

    def __post_init__(self) -> None:
        _check_name(self.model)
        object.__setattr__(self, "extra", _checked_extra(self.extra))


def _checked_extra(extra: object) -> tuple[tuple[str, str], ...]:
    pairs = [tuple(item) for item in extra if isinstance(item, list | tuple)] if isinstance(extra, list | tuple) else []
    if not isinstance(extra, list | tuple) or len(pairs) != len(extra):
        raise RequestError(f"extra sources must be (name, path) pairs, not {extra!r}")
    for pair in pairs:
        if len(pair) != 2 or not all(isinstance(text, str) and text for text in pair):
            raise RequestError(f"an extra source must be a name and a path, not {pair!r}")
    return tuple((name, path) for name, path in pairs)


def _check_name(model: object) -> None:
    if not isinstance(model, str) or not model.strip():
        raise RequestError(f"the model must be a name, not {model!r}")


def _check_count(what: str, value: int | None) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise RequestError(f"the {what} must be a whole number from 1 up, not {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Progress:
    """What the worker is doing now; ``fraction`` (0 to 1) of this phase is done, ``None`` where not known."""

    phase: str
    message: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Partial:
    """An answer so far; ``value`` is of the request's ``partial_type``."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Log:
    """One line the user should see."""

    message: str


@dataclass(frozen=True, slots=True)
class Result:
    """The answer; ``value`` is of the request's ``result_type``."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Failure:
    """There is no answer, and why."""

    error: ExplorerError


Event = Progress | Partial | Log | Result | Failure

Emit = Callable[[Event], None]
"""Sends an event to whoever made the request."""

REQUESTS: dict[str, type[Request[Any]]] = {cls.kind: cls for cls in (BenchRequest, TraceRequest)}
"""Every request there is, by its name on the wire."""


def encode_request(request: Request[Any]) -> bytes:
    """A request as one line."""
    return _line({"request": request.kind, **asdict(request)})  # type: ignore[call-overload]


def decode_request(line: bytes) -> Request[Any]:
    """Read a request.

    Raises:
        RequestError: the line is no request, or one with a value that makes no sense.
    """
    try:
        data = json.loads(line)
    except ValueError as error:
        raise RequestError(f"the request is not JSON: {_shortened(line)}") from error
    if not isinstance(data, dict):
        raise RequestError(f"the request is not a JSON object: {_shortened(line)}")
    kind = data.pop("request", None)
    if not isinstance(kind, str) or kind not in REQUESTS:
        raise RequestError(f"no request {kind!r}", f"requests: {', '.join(REQUESTS)}")
    try:
        return REQUESTS[kind](**data)
    except TypeError as error:
        reason = str(error).partition("() ")[2] or str(error)
        raise RequestError(f"the {kind} request is malformed: {reason}") from error


def encode_event(event: Event) -> bytes:
    """An event as one line."""
    match event:
        case Progress():
            return _line({"event": "progress", **asdict(event)})
        case Log():
            return _line({"event": "log", **asdict(event)})
        case Partial() | Result():
            name = type(event).__name__.lower()
            return _line({"event": name, "kind": event.kind, "value": asdict(event.value)})
        case Failure():
            return _line({"event": "error", **event.error.to_dict()})


def decode_event(line: bytes) -> Event:
    """Read an event.

    Raises:
        ValueError: the line is no event.
    """
    try:
        data = json.loads(line)
        match data.pop("event"):
            case "progress":
                return Progress(**data)
            case "log":
                return Log(**data)
            case "partial":
                return Partial(data["kind"], REQUESTS[data["kind"]].partial_type.from_json(data["value"]))
            case "result":
                return Result(data["kind"], REQUESTS[data["kind"]].result_type.from_json(data["value"]))
            case "error":
                return Failure(from_dict(data))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"no event: {_shortened(line)}") from error
    raise ValueError(f"no event: {_shortened(line)}")


def _line(data: Mapping[str, JSON]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode("ascii") + b"\n"


def _shortened(line: bytes, limit: int = 80) -> str:
    text = line.decode("utf-8", "replace").strip()
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


class LineSplitter:
    """Cuts a stream of bytes into lines of any length."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take more bytes, give every line they complete, without its newline."""
        *whole, last = data.split(b"\n")
        for part in whole:
            self._rest += part
            line = bytes(self._rest)
            self._rest.clear()
            yield line
        self._rest += last
