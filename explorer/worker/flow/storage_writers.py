"""Which operator wrote each part of each storage last."""

from dataclasses import dataclass
from math import gcd
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor
from torch._C import _functorch as functorch  # what torch.func wraps in is told by nothing public
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils.weak import WeakIdRef

Memory: TypeAlias = StorageWeakRef | WeakIdRef

NOWHERE = np.iinfo(np.int32).min
"""The writer of what no operator wrote and the model was not given."""

_MOST_CELLS = 1 << 24
"""Cells kept of one storage, 64 MB of them."""


class StorageWriters:
    """The writers of storages, by operator index; what the model was given has negative ones.

    A storage is known as long as it lives, and as one thing until a part of it is written. From then on it has a map of
    cells, each as large as all parts allow that were looked at: a slice, of whatever dimension and step, is told from
    the slice beside it.
    """

    def __init__(self) -> None:
        self._writers: dict[Memory, int] = {}
        self._cells: dict[Memory, _Cells] = {}

    def write(self, tensor: Tensor, writer: int) -> None:
        """Whoever reads this memory from now on reads what this writer wrote, through whatever view."""
        memory, region = memory_of(tensor), Region.of(tensor)
        if region is not None and not region.is_whole:
            self._write_part(memory, region, writer)
        else:
            self._cells.pop(memory, None)
            self._writers[memory] = writer

    def writers(self, tensor: Tensor) -> list[int]:
        """The operators and inputs of which the tensor holds what they wrote; none where it comes from nowhere."""
        memory = memory_of(tensor)
        cells = self._cells.get(memory)
        region = Region.of(tensor) if cells else None
        found = cells.writers(region) if cells and region else [self._writers.get(memory, NOWHERE)]
        return [writer for writer in found if writer != NOWHERE]

    def _write_part(self, memory: Memory, region: "Region", writer: int) -> None:
        cells = self._cells.get(memory)
        if cells is None:
            for gone in [known for known in self._cells if known.expired()]:
                del self._cells[gone]
            cells = self._cells[memory] = _Cells(region.storage_bytes, self._writers.pop(memory, NOWHERE))
        cells.write(region, writer)


@dataclass(frozen=True, slots=True)
class Region:
    """The bytes of a storage that a tensor shows: where it begins, and its runs, each ``run`` bytes long."""

    storage_bytes: int
    offset: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    run: int

    @classmethod
    def of(cls, tensor: Tensor) -> "Region | None":
        """A tensor's region; ``None`` where it has no storage of its own."""
        tensor = _unwrapped(tensor)
        try:
            item, storage_bytes, offset = tensor.itemsize, tensor.untyped_storage().nbytes(), tensor.storage_offset()
        except (NotImplementedError, RuntimeError):
            return None
        run = item if tensor.numel() else 0
        sides = [(stride * item, size) for stride, size in zip(tensor.stride(), tensor.shape, strict=True)]
        apart: list[tuple[int, int]] = []
        for stride, size in sorted(side for side in sides if side[0] and side[1] > 1):
            if stride == run and not apart:
                run *= size
            else:
                apart.append((stride, size))
        strides, sizes = tuple(side[0] for side in apart), tuple(side[1] for side in apart)
        return cls(storage_bytes, offset * item, sizes, strides, run)

    @property
    def is_whole(self) -> bool:
        """Whether these are all bytes of the storage."""
        return self.run >= self.storage_bytes

    @property
    def end(self) -> int:
        """The byte after the last."""
        return (
            self.offset + self.run + sum((n - 1) * stride for n, stride in zip(self.sizes, self.strides, strict=True))
        )


class _Cells:
    """A storage's writers, cell by cell; a cell is ``width`` bytes, of which no part was written alone.

    Writers of parts that are too small to be told apart are taken to have written a bit of everything.
    """

    def __init__(self, storage_bytes: int, writer: int) -> None:
        self._width = storage_bytes
        self._map = np.full(1, writer, np.int32)
        self._everywhere: set[int] = set()

    def write(self, region: Region, writer: int) -> None:
        """Note the writer of a region."""
        view = self._view(region)
        if view is None:
            self._everywhere.add(writer)
        else:
            view[...] = writer

    def writers(self, region: Region) -> list[int]:
        """All writers in a region, as far as they can be told apart."""
        view = self._view(region)
        return sorted(self._everywhere.union(np.unique(self._map if view is None else view).tolist()))

    def _view(self, region: Region) -> Any:
        """The cells of a region; ``None`` where they would be too small."""
        width = gcd(self._width, region.offset, region.run, *region.strides)
        count = max(region.end, self._width * len(self._map)) // max(width, 1)
        if not width or count > _MOST_CELLS:
            return None
        if width != self._width:
            self._map, self._width = np.repeat(self._map, self._width // width), width
        if count > len(self._map):  # the storage has grown since
            self._map = np.concatenate((self._map, np.full(count - len(self._map), NOWHERE, np.int32)))
        shape = (*region.sizes, region.run // width)
        strides = (*(stride // width * self._map.itemsize for stride in region.strides), self._map.itemsize)
        return np.lib.stride_tricks.as_strided(self._map[region.offset // width :], shape, strides)


def memory_of(tensor: Tensor) -> Memory:
    """What tells a tensor's storage from any other, on meta too, where there is no data to point to.

    A storage that is gone leaves its address to a later one. As long as something refers to it, be it weakly, its place
    is not given away: whoever keeps what this returns as a key never meets a stranger under it.
    """
    tensor = _unwrapped(tensor)
    try:
        return StorageWeakRef(tensor.untyped_storage())
    except (NotImplementedError, RuntimeError):
        return WeakIdRef(tensor)  # a sparse tensor has no storage of its own: it is nobody's view


def _unwrapped(tensor: Tensor) -> Tensor:
    while functorch.is_functorch_wrapped_tensor(tensor):
        tensor = functorch.get_unwrapped(tensor)
    return tensor
