"""What a model is made of: a row for every module, totals, and the feature levels it declares and really gives."""

import functools
import operator
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from explorer.protocol.events import Emit
from explorer.protocol.inspect import FeatureLevel, InspectRequest, InspectResult, Layer, Totals
from explorer.protocol.request import ModelOptions
from explorer.worker.counting import NOTHING, Cost, Count, Tally, count
from explorer.worker.feature_levels import measured_levels
from explorer.worker.hardware import memory
from explorer.worker.hardware.devices import versions
from explorer.worker.holdings import Holdings
from explorer.worker.model_factory import (
    build_and_run,
    import_extras,
    input_size,
    offline,
    param_count,
    resolve_name,
)


@dataclass(frozen=True, slots=True)
class CountedModel:
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


def run(request: InspectRequest, emit: Emit) -> InspectResult:
    """Build the model with random weights, run it once, tell what it is made of.

    It is built and run on the meta device where it can be, else on the CPU. No weights, no network.

    Raises:
        RequestError: an unknown name, an extra source that cannot be imported, or a wish that the model refuses.
        OutOfMemory: it has to be run on the CPU, which has too little memory for it.
        EngineError: the model cannot be built and run as it is.
    """
    start = time.perf_counter()
    memory.freeze_imported()
    import_extras(request.extra, emit)
    name = resolve_name(request.model, emit)
    with offline():
        counted = _counted(name, request.options, request.batch_size, by_module=not request.totals_only, emit=emit)
        levels, note = ([], None) if request.totals_only else _levels(name, request, counted, emit)
    asked = request.to_json()
    del asked["model"], asked["extra"]
    channels, height, width = counted.input_size
    total = counted.count.total
    return InspectResult(
        model=name,
        img_size=height if height == width else (height, width),
        batch_size=request.batch_size,
        in_chans=channels,
        num_classes=_class_count(counted.model),
        device=counted.device.type,
        built_on=counted.built_on.type,
        totals=Totals(
            params=param_count(counted.model),
            buffers=sum(buffer.numel() for buffer in counted.model.buffers()),
            macs=total.macs,
            macs_fvcore=total.macs_fvcore,
            activations=total.activations,
        ),
        layers=[] if request.totals_only else layers_of(counted, levels),
        feature_info=levels,
        feature_info_note=note,
        uncounted=counted.count.uncounted,
        seconds=round(time.perf_counter() - start, 4),
        settings={**asked, "pretrained": False, "mode": "eval", "dtype": "float32"},
        environment=versions(),
    )


def _levels(
    name: str, request: InspectRequest, counted: CountedModel, emit: Emit
) -> tuple[list[FeatureLevel], str | None]:
    image = torch.randn(1, *counted.input_size, device=counted.device)
    return measured_levels(name, request.options, counted.model, image, emit)


def _class_count(model: nn.Module) -> int | None:
    """What the model says it tells apart, where that is a number: of a user's own it may be anything, or raise."""
    try:
        return max(0, operator.index(model.num_classes))
    except Exception:
        return None


def _counted(name: str, options: ModelOptions, batch_size: int, by_module: bool, emit: Emit) -> CountedModel:
    """Build a model and count a pass of it; raises what :func:`~explorer.worker.model_factory.build_and_run` raises."""

    def run(model: nn.Module, device: torch.device) -> tuple[Count, Count, tuple[int, int, int]]:
        size = input_size(model, options)
        once = forward(model, torch.randn(1, *size, device=device), by_module)
        again = by_module and batch_size != 1
        if not again:
            return once, once, size
        modules = dict(model.named_modules())
        shapes = forward(model, torch.randn(batch_size, *size, device=device), True)
        return _renewed(once, modules, model), shapes, size

    found = build_and_run(name, options, run, emit, batch_size=batch_size)
    return CountedModel(found.model, *found.outcome, found.device, found.built_on)


def _renewed(count: Count, modules: Mapping[str, nn.Module], model: nn.Module) -> Count:
    """A count of the modules that the model had by these names, for those that it has now: a pass may make new ones."""
    now = model.named_modules()
    same = {module: count.tallies[old] for name, module in now if (old := modules.get(name)) in count.tallies}
    return replace(count, tallies=same)


def forward(model: nn.Module, images: torch.Tensor, by_module: bool) -> Count:
    """A counted forward pass on the device of the images."""
    with images.device, torch.no_grad():
        return count(model, images, by_module=by_module)


def layers_of(counted: CountedModel, levels: Sequence[FeatureLevel]) -> list[Layer]:
    """All modules in the order of ``named_modules``, the model first; one that has two names appears once."""
    holdings = Holdings(counted.model)
    stages = _stages(levels)
    whole = counted.count.total.macs
    layers = []
    for name, module in holdings.modules:
        tally = _tally(module, counted.count.tallies)
        shapes = counted.shapes.tallies.get(module, _NOT_CALLED)
        level = _closest(name, stages)
        layer = Layer(
            name=name,
            class_name=type(module).__name__,
            input_shape=shapes.inputs,
            output_shape=shapes.output,
            params=holdings.param_count(module),
            own_params=holdings.own_param_count(module),
            buffers=holdings.buffer_count(module),
            macs=tally.cost.macs,
            own_macs=tally.own.macs,
            macs_fvcore=tally.cost.macs_fvcore,
            activations=tally.cost.activations,
            output_bytes=shapes.output_bytes,
            share=tally.cost.macs / whole if whole else 0.0,
            calls=tally.calls,
            shared_with=holdings.shared_with(name, module),
            stage=level.index if level else None,
            reduction=level.declared_reduction if level else None,
        )
        layers.append(layer)
    return layers


def _tally(module: nn.Module, tallies: Mapping[nn.Module, Tally]) -> Tally:
    """What a module did; one that is never called itself, like a ``ModuleList``, what those in it did together.

    Of those that stand in it more than once, or in one another, each counts once, by what it did itself.
    """
    if module in tallies:
        return tallies[module]
    own = (tallies[part].own for part in module.modules() if part in tallies)
    return Tally(cost=functools.reduce(Cost.plus, own, NOTHING))


_NOT_CALLED = Tally()


def _stages(levels: Sequence[FeatureLevel]) -> dict[str, FeatureLevel]:
    """The levels by the modules that give them; of two levels of one module the first.

    timm's feature extractors have names of their own: a sequence is flattened, or the model is one module of theirs.
    """
    return {
        name: level
        for level in reversed(levels)
        for name in (level.module, level.module.replace(".", "_", 1), f"model.{level.module}", f"body.{level.module}")
        if level.module
    }


def _closest(name: str, stages: Mapping[str, FeatureLevel]) -> FeatureLevel | None:
    """The level given by this module or the closest that holds it."""
    while name and name not in stages:
        name = name.rpartition(".")[0]
    return stages.get(name)
