"""Which of the repeats that a picture shows as one gives a tensor, and which takes it, in words."""

from collections.abc import Collection, Mapping, Sequence
from math import prod

from explorer.diagram.views.segments import Segment
from explorer.report.wording import runs

Turns = tuple[tuple[int, int], ...]
"""The repeats that an operator is in, the outermost first: the identity of the repeated segment, and which it is."""


def leaving(givers: Collection[Turns], folds: Mapping[int, Segment]) -> str:
    """Which repeats give something to what is outside: ``after 2 of 4``, ``from each of 6``.

    Nothing is said of the last of a chain, which is what one expects. Of repeats beside each other it is always said.

    Args:
        givers: those of every operator that gives it, all in the same repeated segments.
        folds: the repeated segments by identity.
    """
    levels = _levels(givers)
    if prod(len(numbers) for _, numbers in levels) != len(set(givers)):
        return f"from {len(set(givers))} of {prod(folds[fold].times for fold, _ in levels)}"
    return ", ".join(filter(None, (_giver(folds[fold], numbers) for fold, numbers in levels)))


def _giver(fold: Segment, numbers: Sequence[int]) -> str:
    if len(numbers) == fold.times:
        which = f"each of {fold.times}"
    elif fold.is_chained and list(numbers) == [fold.times - 1]:
        return ""
    else:
        sign = "" if fold.is_chained else "#"
        which = f"{sign}{runs([number + 1 for number in numbers])} of {fold.times}"
    return f"{'after' if fold.is_chained else 'from'} {which}"


def entering(takers: Collection[Turns], folds: Mapping[int, Segment]) -> str:
    """``to each of 6`` where not only the first of a chain takes something from outside.

    Args:
        takers: those of every operator that takes it, all in the same repeated segments.
        folds: the repeated segments by identity.
    """
    times = [len(numbers) for fold, numbers in _levels(takers) if folds[fold].is_chained]
    return f"to each of {prod(times)}" if prod(times) > 1 else ""


def _levels(turns: Collection[Turns]) -> list[tuple[int, list[int]]]:
    """The repeated segments, the outermost first, and the repeats that there are of each."""
    return [(level[0][0], sorted({turn for _, turn in level})) for level in zip(*turns, strict=True)]
