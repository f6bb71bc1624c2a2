"""A model built and run once: on the meta device where that works, and else on the CPU."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import nn

from explorer.protocol import Emit, Log, ModelOptions, Progress
from explorer.worker.building import names_and_inputs
from explorer.worker.building.failures import Attempt, explained, reason
from explorer.worker.counting import Unfilled

META = torch.device("meta")
CPU = torch.device("cpu")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ran(Generic[T]):
    """A model and what running it gave; ``device`` is where it ran, ``built_on`` where it was created."""

    model: nn.Module
    outcome: T
    device: torch.device
    built_on: torch.device


def ran(
    name: str, options: ModelOptions, run: Callable[[nn.Module, torch.device], T], emit: Emit, *, batch_size: int = 1
) -> Ran[T]:
    """Build a model and run it: on meta, else built on the CPU and run on meta, else all on the CPU.

    Args:
        name: as :func:`~explorer.worker.building.names_and_inputs.resolve_name` gives it.
        options: how to build it.
        run: runs it on a device.
        emit: takes progress and notices.
        batch_size: images in the batch it is run on, for what is said when it fails.

    Raises:
        RequestError: it refuses a wish of the user's.
        OutOfMemory: the CPU has too little memory.
        EngineError: it fails as it is.
    """
    emit(Progress("build", f"building {name} on the meta device"))
    try:
        model, built_on = built_for_meta(name, options)
        emit(Progress("run", f"running {name} on the meta device"))
        return Ran(model, run(model, META), META, built_on)
    except Exception as error:
        emit(Log(f"{name} does not run on the meta device, so it does on the CPU: {reason(error)}"))
    model = None
    gc.collect()  # memory is wanted now
    with explained(Attempt(name, CPU, batch_size, options.img_size, "float32", options)):
        emit(Progress("build", f"building {name} on the CPU"))
        model = built(name, options, CPU)
        emit(Progress("run", f"running {name} on the CPU"))
        return Ran(model, run(model, CPU), CPU, CPU)


def built(name: str, options: ModelOptions, device: torch.device) -> nn.Module:
    """The model, created on this device, without gradients."""
    with device, Unfilled():
        return names_and_inputs.build(name, options).requires_grad_(False)


def built_for_meta(name: str, options: ModelOptions) -> tuple[nn.Module, torch.device]:
    """The model on the meta device, and the device it was created on.

    Raises:
        Exception: it can be created on neither, or not moved there.
    """
    try:
        return built(name, options, META), META
    except Exception:
        gc.collect()
    model = built(name, options, CPU)
    params = names_and_inputs.param_count(model)
    model = model.to(META)
    if names_and_inputs.param_count(model) != params:
        raise RuntimeError("it shares parameters, which it would not there")
    return model, CPU
