"""What the modules of a recorded pass are: class, setting and parameters of each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from explorer.protocol.flow import FlowLevel, FlowModule
from explorer.worker.inspection import levels_of


def modules(model: nn.Module, ran: Sequence[nn.Module]) -> list[FlowModule]:
    """A row for each of these modules; every parameter counts once in whatever holds it."""
    paths = {module: path for path, module in model.named_modules()}
    first: dict[int, str] = {}
    for module, path in paths.items():
        for parameter in module.parameters(recurse=False):
            first.setdefault(id(parameter), path)
    counts = _counts(model)
    return [_row(module, paths.get(module, ""), first, counts.get(module, 0)) for module in ran]


def _row(module: nn.Module, path: str, first: Mapping[int, str], params: int) -> FlowModule:
    own = list(module.parameters(recurse=False))
    cls = type(module)
    holders = (first.get(id(parameter), path) for parameter in own)
    return FlowModule(
        path=path,
        class_name=cls.__name__,
        source=f"{cls.__module__}:{cls.__qualname__}",
        about=about(module),
        params=params,
        own_params=sum(parameter.numel() for parameter in own),
        shared_with=next((holder for holder in holders if holder != path), ""),
    )


def _counts(model: nn.Module) -> dict[nn.Module, int]:
    """The parameters of every module with all that is in it."""
    held: dict[nn.Module, dict[int, Tensor]] = {}

    def gather(module: nn.Module) -> dict[int, Tensor]:
        if module not in held:
            held[module] = {id(p): p for p in module.parameters(recurse=False)}
            for child in module.children():
                held[module] |= gather(child)
        return held[module]

    gather(model)
    return {module: sum(p.numel() for p in own.values()) for module, own in held.items()}


def levels(model: nn.Module) -> list[FlowLevel]:
    """The levels that the model declares in ``feature_info``."""
    return list(_levels(model))


def _levels(model: nn.Module) -> Iterator[FlowLevel]:
    for level in levels_of(model):
        yield FlowLevel(level.index, level.module, level.declared_channels, level.declared_reduction)


_LONGEST = 40


def about(module: nn.Module) -> str:
    """Channels, kernel and stride of what has them; of other modules with parameters their own words, if few.

    ``3→64, 7×7, /2`` is a convolution from 3 to 64 channels with a kernel of 7 by 7 and a stride of 2.
    """
    for kind, words in _WORDS:
        if isinstance(module, kind):
            return str(words(module))
    own = " ".join(module.extra_repr().split()) if any(True for _ in module.parameters(recurse=False)) else ""
    return own if len(own) <= _LONGEST else ""


def _convolution(module: Any) -> str:
    groups = module.groups
    depthwise = groups > 1 and groups == module.in_channels
    return _listed(
        _channels(module.in_channels, module.out_channels),
        _size(module.kernel_size),
        _stride(module.stride),
        "depthwise" if depthwise else f"{groups} groups" if groups > 1 else "",
        f"dilated {_size(module.dilation)}" if _is_over_one(module.dilation) else "",
    )


def _pooling(module: Any) -> str:
    return _listed(_size(module.kernel_size), _stride(module.stride))


def _linear(module: Any) -> str:
    return _channels(module.in_features, module.out_features)


def _batch_norm(module: Any) -> str:
    return str(module.num_features)


def _group_norm(module: Any) -> str:
    return f"{module.num_channels}, {module.num_groups} groups" if module.num_groups > 1 else str(module.num_channels)


def _layer_norm(module: Any) -> str:
    return _size(module.normalized_shape)


_WORDS: Sequence[tuple[Any, Any]] = (
    (nn.modules.conv._ConvNd, _convolution),
    ((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d), _pooling),
    (nn.Linear, _linear),
    (nn.modules.batchnorm._BatchNorm, _batch_norm),
    (nn.GroupNorm, _group_norm),
    (nn.LayerNorm, _layer_norm),
)


def _channels(before: int, after: int) -> str:
    return f"{before}→{after}"


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
