"""What a model declares of its feature levels, and what its feature extractor really gives."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from explorer.protocol import FeatureLevel, ModelOptions
from explorer.worker.building.build import META, built, built_for_meta
from explorer.worker.building.failures import reason
from explorer.worker.counting import Shortened, tensors_of
from explorer.worker.inspection.subject import Subject


def levels_of(model: nn.Module) -> list[FeatureLevel]:
    """The levels that a model declares, unmeasured; none where it declares nothing."""
    info = getattr(model, "feature_info", None)
    entries = getattr(info, "info", info)
    if not isinstance(entries, list | tuple):
        return []
    known = [entry for entry in entries if isinstance(entry, Mapping) and "num_chs" in entry and "reduction" in entry]
    return [
        FeatureLevel(index, str(entry.get("module", "")), int(entry["num_chs"]), int(entry["reduction"]))
        for index, entry in enumerate(known)
    ]


def measured(
    name: str, options: ModelOptions, subject: Subject, declared: Sequence[FeatureLevel]
) -> tuple[list[FeatureLevel], str | None]:
    """The levels with what an extractor of all of them gives for the subject's input.

    The extractor is on the subject's device. A level that names no module cannot be extracted.

    Returns:
        The levels, and why some are not measured where that is so.
    """
    named = [level for level in declared if level.module]
    args = {**options.args, "out_indices": tuple(level.index for level in named)}
    wishes = replace(options, features_only=True, args=args)
    try:
        maps, axes = _extracted(name, wishes, subject)
    except Exception as error:
        return list(declared), f"no features can be extracted: {reason(error)}"
    if len(maps) != len(named):
        return list(declared), f"the extractor gives {len(maps)} levels of {len(named)}"
    height = subject.input_size[1]
    found = {level.index: _with_map(level, tensor, axes, height) for level, tensor in zip(named, maps, strict=True)}
    nameless = ", ".join(str(level.index) for level in declared if not level.module)
    return [found.get(level.index, level) for level in declared], (
        f"declared without a module, so that it cannot be extracted: {nameless}" if nameless else None
    )


_Axes = tuple[int, int | None]
"""Which dimensions of a level are channels and height; there is no height in a list of tokens."""


def _extracted(name: str, wishes: ModelOptions, subject: Subject) -> tuple[list[Tensor], _Axes]:
    """The levels of a feature extractor, and how they lie.

    Raises:
        Exception: it cannot be built or run.
    """
    device = subject.device
    extractor = built_for_meta(name, wishes)[0] if device == META else built(name, wishes, device)
    with device, torch.no_grad(), Shortened():
        return list(tensors_of(extractor(torch.randn(1, *subject.input_size)))), _axes(extractor)


def _axes(extractor: nn.Module) -> _Axes:
    layout = str(getattr(getattr(extractor, "output_fmt", None), "value", "NCHW"))
    return {"NCHW": (1, 2), "NHWC": (3, 1), "NLC": (2, None), "NCL": (1, None)}.get(layout, (1, 2))


def _with_map(level: FeatureLevel, tensor: Tensor, axes: _Axes, height: int) -> FeatureLevel:
    channels, rows = axes
    if tensor.ndim != 4 or rows is None:
        return replace(level, measured_channels=tensor.shape[channels] if tensor.ndim > channels else None)
    return replace(level, measured_channels=tensor.shape[channels], measured_reduction=height / tensor.shape[rows])
