"""What the modules of a recorded pass are: class, setting and parameters of each."""

from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor, nn

from explorer.protocol.flow import FlowLevel, FlowModule
from explorer.worker.flow.settings_text import about
from explorer.worker.inspection.features import levels_of


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
