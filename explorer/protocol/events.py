"""Events, and how they and the requests are written as lines of JSON."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from explorer.errors import ExplorerError, RequestError, from_dict
from explorer.protocol.bench import BenchRequest, VersusRequest
from explorer.protocol.flow import FlowRequest
from explorer.protocol.inspect import InspectRequest
from explorer.protocol.request import JSON, Request
from explorer.protocol.trace import TraceRequest
from explorer.protocol.tune import TuneRequest


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

REQUESTS: dict[str, type[Request[Any]]] = {
    cls.kind: cls for cls in (BenchRequest, FlowRequest, InspectRequest, TraceRequest, TuneRequest, VersusRequest)
}
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
            return _line({"event": name, "kind": event.kind, "value": event.value.to_json()})
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
