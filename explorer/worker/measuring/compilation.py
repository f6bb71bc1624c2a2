"""Passes made faster than eager ones: by torch.compile, with what compiling costs, and recorded as a CUDA graph."""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, ClassVar

import torch
from torch import nn

from explorer.errors import EngineError, ExplorerError
from explorer.protocol.bench import CompileTimes
from explorer.worker.model_failures import is_memory, reason

_CACHES = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
_NO_COMPILER = re.compile(
    r"No working C\+\+ compiler|InvalidCxxCompiler|TritonMissing|find a working triton|Failed to find C compiler"
    r"|Python\.h|triton.{0,40}(not found|not installed|too old)",
    re.IGNORECASE,
)

_PREFIX = "explorer-compile-"

Pass = Callable[[torch.Tensor], Any]


class Compiled:
    """A model as torch.compile has it. Use it as a context manager: its cache is a folder that goes with it.

    Args:
        model: what is compiled.
        name: what the model is called in errors.
        mode: one of torch.compile's modes.

    Attributes:
        run: the compiled model.
        times: what compiling took, once it has been measured.
        is_stale: torch has forgotten the compiled code, as it does when another model is compiled afresh.
    """

    # torch holds compiled code for the whole process and cannot forget that of one model alone. So each has to be told
    # when its own goes with that of another, and the last one out has torch forget all, and the memory that it holds.
    _held: ClassVar[set["Compiled"]] = set()

    def __init__(self, model: nn.Module, name: str, mode: str) -> None:
        self._model = model
        self._name = name
        self._mode = mode
        _sweep()
        self._folder = TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True)
        self.run: Pass = model
        self.times: CompileTimes | None = None
        self.is_stale = True

    def __enter__(self) -> "Compiled":
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()
        if self in self._held:
            self._held.remove(self)
            if not self._held:
                self._forget_all(in_memory=False)

    @contextmanager
    def cache(self) -> Iterator[None]:
        """Have torch keep what it compiles in this model's own folder."""
        before = {variable: os.environ.get(variable) for variable in _CACHES}
        os.environ.update({variable: str(Path(self._folder.name, variable.lower())) for variable in _CACHES})
        try:
            yield
        finally:
            for variable, value in before.items():
                if value is None:
                    os.environ.pop(variable, None)
                else:
                    os.environ[variable] = value

    def measure(self, first_pass: Callable[[Pass], None]) -> None:
        """Compile twice: with empty caches, and again with those that this filled.

        Args:
            first_pass: runs the compiled model once and waits for it.

        Raises:
            EngineError: it cannot be compiled here.
        """
        self._held.add(self)
        with self._explained():
            self._forget_all(in_memory=True)
            cold = self._first(first_pass)
            self._forget_all(in_memory=False)
            warm = self._first(first_pass)
        self.times = CompileTimes(cold, warm)
        self.is_stale = False

    def _first(self, first_pass: Callable[[Pass], None]) -> float:
        start = time.perf_counter()
        self.run = torch.compile(self._model, mode=None if self._mode == "default" else self._mode)
        first_pass(self.run)
        return time.perf_counter() - start

    def _forget_all(self, in_memory: bool) -> None:
        """Have torch forget all compiled code; ``in_memory``: also the libraries and sources it made and holds."""
        for compiled in self._held:
            compiled.is_stale = True
        torch.compiler.reset()
        # Nothing public empties what inductor keeps in memory, and with it a cold start would be a warm one. From
        # torch 2.8 on the function is called clear_caches, before that clear_inductor_caches.
        utils = import_module("torch._inductor.utils") if in_memory else None
        clear = getattr(utils, "clear_caches", None) or getattr(utils, "clear_inductor_caches", None)
        if clear is not None:
            clear()

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
    import psutil  # only compiling needs it, and it is not on every machine that measures

    for folder in Path(gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


_WARM_PASSES = 3
"""As many as torch's own examples of CUDA graphs run before they record."""


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
