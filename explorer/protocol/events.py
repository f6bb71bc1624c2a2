"""Events, and how they and the requests are written as lines of JSON."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from explorer.errors import EngineError, ExplorerError, RequestError, from_dict
from explorer.protocol.bench import BenchRequest, VersusRequest
from explorer.protocol.flow import FlowRequest
from explorer.protocol.inspect import InspectRequest
from explorer.protocol.request import JSON, Request, refusal
from explorer.protocol.trace import TraceRequest
from explorer.protocol.tune import TuneRequest

# The text is the json module's: msgspec's own refuses lone surrogates, which paths of undecodable bytes hold, and
# makes null of a NaN, which a field of numbers then refuses. Bound here, so that a model's source that replaces
# functions of the module cannot cut the pipe.
_write = json.JSONEncoder(separators=(",", ":")).encode
_read = json.JSONDecoder().decode


class Progress(msgspec.Struct, frozen=True, tag_field="event", tag="progress"):
    """What the worker is doing now; ``fraction`` (0 to 1) of this phase is done, ``None`` where not known."""

    phase: str
    message: str
    fraction: float | None = None


class Partial(msgspec.Struct, frozen=True, tag_field="event", tag="partial"):
    """An answer so far; ``value`` is of the request's ``partial_type``."""

    kind: str
    value: Any


class Log(msgspec.Struct, frozen=True, tag_field="event", tag="log"):
    """One line the user should see."""

    message: str


class Result(msgspec.Struct, frozen=True, tag_field="event", tag="result"):
    """The answer; ``value`` is of the request's ``result_type``."""

    kind: str
    value: Any


class Failure(msgspec.Struct, frozen=True, tag_field="event", tag="error"):
    """There is no answer, and why."""

    error: ExplorerError


Event = Progress | Partial | Log | Result | Failure

Emit = Callable[[Event], None]
"""Sends an event to whoever made the request."""

GOES_ON = "explorer: the worker goes on"
"""Written to stderr after a traceback that ends a request alone: what stands before it explains no later end."""

_AnyRequest = BenchRequest | FlowRequest | InspectRequest | TraceRequest | TuneRequest | VersusRequest

REQUESTS: dict[str, type[Request[Any]]] = {
    cls.kind: cls for cls in (BenchRequest, FlowRequest, InspectRequest, TraceRequest, TuneRequest, VersusRequest)
}
"""Every request there is, by its name on the wire."""


def encode_request(request: Request[Any]) -> bytes:
    """A request as one line."""
    return _line(request)


def decode_request(line: bytes) -> Request[Any]:
    """Read a request.

    Raises:
        RequestError: the line is no request, or one with a value that makes no sense.
    """
    try:
        data = _read(line.decode())
    except ValueError as error:
        raise RequestError(f"the request is not JSON: {_shortened(line)}") from error
    if not isinstance(data, dict):
        raise RequestError(f"the request is not a JSON object: {_shortened(line)}")
    kind = data.get("request")
    if not isinstance(kind, str) or kind not in REQUESTS:
        raise RequestError(f"no request {kind!r}", f"requests: {', '.join(REQUESTS)}")
    try:
        request: Request[Any] = msgspec.convert(data, _AnyRequest)
    except msgspec.ValidationError as error:
        raise refusal(REQUESTS[kind], error, data) from error
    return request


def encode_event(event: Event) -> bytes:
    """An event as one line; never fails. What JSON has no form for goes as text, or the event as a failure."""
    try:
        return _line(event)
    except Exception as error:
        reason = f"{type(error).__name__}: {_text(error)}"
        return _line(Failure(EngineError(f"the answer cannot be sent: {reason}")))


def decode_event(line: bytes) -> Event:
    """Read an event.

    Raises:
        ValueError: the line is no event.
    """
    try:
        event: Event = msgspec.convert(_read(line.decode()), Event, dec_hook=_error)
        match event:
            case Partial(kind, value):
                return Partial(kind, msgspec.convert(value, REQUESTS[kind].partial_type))
            case Result(kind, value):
                return Result(kind, msgspec.convert(value, REQUESTS[kind].result_type))
        return event
    except (ValueError, KeyError) as error:
        raise ValueError(f"no event: {_shortened(line)}") from error


def _line(message: msgspec.Struct) -> bytes:
    return _write(msgspec.to_builtins(message, enc_hook=_told, str_keys=True)).encode("ascii") + b"\n"


def _told(value: object) -> JSON:
    """What JSON has no form for: numbers of numpy and torch as plain ones, all else as text."""
    if isinstance(value, ExplorerError):
        return value.to_dict()
    if isinstance(value, Mapping):
        return dict(value)
    with suppress(Exception):
        plain = value.item()  # type: ignore[attr-defined]
        if isinstance(plain, bool | int | float | str):
            return plain
    return _text(value)


def _text(value: object) -> str:
    """An object's own words; classes of users' models may have none."""
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__}>"


def _error(kind: type, data: JSON) -> ExplorerError:
    """Rebuild the one type of an event that msgspec does not know."""
    if kind is not ExplorerError or not isinstance(data, Mapping):
        raise ValueError("no error")
    return from_dict(dict(data))


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
