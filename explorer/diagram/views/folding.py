"""What of a pass is said once: repeats joined, and which segments are opened within a budget of boxes."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

from explorer.diagram.views.scalar_words import fixed
from explorer.diagram.views.segments import ForwardPass, Segment
from explorer.protocol.flow import FlowOperator
from explorer.queries.slices import MAX_NODES

_LONGEST_PATTERN = 8
"""Segments in a pattern at the most: hybrid models alternate up to that many, and each length is tried everywhere."""

_FEW = 6
"""Blocks of a stage that is opened though one like it is open."""

Wires = list[tuple[str, int]]
"""Where each operator of a stretch takes from: ``within`` it or ``before`` by place, ``elsewhere`` by number."""


def fold(passed: ForwardPass, segments: Sequence[Segment]) -> Sequence[Segment]:
    """The segments, with each run of repeats as one.

    Repeats are alike in classes, settings, shapes, parameters and operators, and each takes the same from the one
    before it; fractions that operators are called with may differ, which is said of a fold. A pattern may be of several
    segments: of those that save most the shortest is taken.
    """
    finder = _RepeatFinder(passed, segments, [_digest(passed, segment) for segment in segments])
    folded: list[Segment] = []
    at = 0
    while at < len(segments):
        length, times = finder.best(at)
        if times == 1:
            folded.append(segments[at])
        else:
            starts = range(at, at + length * times, length)
            repeats = [tuple(segments[start : start + length]) for start in starts]
            folded.append(_repeated(repeats, finder.is_chained(at, length)))
        at += length * times
    return folded


@dataclass(frozen=True, slots=True)
class _RepeatFinder:
    """Looks for repeats among segments; ``digests`` are what makes each of them alike to others."""

    passed: ForwardPass
    segments: Sequence[Segment]
    digests: Sequence[Hashable]

    def best(self, at: int) -> tuple[int, int]:
        """Length and number of repeats of the pattern that begins here."""
        best = (1, 1)
        for length in range(1, min(_LONGEST_PATTERN, (len(self.segments) - at) // 2) + 1):
            times = self._run(at, length)
            saves_more = length * (times - 1) > best[0] * (best[1] - 1)
            if saves_more and _is_worth(self.segments[at : at + length], times):
                best = (length, times)
        return best

    def _run(self, at: int, length: int) -> int:
        """How many times the pattern of this length repeats from here."""
        size = self.segments[at + length].first - self.segments[at].first
        pattern = self.digests[at : at + length]
        times = 1
        wires: Wires | None = None
        while at + (times + 1) * length <= len(self.segments):
            here = at + times * length
            if self.digests[here : here + length] != pattern or not self._is_whole(here, length, size):
                break
            now, before = self._span(here, size), self._span(here - length, size)
            found = self._wires(now, before)
            # The first repeat takes from what is before all of them; how repeats hang together shows from the second.
            is_same = found == wires if wires else _continues(found, self._wires(before, None))
            if not is_same:
                break
            wires = found
            times += 1
        return times

    def is_chained(self, at: int, length: int) -> bool:
        """Whether the second repeat of the pattern that begins here takes from the first."""
        size = self.segments[at + length].first - self.segments[at].first
        first, second = self._span(at, size), self._span(at + length, size)
        return any(kind == "before" and self.passed.is_live[first[place]] for kind, place in self._wires(second, first))

    def _span(self, at: int, size: int) -> range:
        return range(self.segments[at].first, self.segments[at].first + size)

    def _is_whole(self, at: int, length: int, size: int) -> bool:
        """Whether a repeat spans as many operators as the one before it, the same, also those that no segment shows."""
        operators = self.passed.flow.operators
        span = self._span(at, size)
        is_followed_early = at + length < len(self.segments) and self.segments[at + length].first < span.stop
        if is_followed_early or not self.segments[at + length - 1].stop <= span.stop <= len(operators):
            return False
        return all(_is_alike(operators[index], operators[index - size]) for index in span)

    def _wires(self, span: range, before: range | None) -> Wires:
        """Where every operator of a repeat takes from: this one, the one before, or elsewhere."""
        wires: Wires = []
        for index in span:
            for tensor in self.passed.flow.operators[index].inputs:
                if tensor.source in span:
                    wires.append(("within", tensor.source - span.start))
                elif before is not None and tensor.source in before:
                    wires.append(("before", tensor.source - before.start))
                else:
                    wires.append(("elsewhere", tensor.source))
        return wires


def _is_alike(one: FlowOperator, other: FlowOperator) -> bool:
    return one.name == other.name and fixed(one) == fixed(other)


def _is_worth(pattern: Sequence[Segment], times: int) -> bool:
    """Whether a frame around a pattern is simpler than the repeats themselves."""
    if not any(segment.calls or segment.repeats for segment in pattern):
        return False
    return times > 1 and (any(segment.parts for segment in pattern) or len(pattern) * (times - 1) > 1)


def _continues(wires: Wires, first: Wires) -> bool:
    """Whether a second repeat takes like the first, but from it where that takes from elsewhere."""
    if len(first) != len(wires):
        return False
    return all(b == a if b[0] != "before" else a[0] == "elsewhere" for a, b in zip(first, wires, strict=True))


def _digest(passed: ForwardPass, segment: Segment) -> Hashable:
    """What makes segments alike, besides where they take from."""

    def is_own(operator: FlowOperator) -> bool:
        return all("." not in name for name in operator.weights)

    operators = tuple(
        (operator.name, fixed(operator), operator.outputs, operator.macs, operator.weights if is_own(operator) else ())
        for operator in passed.flow.operators[segment.first : segment.stop]
    )
    calls = []
    base = passed.module(segment.calls[0]).path if segment.calls else ""
    for call in sorted(passed.calls_in(segment)):
        if passed.is_silent(call):
            continue
        module, row = passed.module(call), passed.flow.calls[call]
        place = (row.first - segment.first, row.stop - segment.first)
        shapes = tuple(t.shape for t in row.inputs), tuple(t.shape for t in row.outputs)
        calls.append((module.class_name, module.about, module.params, _role(module.path, base), place, shapes))
    return operators, tuple(calls)


def _role(path: str, base: str) -> str:
    """A module's path from the one it is in; of one beside it its last name, which may count on."""
    inner = path.removeprefix(base)
    return inner if inner != path else path.rpartition(".")[2].rstrip("0123456789")


def _repeated(repeats: Sequence[tuple[Segment, ...]], is_chained: bool) -> Segment:
    first, last = repeats[0], repeats[-1]
    parts = first[0].parts if len(first) == 1 else first
    start, stop = first[0].first, last[-1].stop
    return Segment(start, stop, parts=tuple(parts), repeats=tuple(repeats), is_chained=is_chained)


@dataclass(frozen=True, slots=True)
class ShownSegment:
    """A segment as it is shown: a box, or where there are ``parts`` a frame around these."""

    segment: Segment
    parts: tuple["ShownSegment", ...] = ()


def shown(passed: ForwardPass, whole: Segment, nodes: int, depth: int | None) -> ShownSegment:
    """The segment of the model, opened from the outside in as far as there is room.

    Args:
        passed: the pass.
        whole: the segment.
        nodes: boxes there is room for.
        depth: levels of segments shown in the model; all are opened down to it. When ``None``, of those that are
            built alike the first, and the others only where there is more room than usual.
    """
    # A model of hundreds of parts side by side has too many boxes before anything is opened.
    top = grouped(whole.parts, nodes)
    opened = _opened(passed, top, nodes, depth)
    return ShownSegment(whole, tuple(_shown(segment, opened) for segment in top))


def grouped(segments: Sequence[Segment], nodes: int) -> Sequence[Segment]:
    """The segments; where they are more than there is room for, so many one after the other as one."""
    if len(segments) <= nodes:
        return segments
    size = -(-len(segments) // max(nodes, 1))
    runs = [tuple(segments[at : at + size]) for at in range(0, len(segments), size)]
    return [run[0] if len(run) == 1 else Segment(run[0].first, run[-1].stop, parts=run) for run in runs]


def _opened(passed: ForwardPass, top: Sequence[Segment], nodes: int, depth: int | None) -> set[int]:
    """The identities of the segments that are opened."""
    firsts: dict[object, tuple[int, int]] = {}
    for segment in top:
        _note_firsts(passed, segment, 1, firsts)

    def shows_more(segment: Segment, level: int) -> bool:
        """Whether it is the first of its build, or a stage of few blocks beside that."""
        first, first_level = firsts[_build(passed, segment)]
        if first == id(segment):
            return True
        is_stage = segment.times == 1 and any(part.parts for part in segment.parts)
        return level == first_level == 1 and is_stage and len(segment.parts) <= _FEW

    opened: set[int] = set()
    room = nodes - len(top)
    if depth is None:
        room = _open(top, room, opened, shows_more)
    if depth is not None or nodes > MAX_NODES:
        _open(top, room, opened, lambda _, level: depth is None or level < depth)
    return opened


def _open(top: Sequence[Segment], room: int, opened: set[int], is_wanted: Callable[[Segment, int], bool]) -> int:
    """Open the wanted segments that there is room for, nearest to the top first; the room that is left."""
    queue = deque((segment, 1) for segment in top)
    while queue:
        segment, level = queue.popleft()
        # An opened segment costs the boxes in it, less its own.
        if id(segment) not in opened:
            cost = len(segment.parts) - 1
            if not segment.parts or cost > room or not is_wanted(segment, level):
                continue
            opened.add(id(segment))
            room -= cost
        queue.extend((part, level + 1) for part in segment.parts)
    return room


def _note_firsts(passed: ForwardPass, segment: Segment, level: int, firsts: dict[object, tuple[int, int]]) -> None:
    """Note of every build its first segment, by identity, and the level that stands at."""
    if segment.parts:
        firsts.setdefault(_build(passed, segment), (id(segment), level))
        for part in segment.parts:
            _note_firsts(passed, part, level + 1, firsts)


def _shown(segment: Segment, opened: set[int]) -> ShownSegment:
    parts = segment.parts if id(segment) in opened else ()
    return ShownSegment(segment, tuple(_shown(part, opened) for part in parts))


def _build(passed: ForwardPass, segment: Segment) -> object:
    """How a segment is built, whatever its sizes and how often: its class, and how the modules in it are."""
    calls = segment.calls if segment.is_chain or not segment.repeats else segment.calls + segment.repeats[0][0].calls
    classes = tuple(passed.module(call).class_name for call in calls[-1:] if not segment.is_chain)
    parts = (_build(passed, part) for part in segment.parts if part.operator is None)
    return classes, tuple(dict.fromkeys(parts))


def walked(
    tree: Sequence[ShownSegment], frames: tuple[Segment, ...] = ()
) -> Iterator[tuple[ShownSegment, tuple[Segment, ...]]]:
    """Every segment of a tree, before its parts, with the segments that it is in, the outermost first."""
    for part in tree:
        yield part, frames
        yield from walked(part.parts, (*frames, part.segment))


def boxes(tree: Sequence[ShownSegment]) -> list[Segment]:
    """The segments shown as boxes, in order."""
    return [part.segment for part, _ in walked(tree) if not part.parts]
