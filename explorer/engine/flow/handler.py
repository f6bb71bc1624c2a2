"""The worker's answer to a flow request."""

import gc
import platform
import time
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from torch import nn

import explorer
from explorer.engine import models
from explorer.engine.extras import import_extra
from explorer.engine.failures import Attempt, explained, reason
from explorer.engine.flow.modules import levels, modules
from explorer.engine.flow.recorder import Recording, record
from explorer.engine.inspect.subject import CPU, META, built, built_for_meta
from explorer.engine.offline import offline
from explorer.engine.protocol import JSON, Emit, Log, ModelOptions, Progress
from explorer.engine.protocol.flow import FlowRequest, FlowResult


def run(request: FlowRequest, emit: Emit) -> FlowResult:
    """Build the model with random weights, run it once on one image and tell what flowed where.

    It is built and run on the meta device where it can be, else on the CPU. No weights, no network.

    Raises:
        RequestError: an unknown name, an extra source that cannot be imported, or a wish that the model refuses.
        OutOfMemory: it has to be run on the CPU, which has too little memory for it.
        EngineError: the model cannot be built and run as it is.
    """
    start = time.perf_counter()
    for own, path in request.extra:
        import_extra((own, Path(path)))
    name = models.resolve_name(request.model, emit)
    with offline():
        ran = _ran(name, request.options, emit)
    recording = ran.recording
    return FlowResult(
        model=name,
        device=ran.device.type,
        built_on=ran.built_on.type,
        modules=modules(ran.model, recording.modules),
        calls=recording.calls,
        operators=recording.operators,
        inputs=recording.inputs,
        outputs=recording.outputs,
        levels=levels(ran.model),
        seconds=round(time.perf_counter() - start, 4),
        settings=request.settings,
        environment=_environment(),
    )


@dataclass(frozen=True, slots=True)
class _Ran:
    """A model and its recorded pass; ``device`` is where it ran, ``built_on`` where it was created."""

    model: nn.Module
    recording: Recording
    device: torch.device
    built_on: torch.device


def _ran(name: str, options: ModelOptions, emit: Emit) -> _Ran:
    """Build a model and run it: on meta, else built on the CPU and run on meta, else all on the CPU."""
    emit(Progress("build", f"building {name} on the meta device"))
    try:
        model, built_on = built_for_meta(name, options)
        emit(Progress("flow", f"running {name} on the meta device"))
        return _Ran(model, _recorded(model, options, META), META, built_on)
    except Exception as error:
        emit(Log(f"{name} does not run on the meta device, so it does on the CPU: {reason(error)}"))
    model = None
    gc.collect()  # memory is wanted now
    with explained(Attempt(name, CPU, 1, options.img_size, "float32", options)):
        emit(Progress("build", f"building {name} on the CPU"))
        model = built(name, options, CPU)
        emit(Progress("flow", f"running {name} on the CPU"))
        return _Ran(model, _recorded(model, options, CPU), CPU, CPU)


def _recorded(model: nn.Module, options: ModelOptions, device: torch.device) -> Recording:
    images = torch.randn(1, *models.input_size(model, options), device=device)
    with device, torch.no_grad():
        return record(model, images)


def _environment() -> dict[str, JSON]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "timm": timm.__version__,
        "explorer": explorer.__version__,
    }
