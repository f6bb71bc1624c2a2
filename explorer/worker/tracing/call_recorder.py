"""Records the calls between functions of given packages while something runs.

A *function* is ``module:qualname``; a comprehension, generator expression or lambda counts as part of the function
around it. A *pair* is (caller, callee), counted by call site, when the callee's frame lies directly on a frame of these
packages (C code between the two does not count) and the two are not the same. Resuming a generator counts as a call by
whoever resumes it. What runs while a module of theirs is imported is not recorded.

Python 3.12 and later are watched through ``sys.monitoring``, which stops asking about foreign code after its first
call; before that there is ``sys.setprofile``, with ``sys.settrace`` for the one thing it does not tell, which exception
ended a call. Both give the same recording.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, NamedTuple, TypeVar

from explorer.protocol.trace import CallStep, folded
from explorer.worker.tracing.code_objects import Codes, Function, Root
from explorer.worker.tracing.monitoring import watching
from explorer.worker.tracing.short_text import short

__all__ = ["Recording", "Root", "record"]

T = TypeVar("T")


@dataclass(frozen=True)
class Recording:
    """What was called.

    ``pairs`` are ``[caller, callee, {"file:line": count}]``, sorted; ``story`` is as in :mod:`explorer.protocol.trace`.
    """

    pairs: list[list[Any]]
    story: dict[str, Any]


def record(function: Callable[[], T], roots: Sequence[Root], *, monitoring: bool | None = None) -> tuple[T, Recording]:
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
    function: Function
    step: CallStep
    owns: bool


class Calls:
    """Takes starts and ends of frames of the roots as they happen."""

    def __init__(self) -> None:
        self._stack: list[_Active] = []
        self._suspended: dict[FrameType, _Active] = {}
        self._importing: FrameType | None = None
        self._counts: dict[tuple[Function, Function, int], int] = {}
        self._roots: list[CallStep] = []

    def start(self, frame: FrameType, function: Function) -> None:
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

    def _begun(self, frame: FrameType, function: Function, caller: _Active | None, is_direct: bool) -> _Active:
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

    def yielded(self, frame: FrameType) -> None:
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

    def recording(self) -> Recording:
        """What was recorded so far."""
        pairs: dict[tuple[str, str], dict[str, int]] = {}
        for (caller, callee, line), count in self._counts.items():
            sites = pairs.setdefault((caller.id, callee.id), {})
            site = f"{caller.file}:{line}"
            sites[site] = sites.get(site, 0) + count
        rows = [[caller, callee, dict(sorted(sites.items()))] for (caller, callee), sites in sorted(pairs.items())]
        return Recording(rows, folded(self._roots))


def _raised(exception: BaseException | None) -> str:
    """``ValueError('no such size')``, without asking the exception itself."""
    if exception is None:
        return "an exception"
    args = BaseException.__dict__["args"].__get__(exception)
    return f"{type(exception).__name__}({short(args[0]) if args else ''})"
