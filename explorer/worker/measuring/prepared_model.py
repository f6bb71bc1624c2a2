"""A model made ready to be measured: built, moved, compiled, warm, under exactly the settings asked for."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from msgspec.structs import replace
from torch import nn

from explorer.errors import OutOfMemory
from explorer.protocol.bench import BenchRequest
from explorer.protocol.events import Emit, Log, Progress
from explorer.worker.counting import tensors_of
from explorer.worker.hardware import devices, memory
from explorer.worker.measuring.compilation import Compiled, recorded
from explorer.worker.measuring.passes import TrainingStep, forward, images
from explorer.worker.measuring.settings import SEED, amp_dtype, memory_format, resolved, switched, weights_dtype
from explorer.worker.measuring.timing import Clock, WarmUp, warm_up
from explorer.worker.model_factory import create, import_extras, input_size, resolve_name
from explorer.worker.model_failures import Attempt, explained


@contextmanager
def prepared(request: BenchRequest, emit: Emit) -> "Iterator[Prepared]":
    """Build the model, move it, compile it and warm it up; all of it is freed at the end.

    Where memory runs out and ``request.backoff`` is on, the batch is halved until it fits, with a notice.

    Raises:
        RequestError: an unknown name, an extra source that cannot be imported, or a device, size or setting that
            cannot be used.
        OutOfMemory: the device has too little memory.
        EngineError: the model fails as it is.
    """
    import_extras(request.extra, emit)
    name = resolve_name(request.model, emit)
    whole = resolved(request, devices.choose(request.device, emit))
    one = _fitting(whole, name, emit)
    try:
        yield one
    finally:
        one.close()


def _fitting(request: BenchRequest, name: str, emit: Emit) -> "Prepared":
    """The model made ready with the greatest batch that fits, halving from the one asked for."""
    batch_size = requested = request.batch_size or 1
    while True:
        one = Prepared(replace(request, batch_size=batch_size), name, requested)
        try:
            one.open(emit)
            return one
        except OutOfMemory:
            if not request.backoff or batch_size == 1 or not one.is_built:
                one.close()
                raise
        except BaseException:
            one.close()
            raise
        # Only now, outside the handler, is the failure's traceback gone that holds the tensors.
        one.close()
        smaller = _allocatable(one, batch_size // 2)
        emit(Log(f"{name} at batch size {batch_size} runs out of memory on {one.device}, trying {smaller}"))
        batch_size = smaller


def _allocatable(one: "Prepared", batch_size: int) -> int:
    """The batch, halved until its images alone find room."""
    with memory.bounded(one.device):
        while batch_size > 1 and not memory.has_room((batch_size, *one.input_size), one.dtype, one.device):
            batch_size //= 2
    return batch_size


class Prepared:
    """A model ready to run, and its clock. Made by :func:`prepared`.

    Attributes:
        request: what was asked for, with every setting that was left open chosen and the batch that fits.
        model_name: what timm calls the model.
        batch_size: images in a pass; ``batch_size_requested`` were asked for.
        input_size: channels, height and width of an image.
        model: the model itself, not compiled.
        warm: how the warm-up went.
        memory_bytes: the peak until then, of ``memory_kind``; ``memory_before_bytes`` were in use before.
    """

    model: nn.Module
    warm: WarmUp
    memory_bytes: int

    def __init__(self, request: BenchRequest, model_name: str, batch_size_requested: int) -> None:
        assert request.batch_size is not None
        assert request.device is not None
        self.request = request
        self.model_name = model_name
        self.device = torch.device(request.device)
        self.batch_size = request.batch_size
        self.batch_size_requested = batch_size_requested
        self.input_size = (0, 0, 0)
        self.is_built = False
        self.step: TrainingStep | None = None
        self.compiled: Compiled | None = None
        self.synchronize = devices.synchronizer(self.device)
        self._stack = ExitStack()
        self._outputs: Any = None

    def open(self, emit: Emit) -> None:
        """Make it ready. Raises what :func:`prepared` raises."""
        peak = memory.PeakMemory(self.device)
        self.memory_kind, self.memory_before_bytes = peak.kind, peak.before_bytes
        self._stack.enter_context(memory.bounded(self.device))
        with self.explained(), self.settings():
            self._build(emit)
            self.is_built = True
            self._make_passes(emit)
        with self.explained(), self.settings():
            self.warm = warm_up(self.clock, self.request.seconds, emit)
            self.memory_bytes = peak.peak_bytes()

    def close(self) -> None:
        """Free all of it."""
        self._stack.close()
        for name in ("model", "clock", "_batch"):
            self.__dict__.pop(name, None)
        self.step = self.compiled = self._outputs = None
        memory.release(self.device)

    @property
    def dtype(self) -> torch.dtype:
        """What weights and images are held in."""
        return weights_dtype(self.request.dtype or "")

    def explained(self) -> Any:
        """A context that turns whatever the model raises into one clear error."""
        request = self.request
        # In tf32 a model fails as it does in float32.
        dtype = "float32" if request.dtype in (None, "tf32") else request.dtype
        return explained(Attempt(self.model_name, self.device, self.batch_size, dtype, request.options))

    def _build(self, emit: Emit) -> None:
        request = self.request
        emit(Progress("build", f"building {self.model_name} with random weights"))
        torch.manual_seed(SEED)
        # What is made in inference mode stays of its kind: it could not be trained, nor changed in place by a
        # compiled pass. So weights and images are made outside, and only passes run in it.
        with torch.inference_mode(False):
            model = create(self.model_name, request.options)
            self.model = model.to(device=self.device, dtype=self.dtype, memory_format=memory_format(request))
        self.input_size = input_size(self.model, request.options)

    def _make_passes(self, emit: Emit) -> None:
        request = self.request
        with torch.inference_mode(False):
            self._batch = images(self.batch_size, self.input_size, self.device, self.dtype, memory_format(request))
        if request.train:
            # Only now: the first step changes the weights.
            with torch.no_grad():
                self._outputs = _kept(forward(self.model, self._batch, self._amp)())
            self.model.train()
        run = self._run_of(self.model)
        if request.compile != "off":
            run = self._compile(emit)
        if request.cuda_graphs:
            emit(Progress("graph", "recording a CUDA graph"))
            run = recorded(run, self.device, self.model_name)
        self.clock = Clock(run, self.synchronize, self.device)

    @property
    def _amp(self) -> torch.dtype | None:
        return amp_dtype(self.request.dtype or "", self.device)

    def _run_of(self, model: Callable[[torch.Tensor], Any]) -> Callable[[], Any]:
        if not self.request.train:
            return forward(model, self._batch, self._amp)
        self.step = TrainingStep(self.model, model, self._batch, self._amp)
        return self.step

    def _compile(self, emit: Emit) -> Callable[[], Any]:
        emit(Progress("compile", f"compiling {self.model_name}, twice"))
        compiled = self._stack.enter_context(Compiled(self.model, self.model_name, self.request.compile))

        def first_pass(model: Callable[[torch.Tensor], Any]) -> None:
            self._run_of(model)()
            self.synchronize()

        with compiled.cache():
            compiled.measure(first_pass)
        self.compiled = compiled
        return self._run_of(compiled.run)

    @contextmanager
    def settings(self) -> Iterator[None]:
        """This run's global switches (see :func:`~explorer.worker.measuring.settings.switched`), put back after."""
        with switched(self.request, self.device), ExitStack() as stack:
            compiled = self.compiled
            if compiled is not None:
                stack.enter_context(compiled.cache())
                if compiled.is_stale:
                    self.clock.run()
                    self.synchronize()
                    compiled.is_stale = False
            yield

    def block(self, passes: int) -> float:
        """Seconds of so many passes, queued and waited for once at the end. Call it inside :meth:`settings`."""
        with self.explained():
            return self.clock.block(passes)[0]

    def outputs(self) -> list[torch.Tensor]:
        """The model's output tensors for the seeded input, float32 on the CPU, each with the batch first.

        Weights and images are the same in every run of a model; of two batches of unlike size the first images are.
        Those of a training run are from the model in eval mode, not compiled, before its first step.
        """
        if self._outputs is not None:
            return list(self._outputs)
        with self.explained(), self.settings():
            return _kept(self.clock.run())


def _kept(output: Any) -> list[torch.Tensor]:
    with torch.inference_mode(False):
        return [tensor.detach().to("cpu", torch.float32, copy=True) for tensor in tensors_of(output)]
