"""Numbers, values and edges as people read them, in lines of text."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from explorer.graph import EdgeKind

EDGE_MARKS = {
    EdgeKind.CALLS: "→",
    EdgeKind.DISPATCHES: "⇢",
    EdgeKind.INHERITS: "▷",
    EdgeKind.IMPORTS: "⇠",
    EdgeKind.REGISTERS: "®",
    EdgeKind.COMPOSES: "◆",
}
"""The sign before a node in a tree, by the kind of edge that leads to it. Inheritance and composition have UML's."""

REPEATED = "↑ shown above"
"""Stands in place of what is below a node that a tree has had already."""


def significant(value: float) -> str:
    """Three significant digits, or all before the point where there are more."""
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{decimals}f}"


def milliseconds(value: float) -> str:
    """A time given in milliseconds."""
    return f"{significant(value)} ms"


def mebibytes(size_bytes: int) -> str:
    """A size in MiB, without the unit."""
    return f"{size_bytes / 2**20:,.0f}"


def size(img_size: int | tuple[int, int]) -> str:
    """Height × width of an image; one number stands for a square."""
    height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
    return f"{height}×{width}"


def short(value: int) -> str:
    """A count with three significant digits and a metric prefix: ``21.8 M``."""
    scaled, prefix = _scaled(value, 1000, ("", "k", "M", "G", "T"))
    return f"{value}" if not prefix else f"{significant(scaled)} {prefix}"


def byte_size(size_bytes: int) -> str:
    """A size with a binary prefix: ``784 KiB``."""
    scaled, prefix = _scaled(size_bytes, 1024, ("", "Ki", "Mi", "Gi", "Ti"))
    return f"{size_bytes} B" if not prefix else f"{significant(scaled)} {prefix}B"


def _scaled(value: float, step: int, prefixes: Sequence[str]) -> tuple[float, str]:
    """A number below ``step`` as it will be rounded, where there are prefixes enough, and the prefix it has then."""
    for prefix in prefixes[:-1]:
        if abs(value) < step - 0.5:
            return value, prefix
        value /= step
    return value, prefixes[-1]


def percent(share: float) -> str:
    """A part of a whole, given as 0 to 1, in percent."""
    if 0 < share < 0.0005:
        return "<0.1 %"
    return f"{share * 100:.1f} %"


def dimensions(shape: Sequence[Any] | None, batch_size: int | None = None, sign: str = "×") -> str:
    """A tensor's shape as ``64×56×56``, several after one another.

    Args:
        shape: of a tensor, or of each of several, nested or not.
        batch_size: left out where it is the first dimension.
        sign: between dimensions.
    """
    if shape is None:
        return ""
    if any(not isinstance(size, int) for size in shape):
        return ", ".join(filter(None, (dimensions(part, batch_size, sign) for part in shape)))
    rest = shape[1:] if batch_size is not None and len(shape) > 1 and shape[0] == batch_size else shape
    return sign.join(map(str, rest))


def runs(numbers: Sequence[int]) -> str:
    """Numbers, least first, those that follow one another as from and to: ``0–2, 5``; in equal steps ``0, 2 … 22``."""
    step = numbers[1] - numbers[0] if len(numbers) > 1 else 1
    if step > 1 and len(numbers) > 3 and all(b - a == step for a, b in pairwise(numbers)):
        return f"{numbers[0]}, {numbers[1]} … {numbers[-1]}"
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(f"{g[0]}–{g[-1]}" if len(g) > 1 else str(g[0]) for g in groups)


def places(names: Sequence[str]) -> str:
    """Places in a model, in order, as one name: ``0–2``, ``norm1–3``, ``0, 2, 4``, ``q_norm, k_norm``."""
    stem = names[0].rstrip("0123456789")
    numbers = [name.removeprefix(stem) for name in names]
    if all(number.isdecimal() and number == str(int(number)) for number in numbers):
        return stem + runs(sorted({int(number) for number in numbers}))
    return ", ".join(names)


def in_words(value: Any) -> str:
    """A JSON value in words: sizes as ``3 × 224 × 224``, other lists with commas, true and false as yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        # A bool is an int to Python, and no size.
        is_size = bool(value) and all(type(item) is int for item in value)
        return (" × " if is_size else ", ").join(map(in_words, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {in_words(item)}" for key, item in value.items())
    return str(value)
