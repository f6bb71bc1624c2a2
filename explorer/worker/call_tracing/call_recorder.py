"""Records the calls between functions of given packages while something runs.

A *function* is ``module:qualname``; a comprehension, generator expression or lambda counts as part of the function
around it. A *pair* is (caller, callee), counted by call site, when the callee's frame lies directly on a frame of these
packages (C code between the two does not count) and the two are not the same. Resuming a generator counts as a call by
whoever resumes it. What runs while a module of theirs is imported is not recorded.

Python 3.12 and later are watched through ``sys.monitoring``, which stops asking about foreign code after its first
call; before that there is ``sys.setprofile``, with ``sys.settrace`` for the one thing it does not tell, which exception
ended a call. Both give the same recording.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from opcode import opmap
from threading import get_ident
from types import CodeType, FrameType
from typing import Any, NamedTuple, TypeVar

from explorer.protocol.trace import CallStep, folded
from explorer.worker.call_tracing.code_objects import Codes, Root, TracedFunction
from explorer.worker.call_tracing.short_text import short

__all__ = ["CallRecording", "Root", "record"]

T = TypeVar("T")


@dataclass(frozen=True)
class CallRecording:
    """What was called.

    ``pairs`` are ``[caller, callee, {"file:line": count}]``, sorted; ``story`` is as in :mod:`explorer.protocol.trace`.
    """

    pairs: list[list[Any]]
    story: dict[str, Any]


def record(
    function: Callable[[], T], roots: Sequence[Root], *, monitoring: bool | None = None
) -> tuple[T, CallRecording]:
    """Call a function of the roots, or one that calls some, and record what they call in this thread.

    Args:
        function: what to run; whatever it raises is raised on.
        roots: the packages to record.
        monitoring: watch through ``sys.monitoring`` or not; ``None``: where there is one and it has room.

    Returns:
        What the function returned, and the recording.
    """
    calls = Calls()
    codes = Codes(roots)
    with watching(codes, calls, monitoring):
        value = function()
    return value, calls.recording()


class _Active(NamedTuple):
    """A frame of the roots that runs now. ``owns``: the step is its own, not that of the function around it."""

    frame: FrameType
    function: TracedFunction
    step: CallStep
    owns: bool


class Calls:
    """Takes starts and ends of frames of the roots as they happen."""

    def __init__(self) -> None:
        self._stack: list[_Active] = []
        self._suspended: dict[FrameType, _Active] = {}
        self._importing: FrameType | None = None
        self._counts: dict[tuple[TracedFunction, TracedFunction, int], int] = {}
        self._roots: list[CallStep] = []

    def start(self, frame: FrameType, function: TracedFunction) -> None:
        """A frame starts, or a generator's goes on."""
        if self._importing is not None:
            return
        if function.is_module:
            self._importing = frame
            return
        caller = self._stack[-1] if self._stack else None
        is_direct = caller is not None and caller.frame is frame.f_back
        if caller and is_direct and caller.function.id != function.id:
            pair = (caller.function, function, caller.function.line_of(caller.frame))
            self._counts[pair] = self._counts.get(pair, 0) + 1
        resumed = self._suspended.pop(frame) if frame in self._suspended else None
        self._stack.append(resumed or self._begun(frame, function, caller, is_direct))

    def _begun(self, frame: FrameType, function: TracedFunction, caller: _Active | None, is_direct: bool) -> _Active:
        if caller and is_direct and function.part and caller.function.id == function.id:
            return _Active(frame, function, caller.step, False)
        place = f"{function.file}:{function.line}"
        if caller:
            place = f"{caller.function.file}:{caller.function.line_of(caller.frame)}"
        step = CallStep(function.id, place, through=caller is not None and not is_direct, part=function.part)
        function.describe_arguments(frame, step)
        (caller.step.children if caller else self._roots).append(step)
        return _Active(frame, function, step, True)

    def returned(self, frame: FrameType, value: object) -> None:
        """A frame ends with a value."""
        active = self._ended(frame)
        if active and active.owns and value is not None:
            active.step.result = short(value)

    def yielded(self, frame: FrameType, _value: object = None) -> None:
        """A generator's frame pauses."""
        active = self._ended(frame)
        if active:
            self._suspended[frame] = active
            active.step.yields += active.owns

    def raised(self, frame: FrameType, exception: BaseException | None) -> None:
        """A frame ends with an exception. A generator that is closed is no news."""
        active = self._ended(frame)
        if active and active.owns and type(exception) is not GeneratorExit:
            active.step.raised = _raised(exception)

    def _ended(self, frame: FrameType) -> _Active | None:
        if self._importing is not None:
            if frame is self._importing:
                self._importing = None
            return None
        for position in range(len(self._stack) - 1, -1, -1):
            if self._stack[position].frame is frame:
                active = self._stack[position]
                del self._stack[position:]
                return active
        return None

    def recording(self) -> CallRecording:
        """What was recorded so far."""
        pairs: dict[tuple[str, str], dict[str, int]] = {}
        for (caller, callee, line), count in self._counts.items():
            sites = pairs.setdefault((caller.id, callee.id), {})
            site = f"{caller.file}:{line}"
            sites[site] = sites.get(site, 0) + count
        rows = [[caller, callee, dict(sorted(sites.items()))] for (caller, callee), sites in sorted(pairs.items())]
        return CallRecording(rows, folded(self._roots))


def _raised(exception: BaseException | None) -> str:
    """``ValueError('no such size')``, without asking the exception itself."""
    if exception is None:
        return "an exception"
    args = BaseException.__dict__["args"].__get__(exception)
    return f"{type(exception).__name__}({short(args[0]) if args else ''})"


_RETURNS = frozenset({opmap["RETURN_VALUE"], opmap.get("RETURN_CONST", opmap["RETURN_VALUE"])})
_PAUSES = frozenset({opmap["YIELD_VALUE"], opmap["RESUME"]})
"""Where a generator's frame stands when it pauses: at the yield, or from 3.12 on behind it."""

_TOOL = "timm-explorer"
_TOOL_IDS = range(6)
"""All that Python has; whichever a debugger, a profiler or a coverage tool has not taken will do."""


def watching(codes: Codes, calls: Calls, monitoring: bool | None) -> AbstractContextManager[None]:
    """A block whose calls, of these codes and in this thread, are told to the listener.

    Raises:
        ValueError: ``monitoring`` is wanted, and there is none, or other tools have taken all of it.
    """
    if sys.version_info >= (3, 12) and monitoring is not False:
        tool = next((number for number in _TOOL_IDS if sys.monitoring.get_tool(number) is None), None)
        if tool is not None:
            return _monitoring(codes, calls, tool)
    if monitoring:
        raise ValueError("sys.monitoring is not to be had")
    return _profiling(codes, calls)


@contextmanager
def _profiling(codes: Codes, calls: Calls) -> Iterator[None]:
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
    """``sys.setprofile`` and ``sys.settrace`` -> :class:`Calls`."""

    def __init__(self, codes: Codes, calls: Calls) -> None:
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

    def _end(self, frame: FrameType, function: TracedFunction, value: object) -> None:
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
def _monitoring(codes: Codes, calls: Calls, tool: int) -> Iterator[None]:
    """Where the roots' code is met, all of its events are taken; for other code they are switched off for good."""
    if sys.version_info < (3, 12):
        raise AssertionError("there is no sys.monitoring")
    monitoring = sys.monitoring
    events = monitoring.events
    thread = get_ident()

    def told(tell: Callable[[FrameType, Any], None], *, off: Any = monitoring.DISABLE) -> Callable[..., Any]:
        is_start = tell == calls.start

        def on_event(code: CodeType, _: int, value: object = None) -> Any:
            frame = sys._getframe(1)
            function = codes.function(code, frame) if off else codes.known(code)
            if function is None:
                return off
            if get_ident() == thread:
                tell(frame, function if is_start else value)
            return None

        return on_event

    # Throwing and unwinding cannot be switched off for one code alone, so foreign code is looked up every time.
    callbacks: dict[int, Callable[..., Any]] = {
        events.PY_START: told(calls.start),
        events.PY_RESUME: told(calls.start),
        events.PY_THROW: told(calls.start, off=None),
        events.PY_RETURN: told(calls.returned),
        events.PY_YIELD: told(calls.yielded),
        events.PY_UNWIND: told(calls.raised, off=None),
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
