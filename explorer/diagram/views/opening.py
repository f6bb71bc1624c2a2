"""Which units of a pass are shown as boxes, and which are opened into frames, within a budget of boxes."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from explorer.diagram.views.segments import Pass, Unit
from explorer.queries.slices import MAX_NODES

_FEW = 6
"""Blocks of a stage that is opened though one like it is open."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A unit as it is shown: a box, or where there are ``parts`` a frame around these."""

    unit: Unit
    parts: tuple["Shown", ...] = ()


def shown(passed: Pass, whole: Unit, nodes: int, depth: int | None) -> Shown:
    """The unit of the model, opened from the outside in as far as there is room.

    Args:
        passed: the pass.
        whole: the unit.
        nodes: boxes there is room for.
        depth: levels of units shown in the model; all units are opened down to it. When ``None``, of those that are
            built alike the first, and the others only where there is more room than usual.
    """
    top = grouped(whole.parts, nodes)
    opened = _opened(passed, top, nodes, depth)
    return Shown(whole, tuple(_shown(unit, opened) for unit in top))


def grouped(units: Sequence[Unit], nodes: int) -> Sequence[Unit]:
    """The units; where they are more than there is room for, so many one after the other as one."""
    if len(units) <= nodes:
        return units
    size = -(-len(units) // max(nodes, 1))
    runs = [tuple(units[at : at + size]) for at in range(0, len(units), size)]
    return [run[0] if len(run) == 1 else Unit(run[0].first, run[-1].stop, parts=run) for run in runs]


def _opened(passed: Pass, top: Sequence[Unit], nodes: int, depth: int | None) -> set[int]:
    """The identities of the units that are opened."""
    firsts: dict[object, tuple[int, int]] = {}
    for unit in top:
        _note_firsts(passed, unit, 1, firsts)

    def shows_more(unit: Unit, level: int) -> bool:
        return _shows_more(unit, level, firsts[_build(passed, unit)])

    def is_near(_unit: Unit, level: int) -> bool:
        return depth is None or level < depth

    opened: set[int] = set()
    room = nodes - len(top)
    if depth is None:
        room = _open(top, room, opened, shows_more)
    if depth is not None or nodes > MAX_NODES:
        _open(top, room, opened, is_near)
    return opened


def _open(top: Sequence[Unit], room: int, opened: set[int], is_wanted: Callable[[Unit, int], bool]) -> int:
    """Open the wanted units that there is room for, nearest to the top first; the room that is left."""
    queue = deque((unit, 1) for unit in top)
    while queue:
        unit, level = queue.popleft()
        if id(unit) not in opened:
            cost = len(unit.parts) - 1
            if not unit.parts or cost > room or not is_wanted(unit, level):
                continue
            opened.add(id(unit))
            room -= cost
        queue.extend((part, level + 1) for part in unit.parts)
    return room


def _note_firsts(passed: Pass, unit: Unit, level: int, firsts: dict[object, tuple[int, int]]) -> None:
    """Note of every build its first unit, by identity, and the level that stands at."""
    if unit.parts:
        firsts.setdefault(_build(passed, unit), (id(unit), level))
        for part in unit.parts:
            _note_firsts(passed, part, level + 1, firsts)


def _shows_more(unit: Unit, level: int, first: tuple[int, int]) -> bool:
    """Whether to open a unit: the first of its build, or a stage of few blocks beside it."""
    if first[0] == id(unit):
        return True
    is_stage = unit.times == 1 and any(part.parts for part in unit.parts)
    return level == first[1] == 1 and is_stage and len(unit.parts) <= _FEW


def _shown(unit: Unit, opened: set[int]) -> Shown:
    return Shown(unit, tuple(_shown(part, opened) for part in unit.parts)) if id(unit) in opened else Shown(unit)


def _build(passed: Pass, unit: Unit) -> object:
    """How a unit is built, whatever its sizes and how often: its class, and how the modules in it are."""
    calls = unit.calls if unit.is_chain or not unit.repeats else unit.calls + unit.repeats[0][0].calls
    classes = tuple(passed.module(call).class_name for call in calls[-1:] if not unit.is_chain)
    parts = (_build(passed, part) for part in unit.parts if part.operator is None)
    return classes, tuple(dict.fromkeys(parts))


def boxes(tree: Sequence[Shown]) -> Iterator[Unit]:
    """The units shown as boxes, in order."""
    for part in tree:
        if part.parts:
            yield from boxes(part.parts)
        else:
            yield part.unit
