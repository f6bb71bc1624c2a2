"""The feature levels that a model declares, and what an extractor of them really gives."""

import math
import operator
from typing import Any

import torch
from msgspec.structs import replace
from torch import Tensor, nn

from explorer.protocol.events import Emit, Progress
from explorer.protocol.inspect import FeatureLevel
from explorer.protocol.request import ModelOptions
from explorer.worker.counting import Shortened, tensors_of
from explorer.worker.model_factory import META, build_for_meta, build_on
from explorer.worker.model_failures import reason


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


def measured_levels(
    name: str, options: ModelOptions, model: nn.Module, images: Tensor, emit: Emit
) -> tuple[list[FeatureLevel], str | None]:
    """The levels that the model declares, with what an extractor of all of them gives for these images.

    The extractor is on the images' device. A level that names no module cannot be extracted.

    Returns:
        The levels, and why some are not measured where that is so.
    """
    declared = levels_of(model)
    unread = len(_declared(model)) - len(declared)
    if not declared:
        return [], "its feature_info cannot be read" if unread else "the model declares no feature_info"
    emit(Progress("features", f"extracting the features of {name}"))
    named = [level for level in declared if level.module]
    args = {**options.args, "out_indices": tuple(level.index for level in named)}
    wishes = replace(options, features_only=True, args=args)
    try:
        maps, axes = _extracted(name, wishes, images)
    except Exception as error:
        return declared, f"no features can be extracted: {reason(error)}"
    if len(maps) != len(named):
        return declared, f"the extractor gives {len(maps)} levels of {len(named)}"
    height = images.shape[2]
    found = {level.index: _with_map(level, tensor, axes, height) for level, tensor in zip(named, maps, strict=True)}
    levels = [found.get(level.index, level) for level in declared]
    nameless = ", ".join(str(level.index) for level in declared if not level.module)
    if nameless:
        return levels, f"declared without a module, so that it cannot be extracted: {nameless}"
    return levels, f"{unread} more declared in a way that cannot be read" if unread else None


_Axes = tuple[int, int | None]
"""Which dimensions of a level are channels and height; there is no height in a list of tokens."""


def _extracted(name: str, wishes: ModelOptions, images: Tensor) -> tuple[list[Tensor], _Axes]:
    """The levels of a feature extractor, and how they lie.

    Raises:
        Exception: it cannot be built or run.
    """
    device = images.device
    extractor = build_for_meta(name, wishes)[0] if device == META else build_on(name, wishes, device)
    with device, torch.no_grad(), Shortened():
        return list(tensors_of(extractor(images))), _axes(extractor)


def _axes(extractor: nn.Module) -> _Axes:
    layout = str(getattr(getattr(extractor, "output_fmt", None), "value", "NCHW"))
    return {"NCHW": (1, 2), "NHWC": (3, 1), "NLC": (2, None), "NCL": (1, None)}.get(layout, (1, 2))


def _with_map(level: FeatureLevel, tensor: Tensor, axes: _Axes, height: int) -> FeatureLevel:
    channels, rows = axes
    if tensor.ndim != 4 or rows is None:
        return replace(level, measured_channels=tensor.shape[channels] if tensor.ndim > channels else None)
    return replace(level, measured_channels=tensor.shape[channels], measured_reduction=height / tensor.shape[rows])
