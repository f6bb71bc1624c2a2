"""The worker process: ``python -m explorer.worker.serve``.

Reads one request a line from stdin and answers with events on stdout, one after another, until stdin closes.
stdout belongs to the events alone: whatever else prints there, at whatever level, comes out on stderr.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from os import _exit, getpgrp, getpid, getppid, killpg  # bound here, because code of users' own may replace them
from time import sleep
from typing import Any

from explorer.errors import EngineError, ExplorerError, TimmNotFound, words_of
from explorer.protocol.events import GOES_ON, Emit, Event, Failure, Progress, Result, decode_request, encode_event
from explorer.protocol.request import Request
from explorer.worker.own_python import put_back

Handler = Callable[[Any, Emit], Any]
"""Answers a request of one kind: ``(request, emit) -> value of the request's result_type``."""

_HOMES = {
    "bench": "explorer.worker.measuring.benchmark:run",
    "flow": "explorer.worker.flow.flow_recorder:run",
    "inspect": "explorer.worker.inspection:run",
    "trace": "explorer.worker.call_tracing.creation_trace:run",
    "tune": "explorer.worker.measuring.setting_search:run",
    "versus": "explorer.worker.measuring.comparison:run",
}


def load_handler(kind: str, emit: Emit) -> Handler:
    """The function that answers requests of this kind; imports torch and timm the first time.

    Raises:
        TimmNotFound: timm is not installed.
        EngineError: torch, or something else the handler needs, cannot be imported.
    """
    module, _, name = _HOMES[kind].partition(":")
    if module not in sys.modules:
        emit(Progress("import", "importing torch and timm"))
    try:
        handler: Handler = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name == "timm":
            raise TimmNotFound("timm is not installed here", "pip install timm") from error
        raise EngineError(f"{error.name} is not installed here", f"pip install {error.name}") from error
    except (ImportError, OSError) as error:
        raise EngineError(f"torch and timm cannot be imported: {one_line(error)}") from error
    return handler


def one_line(error: BaseException) -> str:
    """An exception's own words, on one line."""
    return " ".join(words_of(error).split()) or type(error).__name__


def serve(lines: Iterable[bytes], emit: Emit, handlers: Mapping[str, Handler] | None = None) -> None:
    """Answer requests until the lines end, or until the device is no longer usable.

    Args:
        lines: requests, one a line; blank lines are skipped.
        emit: takes the events.
        handlers: by request kind; those not given are loaded when they are needed.
    """
    for line in lines:
        if line.strip():
            answer = _answer(line, emit, handlers or {})
            emit(answer)
            if isinstance(answer, Failure) and device_is_lost(answer.error):
                return
            # A failure's traceback keeps the model alive.
            del answer


def _answer(line: bytes, emit: Emit, handlers: Mapping[str, Handler]) -> Result | Failure:
    doing = "reading the request"

    def tell(event: Event) -> None:
        nonlocal doing
        match event:
            case Progress(message=message):
                doing = message
        emit(event)

    try:
        request: Request[Any] = decode_request(line)
        handler = handlers.get(request.kind) or load_handler(request.kind, tell)
        return Result(request.kind, handler(request, tell))
    except ExplorerError as error:
        return Failure(error)
    except BaseException as error:  # code of users' own may ask the process to end
        put_back()
        with suppress(Exception):
            traceback.print_exc()
            print(GOES_ON, file=sys.stderr, flush=True)
        name, words = type(error).__name__, one_line(error)
        what = name if words == name else f"{name}: {words}"
        is_plain = isinstance(error, Exception)
        return Failure(EngineError(f"the worker failed at {doing}: {what}" if is_plain else f"{doing} raised {what}"))


def device_is_lost(error: ExplorerError) -> bool:
    """Whether it came of an error after which only a new process helps."""
    return breaks_device(error.__cause__)


def breaks_device(error: BaseException | None) -> bool:
    """Whether it is from inside CUDA itself: every later call fails too.

    From torch 2.8 on it has a class of its own, before that only the words; neither is imported here.
    """
    is_named = type(error).__name__ == "AcceleratorError"
    return is_named or (error is not None and words_of(error).startswith("CUDA error"))


def _take_pipes() -> tuple[int, int]:
    """Move the request and event pipes out of reach of code that reads stdin or prints to stdout."""
    sys.stdout.flush()
    requests, events = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, events


def _end_with(parent: int) -> None:
    """End as soon as the parent is gone, at whatever this process is then."""
    while getppid() == parent:
        sleep(1)
    if getpgrp() == getpid():  # and all that it started with it
        killpg(0, signal.SIGKILL)
    _exit(0)


def main(handlers: Mapping[str, Handler] | None = None) -> None:
    """Serve the process's own stdin and stdout; ends quietly when either closes."""
    # Who interrupts it ends it at once, rather than with a traceback beside the parent's words.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(getppid(),), daemon=True).start()
    own_pid = getpid()
    requests_fd, events_fd = _take_pipes()
    with os.fdopen(requests_fd, "rb") as requests, os.fdopen(events_fd, "wb", buffering=0) as events:

        def send(event: Event) -> None:
            data = memoryview(encode_event(event))
            while data:
                data = data[events.write(data) :]

        def emit(event: Event) -> None:
            if getpid() != own_pid:  # code of users' own has forked, and its child is not who was asked
                _exit(0)
            try:
                send(event)
            except BrokenPipeError:
                # Nobody listens any more, so there is nothing left to do or to say.
                _exit(0)
            except Exception:
                put_back()
                send(event)

        serve(requests, emit, handlers)
        sys.stderr.flush()
        # Nothing is left to save, and tearing torch down takes a while.
        _exit(0)


if __name__ == "__main__":
    main()
