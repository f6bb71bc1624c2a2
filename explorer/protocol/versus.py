"""Two measurements side by side: the request and its answer."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from explorer.errors import RequestError
from explorer.protocol.bench import BenchRequest, BenchResult
from explorer.protocol.request import JSON, Request, check_seconds


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
