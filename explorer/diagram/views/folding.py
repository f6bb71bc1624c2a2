"""Repeats: units one after the other that are alike in everything but their weights."""

from collections.abc import Hashable, Sequence
from dataclasses import replace

from explorer.diagram.views.segments import Pass, Unit

_LONGEST_PATTERN = 8

Wires = list[tuple[str, int]]
"""Where each operator of a stretch takes from: ``within`` it or ``before`` by place, ``elsewhere`` by number."""


def fold(passed: Pass, units: Sequence[Unit]) -> Sequence[Unit]:
    """The units, with each run of repeats as one.

    Repeats are alike in classes, settings, shapes, parameters and operators, and each takes the same from the one
    before it. A pattern may be of several units: of those that save most the shortest is taken.
    """
    digests = [_digest(passed, unit) for unit in units]
    folded: list[Unit] = []
    at = 0
    while at < len(units):
        length, times = _best(passed, units, digests, at)
        if times == 1:
            folded.append(units[at])
            at += 1
            continue
        repeats = [tuple(units[at + r * length : at + (r + 1) * length]) for r in range(times)]
        folded.append(_repeated(repeats))
        at += length * times
    return folded


def _best(passed: Pass, units: Sequence[Unit], digests: Sequence[Hashable], at: int) -> tuple[int, int]:
    """Length and number of repeats of the pattern that begins here."""
    best = (1, 1)
    for length in range(1, min(_LONGEST_PATTERN, (len(units) - at) // 2) + 1):
        times = _run(passed, units, digests, at, length)
        if _is_worth(units[at : at + length], times) and length * (times - 1) > best[0] * (best[1] - 1):
            best = (length, times)
    return best


def _is_worth(pattern: Sequence[Unit], times: int) -> bool:
    """Whether a frame around a pattern is simpler than the repeats themselves."""
    if not any(unit.calls or unit.repeats for unit in pattern):
        return False
    return times > 1 and (any(unit.parts for unit in pattern) or len(pattern) * (times - 1) > 1)


def _run(passed: Pass, units: Sequence[Unit], digests: Sequence[Hashable], at: int, length: int) -> int:
    """How many times the pattern of this length repeats from here."""
    size = units[at + length].first - units[at].first
    pattern = digests[at : at + length]
    times = 1
    wires: Wires | None = None
    while at + (times + 1) * length <= len(units):
        here = at + times * length
        if digests[here : here + length] != pattern or not _is_whole(passed, units, here, length, size):
            break
        now, before = _span(units, here, size), _span(units, here - length, size)
        found = _wires(passed, now, before)
        is_same = found == wires if wires else _continues(found, _wires(passed, before, None))
        if not is_same:
            break
        wires = found
        times += 1
    return times


def _span(units: Sequence[Unit], at: int, size: int) -> range:
    return range(units[at].first, units[at].first + size)


def _is_whole(passed: Pass, units: Sequence[Unit], at: int, length: int, size: int) -> bool:
    """Whether a repeat spans as many operators as the one before it, the same, those that no unit shows too."""
    operators = passed.flow.operators
    span = _span(units, at, size)
    is_followed_early = at + length < len(units) and units[at + length].first < span.stop
    if is_followed_early or not units[at + length - 1].stop <= span.stop <= len(operators):
        return False
    return all(operators[index].name == operators[index - size].name for index in span)


def _wires(passed: Pass, span: range, before: range | None) -> Wires:
    """Where every operator of a repeat takes from: this one, the one before, or elsewhere; operators by their place."""
    wires: Wires = []
    for index in span:
        for tensor in passed.flow.operators[index].inputs:
            if tensor.source in span:
                wires.append(("within", tensor.source - span.start))
            elif before is not None and tensor.source in before:
                wires.append(("before", tensor.source - before.start))
            else:
                wires.append(("elsewhere", tensor.source))
    return wires


def _continues(wires: Wires, first: Wires) -> bool:
    """Whether a second repeat takes like the first, but from it where that takes from elsewhere."""
    if len(first) != len(wires):
        return False
    return all(b == a if b[0] != "before" else a[0] == "elsewhere" for a, b in zip(first, wires, strict=True))


def _digest(passed: Pass, unit: Unit) -> Hashable:
    """What makes units alike, besides where they take from."""
    operators = tuple(
        (operator.name, operator.outputs, operator.macs, operator.weights if _is_own(operator.weights) else ())
        for operator in passed.flow.operators[unit.first : unit.stop]
    )
    calls = []
    base = passed.module(unit.calls[0]).path if unit.calls else ""
    for call in sorted(passed.calls_in(unit)):
        if passed.is_silent(call):
            continue
        module, row = passed.module(call), passed.flow.calls[call]
        place = (row.first - unit.first, row.stop - unit.first)
        shapes = tuple(t.shape for t in row.inputs), tuple(t.shape for t in row.outputs)
        calls.append((module.class_name, module.about, module.params, _role(module.path, base), place, shapes))
    return operators, tuple(calls)


def _role(path: str, base: str) -> str:
    """A module's path from the one it is in; of one beside it its last name, which may count on."""
    inner = path.removeprefix(base)
    return inner if inner != path else path.rpartition(".")[2].rstrip("0123456789")


def _is_own(weights: Sequence[str]) -> bool:
    return all("." not in name for name in weights)


def _repeated(repeats: Sequence[tuple[Unit, ...]]) -> Unit:
    first, last = repeats[0], repeats[-1]
    parts = first[0].parts if len(first) == 1 else first
    return replace(Unit(first[0].first, last[-1].stop), parts=tuple(parts), repeats=tuple(repeats))
