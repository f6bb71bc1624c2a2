"""What a model is made of: a row for every module, totals, and the feature levels it declares and really gives."""

import functools
import math
import operator
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from msgspec.structs import replace
from torch import Tensor, nn

from explorer.protocol.events import Emit, Progress
from explorer.protocol.inspect import FeatureLevel, InspectRequest, InspectResult, Layer, Totals
from explorer.protocol.request import ModelOptions
from explorer.worker.counting import NOTHING, Cost, Count, Shortened, Tally, count, tensors_of
from explorer.worker.hardware import memory
from explorer.worker.hardware.devices import versions
from explorer.worker.model_factory import (
    META,
    build_and_run,
    build_for_meta,
    build_on,
    import_extras,
    input_size,
    offline,
    param_count,
    resolve_name,
)
from explorer.worker.model_failures import reason


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
    import_extras(request.extra)
    name = resolve_name(request.model, emit)
    with offline():
        counted = _counted(name, request.options, request.batch_size, by_module=not request.totals_only, emit=emit)
        levels, note = ([], None) if request.totals_only else _features(name, request.options, counted, emit)
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
        shapes = forward(model, torch.randn(batch_size, *size, device=device), True) if again else once
        return once, shapes, size

    found = build_and_run(name, options, run, emit, batch_size=batch_size)
    return CountedModel(found.model, *found.outcome, found.device, found.built_on)


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

_Tensors = dict[int, Tensor]
"""Tensors by identity, so that none is there twice."""


class Holdings:
    """Which parameters and buffers every module of a model holds, itself and with all that is in it.

    Attributes:
        modules: their names and they, in the order of ``named_modules``; one that has two names appears once.
    """

    def __init__(self, model: nn.Module) -> None:
        self.modules = list(model.named_modules())
        self._own_params = {module: _by_id(module.parameters(recurse=False)) for _, module in self.modules}
        self._held: dict[nn.Module, tuple[_Tensors, _Tensors]] = {}
        self._gather(model)
        self._first: dict[int, str] = {}
        for name, module in self.modules:
            for key in self._own_params[module]:
                self._first.setdefault(key, name)

    def _gather(self, module: nn.Module) -> tuple[_Tensors, _Tensors]:
        """The parameters and buffers of a module and of all that is in it."""
        if module not in self._held:
            params, buffers = dict(self._own_params[module]), _by_id(module.buffers(recurse=False))
            for child in module.children():
                child_params, child_buffers = self._gather(child)
                params |= child_params
                buffers |= child_buffers
            self._held[module] = params, buffers
        return self._held[module]

    def param_count(self, module: nn.Module) -> int:
        """How many numbers its parameters hold, with all that is in it."""
        return _elements(self._held[module][0])

    def own_param_count(self, module: nn.Module) -> int:
        """How many those hold that it has itself."""
        return _elements(self._own_params[module])

    def buffer_count(self, module: nn.Module) -> int:
        """How many numbers its buffers hold, with all that is in it."""
        return _elements(self._held[module][1])

    def shared_with(self, name: str, module: nn.Module) -> str | None:
        """The first other module that has one of its own parameters, if that comes before it."""
        firsts = (self._first[key] for key in self._own_params[module])
        return next((first for first in firsts if first != name), None)


def _by_id(tensors: Iterator[Any]) -> _Tensors:
    return {id(tensor): tensor for tensor in tensors}


def _elements(tensors: _Tensors) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


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


def levels_of(model: nn.Module) -> list[FeatureLevel]:
    """The levels that a model declares, of a feature extractor those that it gives, unmeasured.

    None where it declares nothing; those that are not declared as timm's models do it are left out.
    """
    return [level for level in _declared(model) if level is not None]


def _declared(model: nn.Module) -> list[FeatureLevel | None]:
    """The levels; ``None`` for one that cannot be read."""
    try:
        info = model.feature_info
        entries: Any = getattr(info, "info", info)
        chosen = getattr(info, "out_indices", None)
        picked = range(len(entries)) if chosen is None else [index % len(entries) for index in chosen]
        return [_level(index, entries[index]) for index in picked]
    except Exception:
        return []


def _level(index: int, entry: Any) -> FeatureLevel | None:
    """A level as it is declared; ``None`` where that is not as timm's models do it."""
    try:
        channels, reduction = operator.index(entry["num_chs"]), float(entry["reduction"])
        module = str(entry.get("module", ""))
    except Exception:
        return None
    if channels < 0 or not (math.isfinite(reduction) and reduction >= 0):
        return None
    return FeatureLevel(index, module, channels, int(reduction) if reduction.is_integer() else reduction)


def _features(
    name: str, options: ModelOptions, counted: CountedModel, emit: Emit
) -> tuple[list[FeatureLevel], str | None]:
    """The levels that the model declares, with what an extractor of all of them gives for the counted model's input.

    The extractor is on the counted model's device. A level that names no module cannot be extracted.

    Returns:
        The levels, and why some are not measured where that is so.
    """
    declared = levels_of(counted.model)
    unread = len(_declared(counted.model)) - len(declared)
    if not declared:
        return [], "its feature_info cannot be read" if unread else "the model declares no feature_info"
    emit(Progress("features", f"extracting the features of {name}"))
    named = [level for level in declared if level.module]
    args = {**options.args, "out_indices": tuple(level.index for level in named)}
    wishes = replace(options, features_only=True, args=args)
    try:
        maps, axes = _extracted(name, wishes, counted)
    except Exception as error:
        return declared, f"no features can be extracted: {reason(error)}"
    if len(maps) != len(named):
        return declared, f"the extractor gives {len(maps)} levels of {len(named)}"
    height = counted.input_size[1]
    found = {level.index: _with_map(level, tensor, axes, height) for level, tensor in zip(named, maps, strict=True)}
    levels = [found.get(level.index, level) for level in declared]
    nameless = ", ".join(str(level.index) for level in declared if not level.module)
    if nameless:
        return levels, f"declared without a module, so that it cannot be extracted: {nameless}"
    return levels, f"{unread} more declared in a way that cannot be read" if unread else None


_Axes = tuple[int, int | None]
"""Which dimensions of a level are channels and height; there is no height in a list of tokens."""


def _extracted(name: str, wishes: ModelOptions, counted: CountedModel) -> tuple[list[Tensor], _Axes]:
    """The levels of a feature extractor, and how they lie.

    Raises:
        Exception: it cannot be built or run.
    """
    device = counted.device
    extractor = build_for_meta(name, wishes)[0] if device == META else build_on(name, wishes, device)
    with device, torch.no_grad(), Shortened():
        return list(tensors_of(extractor(torch.randn(1, *counted.input_size)))), _axes(extractor)


def _axes(extractor: nn.Module) -> _Axes:
    layout = str(getattr(getattr(extractor, "output_fmt", None), "value", "NCHW"))
    return {"NCHW": (1, 2), "NHWC": (3, 1), "NLC": (2, None), "NCL": (1, None)}.get(layout, (1, 2))


def _with_map(level: FeatureLevel, tensor: Tensor, axes: _Axes, height: int) -> FeatureLevel:
    channels, rows = axes
    if tensor.ndim != 4 or rows is None:
        return replace(level, measured_channels=tensor.shape[channels] if tensor.ndim > channels else None)
    return replace(level, measured_channels=tensor.shape[channels], measured_reduction=height / tensor.shape[rows])
