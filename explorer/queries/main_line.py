"""The main line of a model's creation: from ``create_model`` down to the constructors of its blocks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from explorer.graph import Graph


@dataclass(frozen=True, slots=True)
class Row:
    """A function of the main line, what of what it calls stands beside it, and what is folded beside it."""

    node: str
    beside: tuple[str, ...]
    folded: tuple[str, ...]


def rows_of(
    part: Graph,
    order: Sequence[str],
    matters: Callable[[str], bool],
    *,
    room: int,
    most: int,
    folds: Callable[[Row], int] = lambda row: bool(row.folded),
    later: Callable[[str], bool] = lambda node: False,
) -> tuple[Row, ...]:
    """The main line in rows, callers first: the functions that lead on to what matters, each with what else it calls.

    Args:
        part: the calls, as a slice.
        order: its functions, nearest first; the first is where the line begins.
        matters: whether a function is one that the line is about.
        room: how many boxes there may be, folds among them.
        most: how many boxes stand beside a function, its fold among them.
        folds: how many boxes the folded ones of a row make.
        later: whether a function, with what it calls, comes after all others.
    """
    children = _children(part, order)
    line = _line(order[0], children, matters, later)

    def row(node: str, beside: int) -> Row:
        return _row(node, children, line, matters, beside)

    def fits(rows: Sequence[Row]) -> bool:
        return sum(1 + len(row.beside) + folds(row) for row in rows) <= room

    for beside in range(most, 0, -1):
        rows = [row(node, beside) for node in line]
        if fits(rows):
            return tuple(_filled(rows, [row(node, min(beside + 1, most)) for node in line], fits))
    while len(line) > 1 and not fits(rows):
        line.pop()
        rows = [row(node, 1) for node in line]
    return tuple(rows)


def _filled(rows: list[Row], fuller: Sequence[Row], fits: Callable[[Sequence[Row]], bool]) -> list[Row]:
    """Rows with more beside them, the last first, as long as there is room."""
    for index in reversed(range(len(rows))):
        tried = [*rows[:index], fuller[index], *rows[index + 1 :]]
        rows = tried if fits(tried) else rows
    return rows


def _children(part: Graph, order: Sequence[str]) -> dict[str, list[str]]:
    """Who stands below whom: each below the one that first leads to it, those that nothing leads to below the first."""
    wanted = set(order)
    parents: dict[str, str] = {}
    queue = [order[0]]
    for source in queue:
        for target in part.successors(source):
            if target in wanted and target not in parents and target != order[0]:
                parents[target] = source
                queue.append(target)
    children: dict[str, list[str]] = {node: [] for node in order}
    for node in order[1:]:
        children[parents.get(node, order[0])].append(node)
    return children


def _line(
    root: str, children: Mapping[str, list[str]], matters: Callable[[str], bool], later: Callable[[str], bool]
) -> list[str]:
    """The functions that lead on to others that matter, each before what it calls; later ones, with theirs, last."""
    below: dict[str, bool] = {}
    first: list[str] = []
    last: list[str] = []
    stack = [(root, False)]
    while stack:
        node, postponed = stack.pop()
        if node == root or (children[node] and _leads_on(node, children, matters, below)):
            (last if postponed else first).append(node)
            stack += [(child, postponed or later(child)) for child in reversed(children[node])]
    return first + last


def _leads_on(
    node: str, children: Mapping[str, list[str]], matters: Callable[[str], bool], known: dict[str, bool]
) -> bool:
    if node not in known:
        known[node] = any(matters(i) or _leads_on(i, children, matters, known) for i in children[node])
    return known[node]


def _row(
    node: str, children: Mapping[str, list[str]], line: Sequence[str], matters: Callable[[str], bool], most: int
) -> Row:
    others = sorted((i for i in children[node] if i not in line), key=lambda i: not matters(i))
    whole = sum(len(_subtree(i, children)) for i in others) == len(others)
    alone = others if whole and len(others) <= most else others[: most - 1]
    beside = [i for i in alone if not children[i] or matters(i)] if not whole else alone
    hidden = [j for i in others for j in _subtree(i, children) if j not in beside]
    return Row(node, tuple(beside), tuple(hidden))


def _subtree(node: str, children: Mapping[str, list[str]]) -> list[str]:
    found = [node]
    for here in found:
        found += children[here]
    return found
