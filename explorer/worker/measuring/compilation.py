"""torch.compile with a cache of its own, so that what compiling costs can be told."""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import torch
from torch import nn

from explorer.errors import EngineError, ExplorerError
from explorer.protocol import CompileTimes
from explorer.worker.model_failures import is_memory, reason

_CACHES = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
_NO_COMPILER = re.compile(
    r"No working C\+\+ compiler|InvalidCxxCompiler|TritonMissing|find a working triton|Failed to find C compiler"
    r"|Python\.h|triton.{0,40}(not found|not installed|too old)",
    re.IGNORECASE,
)

_PREFIX = "explorer-compile-"

_resets = 0
_alive = 0


class Compiled:
    """A model as torch.compile has it. Use it as a context manager: its cache is a folder that goes with it.

    Args:
        model: what is compiled.
        name: what the model is called in errors.
        mode: one of torch.compile's modes.

    Raises:
        EngineError: it cannot be compiled here.
    """

    def __init__(self, model: nn.Module, name: str, mode: str) -> None:
        self._model = model
        self._name = name
        self._mode = mode
        _sweep()
        self._folder = TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True)
        self._reset_seen = -1
        self._is_made = False
        self.run: Callable[[torch.Tensor], Any] = model
        self.times: CompileTimes | None = None

    def __enter__(self) -> "Compiled":
        return self

    def __exit__(self, *_: object) -> None:
        global _alive
        self._folder.cleanup()
        if self._is_made:
            _alive -= 1
            if _alive == 0:
                # torch holds compiled code, and what that holds in memory, until it is told to forget all of it.
                _forget(in_memory=False)

    @property
    def stale(self) -> bool:
        """Whether torch has forgotten the compiled code since, as it does when another model is compiled afresh."""
        return self._reset_seen != _resets

    def renewed(self) -> None:
        """The compiled code has been made again."""
        self._reset_seen = _resets

    @contextmanager
    def cache(self) -> Iterator[None]:
        """Have torch keep what it compiles in this model's own folder."""
        with ExitStack() as stack:
            for variable in _CACHES:
                stack.callback(_put_back, variable, os.environ.get(variable))
                os.environ[variable] = str(Path(self._folder.name, variable.lower()))
            yield

    def measure(self, first_pass: Callable[[Callable[[torch.Tensor], Any]], None]) -> None:
        """Compile twice: with empty caches, and again with those that this filled.

        Args:
            first_pass: runs the compiled model once and waits for it.

        Raises:
            EngineError: it cannot be compiled here.
        """
        global _alive
        _alive, self._is_made = _alive + 1, True
        with self._explained():
            _forget(in_memory=True)
            cold = self._first(first_pass)
            _forget(in_memory=False)
            warm = self._first(first_pass)
        self.times = CompileTimes(cold, warm)
        self.renewed()

    def _first(self, first_pass: Callable[[Callable[[torch.Tensor], Any]], None]) -> float:
        start = time.perf_counter()
        self.run = torch.compile(self._model, mode=None if self._mode == "default" else self._mode)
        first_pass(self.run)
        return time.perf_counter() - start

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ExplorerError:
            raise
        except Exception as error:
            if is_memory(error):
                raise
            if _NO_COMPILER.search(f"{type(error).__name__}: {error}"):
                tool = "Triton and a C compiler" if torch.cuda.is_available() else "a C++ compiler (g++ or clang++)"
                raise EngineError(f"torch.compile needs {tool}: {reason(error)}", "leave --compile out") from error
            raise EngineError(f"{self._name} cannot be compiled: {reason(error)}", "leave --compile out") from error


def _sweep() -> None:
    """Remove the caches of workers that were ended in the middle."""
    for folder in Path(gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdecimal() and not _is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _put_back(variable: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = value


def _forget(in_memory: bool) -> None:
    """Have torch forget all compiled code; ``in_memory``: also the libraries and sources it made and holds."""
    global _resets
    _resets += 1
    torch.compiler.reset()
    if in_memory:
        from torch._inductor import utils

        # Named so from torch 2.8 on, and the other way before.
        clear = getattr(utils, "clear_caches", None) or getattr(utils, "clear_inductor_caches", None)
        if clear is not None:
            clear()


_WARM_PASSES = 3


def recorded(run: Callable[[], Any], device: torch.device, name: str) -> Callable[[], Any]:
    """Record one pass and give a function that replays it; its output is overwritten by the next.

    Passes before it run on a side stream, as CUDA wants it: libraries set themselves up in them.

    Raises:
        EngineError: the pass does something that cannot be recorded, such as waiting for the device.
    """
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(_WARM_PASSES):
            run()
    torch.cuda.current_stream(device).wait_stream(side)
    torch.cuda.synchronize(device)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            output = run()
    except Exception as error:
        # Ending a recording that went wrong fails too, and hides why it did.
        first = error.__context__ or error
        if is_memory(first):
            raise MemoryError(reason(first)) from first
        hint = "leave --cuda-graphs out"
        raise EngineError(f"{name} cannot be recorded as a CUDA graph: {reason(first)}", hint) from first

    def replay() -> Any:
        graph.replay()
        return output

    return replay
