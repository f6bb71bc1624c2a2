"""Which parameters and buffers every module of a model holds."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

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
