"""The tensors in what models take and return, and their shapes."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

_DEEPEST = 8
"""Containers within containers that are looked into: people's own objects may hold half a program."""


def tensors_of(value: Any) -> Iterator[Tensor]:
    """The tensors in a value, in order: itself, or those in its containers and plain objects; of nested tensors all."""
    return _tensors(value, ())


def _tensors(value: Any, holders: tuple[int, ...]) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield from _parts(value) if is_made_of_others(type(value)) or value.is_nested else (value,)
        return
    for item in _items(value, holders):
        yield from _tensors(item, (*holders, id(value)))


def shapes_of(value: Any) -> Any:
    """The shape of a tensor, of a nested one those of its parts, or a tuple of what is in a container or plain object.

    ``None`` where there is no tensor.
    """
    return _shapes(value, ())


def _shapes(value: Any, holders: tuple[int, ...]) -> Any:
    if isinstance(value, Tensor):
        return tuple(tuple(part.shape) for part in _parts(value)) if value.is_nested else tuple(value.shape)
    inner = (_shapes(item, (*holders, id(value))) for item in _items(value, holders))
    return tuple(shape for shape in inner if shape is not None) or None


def _items(value: Any, holders: tuple[int, ...]) -> Iterable[Any]:
    """What is in a container or plain object; nothing in what holds itself a second time, and in anything else."""
    if id(value) in holders or len(holders) >= _DEEPEST:
        return ()
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, list | tuple | set | frozenset | deque):
        return value
    if isinstance(value, type) or callable(value):
        return ()
    if is_dataclass(value):
        return [getattr(value, field.name, None) for field in fields(value)]
    return getattr(value, "__dict__", {}).values()


def is_made_of_others(kind: type) -> bool:
    """Whether tensors of this class run as the ordinary ones that they are made of, as jagged ones do."""
    return hasattr(kind, "__tensor_flatten__")


def _parts(tensor: Any) -> Iterable[Tensor]:
    """The ordinary tensors that a nested one, or one of such a class, is made of."""
    if is_made_of_others(type(tensor)):
        names, _ = tensor.__tensor_flatten__()
        return [part for part in (getattr(tensor, name) for name in names[:1]) if isinstance(part, Tensor)]
    with _disable_current_modes():
        parts: tuple[Tensor, ...] = tensor.unbind()
    return parts
