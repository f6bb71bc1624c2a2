"""Finding nodes by a text that need not be exact."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from explorer.graph.elements import Node, NodeKind
from explorer.graph.model import Graph

_ORDER = (
    NodeKind.MODEL,
    NodeKind.CLASS,
    NodeKind.FUNCTION,
    NodeKind.MODULE,
    NodeKind.WEIGHTS,
    NodeKind.ALIAS,
    NodeKind.PARAMETER,
    NodeKind.EXTERNAL,
)
"""Of two nodes that match alike, the one of the earlier kind comes first."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A node found; ``score`` runs from 0 to 100."""

    node: Node
    score: float


def search(graph: Graph, text: str, kinds: Sequence[NodeKind] = (), limit: int = 20, omitted: str = "") -> list[Hit]:
    """Nodes whose name is like the text, best first.

    The last part of a name counts most: an exact match comes first, then names that start with the text, names that
    hold it, and names that resemble it (rapidfuzz's weighted ratio).

    Args:
        graph: where to look.
        text: what to look for; case does not matter.
        kinds: only nodes of these kinds, all when empty.
        limit: how many at the most.
        omitted: what people leave out at the start of a module's name.
    """
    wanted = text.strip().lower()
    if not _squashed(wanted):
        return []
    kinds = sorted(kinds or NodeKind, key=_ORDER.index)
    ids = list(graph.ids(*kinds))
    scores = _scores(wanted, [_searched(node_id, omitted) for node_id in ids])
    best = sorted(scores, key=lambda i: (-scores[i], i))[:limit]
    return [Hit(graph.node(ids[i]), round(scores[i], 1)) for i in best]


def closest(name: str, names: Iterable[str], limit: int = 3) -> list[str]:
    """The names most like a mistyped one, best first; none that has nothing in common with it."""
    choices = list(dict.fromkeys(names))
    found = _alike(name, choices, "ratio", processor=str.lower, score_cutoff=1, limit=limit)
    return [choices[index] for index, _ in found]


def _scores(wanted: str, names: list[str]) -> dict[int, float]:
    """Score by index of every name that is anything like what is wanted."""
    alike = _alike(wanted, names, "WRatio", score_cutoff=70, limit=300)
    # of a much shorter name some letters always match, so that such a one says nothing
    scores = {index: score * 0.7 for index, score in alike if 2 * len(names[index]) >= len(wanted)}
    squashed = _squashed(wanted)
    for index, name in enumerate(names):
        whole = _squashed(name)
        if squashed in whole:
            last = _squashed(name.rpartition(".")[2])
            if squashed in (whole, last):
                score = 100.0 if squashed == whole else 97.0
            else:
                starts = whole.startswith(squashed) or last.startswith(squashed)
                score = (75.0 if starts else 70.0) + 20.0 * len(squashed) / len(whole)
            # Whole names, then beginnings, then parts, and what is merely alike below them: 0.7 of at most 100.
            scores[index] = max(score, scores.get(index, 0.0))
    return scores


def _alike(
    wanted: str, names: Sequence[str], measure: Literal["ratio", "WRatio"], **more: Any
) -> list[tuple[int, float]]:
    """Index and score, 0 to 100, of the names most like what is wanted, by one of rapidfuzz's measures."""
    from rapidfuzz import fuzz, process  # needed by a search and by a mistyped name, and by nothing else

    found = process.extract(wanted, names, scorer=getattr(fuzz, measure), **more)
    return [(index, score) for _, score, index in found]


def _searched(node_id: str, omitted: str) -> str:
    """The part of an id that people type: the qualname, the registered name, a module without its package."""
    name = node_id.partition(":")[2] or node_id.removeprefix(omitted)
    return name.lower()


def _squashed(text: str) -> str:
    """Without what people leave out or put in: ``Squeeze Excite`` finds ``squeeze_excite``."""
    return text.translate(_SEPARATORS)


_SEPARATORS = str.maketrans("", "", " _-")
