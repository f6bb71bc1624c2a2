"""A row for every module of an examined model."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from explorer.protocol import FeatureLevel, Layer
from explorer.worker.counting import Tally
from explorer.worker.inspection.subject import Subject


def layers_of(subject: Subject, levels: Sequence[FeatureLevel]) -> list[Layer]:
    """All modules in the order of ``named_modules``, the model first; one that has two names appears once."""
    holdings = _Holdings(subject.model)
    stages = _Stages(levels)
    whole = subject.count.total.macs
    return [_layer(name, module, subject, holdings, stages.of(name), whole) for name, module in holdings.modules]


def _layer(
    name: str, module: nn.Module, subject: Subject, holdings: "_Holdings", level: FeatureLevel | None, whole: int
) -> Layer:
    tally = _tally(module, subject.count.tallies)
    shapes = subject.shapes.tallies.get(module, _NOT_CALLED)
    return Layer(
        name=name,
        class_name=type(module).__name__,
        input_shape=shapes.inputs,
        output_shape=shapes.output,
        params=_elements(holdings.params[module]),
        own_params=_elements(holdings.own_params[module]),
        buffers=_elements(holdings.buffers[module]),
        macs=tally.macs,
        own_macs=tally.own_macs,
        macs_fvcore=tally.macs_fvcore,
        activations=tally.activations,
        output_bytes=shapes.output_bytes,
        share=tally.macs / whole if whole else 0.0,
        calls=tally.calls,
        shared_with=holdings.shared_with(name, module),
        stage=level.index if level else None,
        reduction=level.declared_reduction if level else None,
    )


def _tally(module: nn.Module, tallies: Mapping[nn.Module, Tally]) -> Tally:
    """What a module did; one that is never called itself, like a ``ModuleList``, what those in it did together."""
    if module in tallies:
        return tallies[module]
    held = [_tally(child, tallies) for child in module.children()]
    return Tally(
        macs=sum(child.macs for child in held),
        macs_fvcore=sum(child.macs_fvcore for child in held),
        activations=sum(child.activations for child in held),
    )


_NOT_CALLED = Tally()

_Tensors = Mapping[int, Tensor]
"""Tensors by identity, so that none is there twice."""


def _elements(tensors: _Tensors) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


class _Holdings:
    """Which parameters and buffers every module holds, itself and with all that is in it."""

    def __init__(self, model: nn.Module) -> None:
        self.modules = list(model.named_modules())
        self.own_params = {module: _by_id(module.parameters(recurse=False)) for _, module in self.modules}
        self.params: dict[nn.Module, _Tensors] = {}
        self.buffers: dict[nn.Module, _Tensors] = {}
        self._first: dict[int, str] = {}
        self._gather(model, {module: _by_id(module.buffers(recurse=False)) for _, module in self.modules})
        for name, module in self.modules:
            for key in self.own_params[module]:
                self._first.setdefault(key, name)

    def _gather(self, module: nn.Module, own_buffers: Mapping[nn.Module, _Tensors]) -> None:
        params, buffers = dict(self.own_params[module]), dict(own_buffers[module])
        for child in module.children():
            if child not in self.params:
                self._gather(child, own_buffers)
            params |= self.params[child]
            buffers |= self.buffers[child]
        self.params[module], self.buffers[module] = params, buffers

    def shared_with(self, name: str, module: nn.Module) -> str | None:
        """The first other module that has one of its own parameters, if that comes before it."""
        firsts = (self._first[key] for key in self.own_params[module])
        return next((first for first in firsts if first != name), None)


def _by_id(tensors: Iterator[Any]) -> dict[int, Tensor]:
    return {id(tensor): tensor for tensor in tensors}


class _Stages:
    """Which level of ``feature_info`` a module belongs to."""

    def __init__(self, levels: Sequence[FeatureLevel]) -> None:
        self._levels: dict[str, FeatureLevel] = {}
        for level in levels:
            for name in (level.module, *_names_in_extractors(level.module)):
                self._levels.setdefault(name, level)

    def of(self, name: str) -> FeatureLevel | None:
        """The level given by this module or the closest that holds it."""
        while name:
            if name in self._levels:
                return self._levels[name]
            name = name.rpartition(".")[0]
        return None


def _names_in_extractors(name: str) -> tuple[str, ...]:
    """What timm's feature extractors call a module: a sequence is flattened, or the model is one module of theirs."""
    return name.replace(".", "_", 1), f"model.{name}", f"body.{name}"
