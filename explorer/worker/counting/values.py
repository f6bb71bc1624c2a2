"""The tensors in what models take and return, and their shapes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from types import SimpleNamespace
from typing import Any

from torch import Tensor


def tensors_of(value: Any) -> Iterator[Tensor]:
    """The tensors in a value: itself, or those in its lists, tuples, dicts and dataclasses, in order."""
    if isinstance(value, Tensor):
        yield value
    for item in _items(value):
        yield from tensors_of(item)


def _items(value: Any) -> Iterable[Any]:
    """What is in a container; nothing is in anything else."""
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if isinstance(value, SimpleNamespace):
        return vars(value).values()
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name, None) for field in fields(value)]
    return ()


def shapes_of(value: Any) -> Any:
    """The shape of a tensor, or a tuple of what is in a container; ``None`` where there is no tensor."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    return tuple(shape for shape in map(shapes_of, _items(value)) if shape is not None) or None
