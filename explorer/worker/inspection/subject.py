"""The model that is inspected, and its counted pass."""

from dataclasses import dataclass

import torch
from torch import nn

from explorer.protocol import Emit, ModelOptions
from explorer.worker.building import names_and_inputs
from explorer.worker.building.build import ran
from explorer.worker.counting import Count, count


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
    """Build a model and count a pass of it; raises what :func:`explorer.worker.building.build.ran` raises."""

    def run(model: nn.Module, device: torch.device) -> tuple[Count, Count, tuple[int, int, int]]:
        size = names_and_inputs.input_size(model, options)
        counted = forward(model, torch.randn(1, *size, device=device), by_module)
        again = by_module and batch_size != 1
        shapes = forward(model, torch.randn(batch_size, *size, device=device), True) if again else counted
        return counted, shapes, size

    found = ran(name, options, run, emit, batch_size=batch_size)
    return Subject(found.model, *found.outcome, found.device, found.built_on)


def forward(model: nn.Module, images: torch.Tensor, by_module: bool) -> Count:
    """A counted forward pass on the device of the images."""
    with images.device, torch.no_grad():
        return count(model, images, by_module=by_module)
