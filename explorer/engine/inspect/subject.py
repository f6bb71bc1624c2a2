"""The model built and run, on the meta device where that works and else on the CPU."""

import gc
from dataclasses import dataclass

import torch
from torch import nn

from explorer.engine import models
from explorer.engine.counting import Count, Unfilled, count
from explorer.engine.failures import Attempt, explained, reason
from explorer.engine.protocol import Emit, Log, ModelOptions, Progress

META = torch.device("meta")
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Subject:
    """A model and what its forward pass told.

    ``count`` is of one image; ``shapes`` of the batch asked for, the same object where that is one image. Channels,
    height and width are in ``input_size``. ``device`` is where it ran, ``built_on`` where it was created.
    """

    model: nn.Module
    count: Count
    shapes: Count
    input_size: tuple[int, int, int]
    device: torch.device
    built_on: torch.device


def examined(name: str, options: ModelOptions, batch_size: int, by_module: bool, emit: Emit) -> Subject:
    """Build a model and run it: on meta, else built on the CPU and run on meta, else all on the CPU.

    Raises:
        RequestError: it refuses a wish of the user's.
        OutOfMemory: the CPU has too little memory.
        EngineError: it fails as it is.
    """
    emit(Progress("build", f"building {name} on the meta device"))
    try:
        model, built_on = built_for_meta(name, options)
        emit(Progress("count", f"running {name} on the meta device"))
        return _ran(model, options, batch_size, by_module, META, built_on)
    except Exception as error:
        emit(Log(f"{name} does not run on the meta device, so it does on the CPU: {reason(error)}"))
    model = None
    gc.collect()  # memory is wanted now
    with explained(Attempt(name, CPU, batch_size, options.img_size, "float32", options)):
        emit(Progress("build", f"building {name} on the CPU"))
        model = built(name, options, CPU)
        emit(Progress("count", f"running {name} on the CPU"))
        return _ran(model, options, batch_size, by_module, CPU, CPU)


def built_for_meta(name: str, options: ModelOptions) -> tuple[nn.Module, torch.device]:
    """The model on the meta device, and the device it was created on.

    Raises:
        Exception: it cannot be created on either.
    """
    try:
        return built(name, options, META), META
    except Exception:
        gc.collect()
    model = built(name, options, CPU)
    params = models.param_count(model)
    model = model.to(META)
    if models.param_count(model) != params:
        raise RuntimeError("it shares parameters, which it would not there")
    return model, CPU


def built(name: str, options: ModelOptions, device: torch.device) -> nn.Module:
    """The model, created on this device, without gradients."""
    with device, Unfilled():
        return models.build(name, options).requires_grad_(False)


def forward(model: nn.Module, images: torch.Tensor, by_module: bool) -> Count:
    """A counted forward pass on the device of the images."""
    with images.device, torch.no_grad():
        return count(model, images, by_module=by_module)


def _ran(
    model: nn.Module,
    options: ModelOptions,
    batch_size: int,
    by_module: bool,
    device: torch.device,
    built_on: torch.device,
) -> Subject:
    size = models.input_size(model, options)
    counted = forward(model, torch.randn(1, *size, device=device), by_module)
    again = by_module and batch_size != 1
    shapes = forward(model, torch.randn(batch_size, *size, device=device), True) if again else counted
    return Subject(model, counted, shapes, size, device, built_on)
