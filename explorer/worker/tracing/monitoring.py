"""Python's own ways of telling when a function starts and ends: ``sys.monitoring`` and ``sys.setprofile``."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from opcode import opmap
from threading import get_ident
from types import CodeType, FrameType
from typing import Any, Protocol

from explorer.worker.tracing.code_objects import Codes, Function

_RETURNS = frozenset({opmap["RETURN_VALUE"], opmap.get("RETURN_CONST", opmap["RETURN_VALUE"])})
_PAUSES = frozenset({opmap["YIELD_VALUE"], opmap["RESUME"]})
"""Where a generator's frame stands when it pauses: at the yield, or from 3.12 on behind it."""

_TOOL = "timm-explorer"
_TOOL_IDS = range(6)


class Listener(Protocol):
    """What is told of starts and ends of frames."""

    def start(self, frame: FrameType, function: Function) -> None:
        """A frame starts, or a generator's goes on."""

    def returned(self, frame: FrameType, value: object) -> None:
        """A frame ends with a value."""

    def yielded(self, frame: FrameType) -> None:
        """A generator's frame pauses."""

    def raised(self, frame: FrameType, exception: BaseException | None) -> None:
        """A frame ends with an exception; ``None`` where it is not known which."""


def watching(codes: Codes, calls: Listener, monitoring: bool | None) -> AbstractContextManager[None]:
    """A block whose calls, of these codes and in this thread, are told to the listener.

    Raises:
        ValueError: ``monitoring`` is wanted, and there is none, or other tools have taken all of it.
    """
    tool = _free_tool() if monitoring is not False else None
    if tool is not None:
        return _monitoring(codes, calls, tool)
    if monitoring:
        raise ValueError("sys.monitoring is not to be had")
    return _profiling(codes, calls)


def _free_tool() -> int | None:
    if sys.version_info < (3, 12):
        return None
    return next((number for number in _TOOL_IDS if sys.monitoring.get_tool(number) is None), None)


@contextmanager
def _profiling(codes: Codes, calls: Listener) -> Iterator[None]:
    before = sys.getprofile(), sys.gettrace()
    watcher = _Profiler(codes, calls)
    sys.settrace(watcher.on_trace)
    sys.setprofile(watcher.on_profile)
    try:
        yield
    finally:
        sys.setprofile(before[0])
        sys.settrace(before[1])


class _Profiler:
    """``sys.setprofile`` and ``sys.settrace`` -> :class:`Listener`."""

    def __init__(self, codes: Codes, calls: Listener) -> None:
        self._codes = codes
        self._calls = calls
        self._exceptions: dict[FrameType, tuple[BaseException, int]] = {}

    def on_profile(self, frame: FrameType, event: str, value: Any) -> None:
        """Every start and end of a Python function; of C functions too, which do not count."""
        if event == "call":
            function = self._codes.function(frame.f_code, frame)
            if function:
                self._calls.start(frame, function)
        elif event == "return":
            function = self._codes.known(frame.f_code)
            if function:
                self._end(frame, function, value)

    def _end(self, frame: FrameType, function: Function, value: object) -> None:
        """The event does not say why a frame stops running: the instruction it stands at does."""
        exception, raised_at = self._exceptions.pop(frame, (None, -1))
        if value is not None and not function.is_suspendable:
            self._calls.returned(frame, value)
            return
        instruction = frame.f_code.co_code[frame.f_lasti]
        if instruction in _RETURNS:
            self._calls.returned(frame, value)
        elif instruction in _PAUSES and raised_at != frame.f_lasti:
            self._calls.yielded(frame)
        else:
            self._calls.raised(frame, exception)

    def on_trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """Every start of a Python function; those of the roots are asked about their exceptions, not their lines."""
        if event != "call" or not self._codes.function(frame.f_code, frame):
            return None
        frame.f_trace_lines = False
        return self._on_own_trace

    def _on_own_trace(self, frame: FrameType, event: str, value: Any) -> Any:
        if event == "exception":
            self._exceptions[frame] = (value[1], frame.f_lasti)
        return self._on_own_trace


@contextmanager
def _monitoring(codes: Codes, calls: Listener, tool: int) -> Iterator[None]:
    """Where the roots' code is met, all of its events are taken; for other code they are switched off for good."""
    if sys.version_info < (3, 12):
        raise AssertionError("there is no sys.monitoring")
    monitoring = sys.monitoring
    events = monitoring.events
    disable = monitoring.DISABLE
    thread = get_ident()

    def on_start(code: CodeType, _: int) -> Any:
        frame = sys._getframe(1)
        function = codes.function(code, frame)
        if function is None:
            return disable
        if get_ident() == thread:
            calls.start(frame, function)
        return None

    def on_throw(code: CodeType, _: int, __: BaseException) -> None:
        function = codes.known(code)
        if function and get_ident() == thread:
            calls.start(sys._getframe(1), function)

    def on_return(code: CodeType, _: int, value: object) -> Any:
        if codes.function(code, sys._getframe(1)) is None:
            return disable
        if get_ident() == thread:
            calls.returned(sys._getframe(1), value)
        return None

    def on_yield(code: CodeType, _: int, __: object) -> Any:
        if codes.function(code, sys._getframe(1)) is None:
            return disable
        if get_ident() == thread:
            calls.yielded(sys._getframe(1))
        return None

    def on_unwind(code: CodeType, _: int, exception: BaseException) -> None:
        if codes.known(code) and get_ident() == thread:
            calls.raised(sys._getframe(1), exception)

    callbacks: dict[int, Callable[..., Any]] = {
        events.PY_START: on_start,
        events.PY_RESUME: on_start,
        events.PY_THROW: on_throw,
        events.PY_RETURN: on_return,
        events.PY_YIELD: on_yield,
        events.PY_UNWIND: on_unwind,
    }
    monitoring.use_tool_id(tool, _TOOL)
    try:
        for event, callback in callbacks.items():
            monitoring.register_callback(tool, event, callback)
        monitoring.restart_events()
        monitoring.set_events(tool, sum(callbacks))
        yield
    finally:
        monitoring.set_events(tool, 0)
        for event in callbacks:
            monitoring.register_callback(tool, event, None)
        monitoring.free_tool_id(tool)
