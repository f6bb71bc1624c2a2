"""What the modules of a recorded pass are: class, parameters, and what each is set to in a few words."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from explorer.protocol.flow import FlowLevel, FlowModule
from explorer.worker.feature_levels import levels_of
from explorer.worker.holdings import Holdings

_LONGEST = 40
"""Characters of a module's own words that still fit beside its name in a picture."""


def modules(model: nn.Module, ran: Sequence[nn.Module]) -> list[FlowModule]:
    """A row for each of these modules of the model; every parameter counts once in whatever holds it."""
    holdings = Holdings(model)
    paths = {module: path for path, module in holdings.modules}
    return [
        FlowModule(
            path=paths[module],
            class_name=type(module).__name__,
            source=f"{type(module).__module__}:{type(module).__qualname__}",
            about=about(module),
            params=holdings.param_count(module),
            own_params=holdings.own_param_count(module),
            shared_with=holdings.shared_with(paths[module], module) or "",
        )
        for module in ran
    ]


def levels(model: nn.Module) -> list[FlowLevel]:
    """The levels that the model declares in ``feature_info``."""
    return [
        FlowLevel(level.index, level.module, level.declared_channels, level.declared_reduction)
        for level in levels_of(model)
    ]


def about(module: Any) -> str:
    """Channels, kernel and stride of what has them; of other modules with parameters their own words, if few.

    ``3→64, 7×7, /2`` is a convolution from 3 to 64 channels with a kernel of 7 by 7 and a stride of 2.
    """
    match module:
        case (
            nn.Conv1d() | nn.Conv2d() | nn.Conv3d() | nn.ConvTranspose1d() | nn.ConvTranspose2d() | nn.ConvTranspose3d()
        ):
            return _convolution(module)
        case nn.MaxPool1d() | nn.MaxPool2d() | nn.MaxPool3d() | nn.AvgPool1d() | nn.AvgPool2d() | nn.AvgPool3d():
            return _listed(_size(module.kernel_size), _stride(module.stride))
        case nn.Linear():
            return f"{module.in_features}→{module.out_features}"
        case nn.BatchNorm1d() | nn.BatchNorm2d() | nn.BatchNorm3d() | nn.SyncBatchNorm():
            return str(module.num_features)
        case nn.GroupNorm():
            groups = f"{module.num_groups} groups" if module.num_groups > 1 else ""
            return _listed(str(module.num_channels), groups)
        case nn.LayerNorm():
            return _size(module.normalized_shape)
    if next(module.parameters(recurse=False), None) is None:
        return ""
    own = " ".join(module.extra_repr().split())
    return own if len(own) <= _LONGEST else ""


def _convolution(module: Any) -> str:
    groups = f"{module.groups} groups" if module.groups > 1 else ""
    if groups and module.groups == module.in_channels:
        groups = "depthwise"
    return _listed(
        f"{module.in_channels}→{module.out_channels}",
        _size(module.kernel_size),
        _stride(module.stride),
        groups,
        f"dilated {_size(module.dilation)}" if _is_over_one(module.dilation) else "",
    )


def _size(value: Any) -> str:
    """``7×7`` for 7 of a picture's two sides, ``3×5`` for both, ``768`` for one alone."""
    if isinstance(value, Sequence):
        return "×".join(map(str, value))
    return f"{value}×{value}"


def _stride(value: Any) -> str:
    sides = list(value) if isinstance(value, Sequence) else [value]
    if not _is_over_one(sides):
        return ""
    return f"/{sides[0]}" if len(set(sides)) == 1 else f"/{_size(sides)}"


def _is_over_one(value: Any) -> bool:
    return any(side != 1 for side in value) if isinstance(value, Sequence) else value != 1


def _listed(*parts: str) -> str:
    return ", ".join(filter(None, parts))
