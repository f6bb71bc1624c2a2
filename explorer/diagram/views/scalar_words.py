"""Numbers that operators are called with: which keep repeats apart, and what is said of those that differ in a fold."""

from collections.abc import Sequence
from itertools import pairwise

from explorer.diagram.views.segments import ForwardPass, Segment
from explorer.protocol.flow import FlowOperator

_FEW = 4
"""Values that are all said though they neither rise nor fall."""


def fixed(operator: FlowOperator) -> tuple[tuple[str, str], ...]:
    """The scalars that repeats have in common; of fractions the names alone."""
    return tuple((name, "" if _is_fraction(value) else value) for name, value in operator.scalars)


def differing(passed: ForwardPass, segment: Segment) -> list[str]:
    """The fractions that differ between the repeats of a segment, each with its values: ``beta 0.98…0.83``."""
    if segment.times == 1:
        return []
    operators, starts = passed.flow.operators, segment.starts
    found: dict[tuple[str, ...], None] = {}
    for offset in range(starts[1] - starts[0]):
        turns = [operators[start + offset] for start in starts if start + offset < len(operators)]
        for number, (name, _) in enumerate(turns[0].scalars):
            values = tuple(turn.scalars[number][1] for turn in turns)
            if len(set(values)) > 1:
                found[name or turns[0].name, *values] = None
    return list(dict.fromkeys(f"{name} {_listed(values)}" for name, *values in found))


def _is_fraction(value: str) -> bool:
    try:
        return value != str(int(value))
    except ValueError:
        pass
    try:
        float(value)
    except ValueError:
        return False
    return True


def _listed(values: Sequence[str]) -> str:
    """Values in few digits: from first to last where they rise or fall, else all, or from the least to the greatest."""
    numbers = [float(value) for value in values]
    few = list(dict.fromkeys(numbers))
    words = _rounded(few)
    if numbers in (sorted(numbers), sorted(numbers, reverse=True)):
        return f"{words[0]}…{words[-1]}"
    if len(few) <= _FEW:
        return ", ".join(words)
    ordered = _rounded(sorted(few))
    return f"{ordered[0]} to {ordered[-1]}"


def _rounded(numbers: Sequence[float]) -> list[str]:
    """Numbers that differ, in as few digits as keep each from the next, two at least."""
    for digits in range(2, 17):
        words = [f"{number:.{digits}g}" for number in numbers]
        if all(one != other for one, other in pairwise(words)):
            return words
    return [repr(number) for number in numbers]
