"""The static graph held against what was seen to run: recall, precision, and every difference with its cause.

A pair is a caller and a callee, both in the source that was read; calls of a function to itself are left out.
*Recall* is the share of traced pairs that the static graph has. *Precision* is the share of static pairs that were
traced, of those whose caller was seen to run: what a creation never takes counts against it. Of a slice, both are
those of one model's pairs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from explorer.graph import CallData, EdgeKind, Evidence, Graph, NodeKind
from explorer.graph.contexts import Pair, Traced


class Cause(StrEnum):
    """Why a traced pair is missing in the static graph, or in a slice; why a static pair was never seen."""

    UNKNOWN_CALLER = "the caller is not in the static graph"
    UNKNOWN_CALLEE = "the callee is not in the static graph"
    NOT_EVALUATED = "the caller was never evaluated"
    NOT_FOUND = "the call was not found in the caller"
    NO_SLICE = "the model has no slice"
    CALLER_NOT_IN_SLICE = "in the graph, but the slice does not reach the caller"
    NOT_IN_SLICE = "in the graph, but not in the slice, which has the caller"

    THROUGH = "through foreign code: traces have no such pairs"
    NOT_TAKEN = "nothing was seen to be called on its line: a branch not taken"
    NOT_RUN = "its caller was not seen to run"
    OTHER_MODEL = "of models that are not among these"
    NO_MODEL = "of no model: called like this with other arguments only"
    OTHER_CALLEE = "its line was seen to call something else"
    OTHER_SLICE = "seen with other models only"


@dataclass(frozen=True, slots=True)
class Score:
    """How many pairs were traced, how many are static, and how many are both."""

    traced: int
    static: int
    both: int

    @property
    def recall(self) -> float:
        """The share of the traced pairs that are static, 0 to 1; 1 where none was traced."""
        return self.both / self.traced if self.traced else 1.0

    @property
    def precision(self) -> float:
        """The share of the static pairs that were traced, 0 to 1; 1 where none is static."""
        return self.both / self.static if self.static else 1.0


@dataclass(frozen=True, slots=True)
class ModelScore:
    """One model's slice against its own trace."""

    name: str
    score: Score
    missing: tuple[Pair, ...]
    never_seen: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class CallDifference:
    """A pair that only one side has.

    ``models`` are those whose slice lacks it, or has it too much. ``whole`` is whether it counts in the figures of the
    whole graph, and not in slices alone. ``through`` is the foreign code that the static graph puts between the two.
    """

    caller: str
    callee: str
    cause: Cause
    whole: bool
    sites: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    through: str | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """The figures, and every difference; by cause, those of most models first."""

    whole: Score
    models: tuple[ModelScore, ...]
    missing: tuple[CallDifference, ...]
    never_seen: tuple[CallDifference, ...]

    @property
    def slice_recall(self) -> float:
        """The mean over the models."""
        return fmean(model.score.recall for model in self.models)

    @property
    def slice_precision(self) -> float:
        """The mean over the models."""
        return fmean(model.score.precision for model in self.models)

    @property
    def own(self) -> Score:
        """The whole graph's score without the static pairs that only models have which are not among these."""
        others = sum(d.whole and d.cause is Cause.OTHER_MODEL for d in self.never_seen)
        return Score(self.whole.traced, self.whole.static - others, self.whole.both)


def verify(graph: Graph, traced: Traced, names: Iterable[str]) -> Verification:
    """Hold the static graph against the traces of these models.

    Args:
        graph: the whole graph; what it knows by traces alone is left out.
        traced: what was seen to run.
        names: models and aliases; those without a trace are left out.

    Raises:
        ValueError: none of them has a trace.
    """
    chosen = [name for name in dict.fromkeys(names) if name in traced.models]
    if not chosen:
        raise ValueError("no model has a trace")
    return _Comparison(graph, traced, chosen).result()


class _Comparison:
    """What both sides have, by pair."""

    def __init__(self, graph: Graph, traced: Traced, names: Sequence[str]) -> None:
        self._graph = graph
        self._names = names
        self._functions = set(graph.ids(NodeKind.FUNCTION))
        self._static = {
            (edge.source, edge.target): edge
            for edge in graph.edges(EdgeKind.CALLS, EdgeKind.DISPATCHES)
            if Evidence.STATIC in edge.evidence and self._is_pair(edge.source, edge.target)
        }
        self._seen = {name: {(a, b): sites for a, b, sites in traced.pairs_of(name) if a != b} for name in names}
        self._slices = {name: self._slice(name) for name in names}
        self._traced: dict[Pair, tuple[str, ...]] = {}
        for pairs in self._seen.values():
            self._traced.update(pairs)
        self._lines: dict[str, set[str]] = {}
        for (caller, _), sites in self._traced.items():
            self._lines.setdefault(caller, set()).update(sites)

    def _is_pair(self, caller: str, callee: str) -> bool:
        return caller != callee and caller in self._functions and callee in self._functions

    def _slice(self, name: str) -> set[Pair] | None:
        root = self._graph.contexts.models.get(name)
        return None if root is None else {p for p in self._graph.contexts.pairs(root) if self._is_pair(*p)}

    def result(self) -> Verification:
        ran = {pair for pair in self._static if pair[0] in self._lines}
        scores = tuple(self._model(name) for name in self._names)
        missing: dict[Pair, list[str]] = {pair: [] for pair in self._traced if pair not in self._static}
        never_seen: dict[Pair, list[str]] = {pair: [] for pair in ran if pair not in self._traced}
        for score in scores:
            for pairs, differences in ((score.missing, missing), (score.never_seen, never_seen)):
                for pair in pairs:
                    differences.setdefault(pair, []).append(score.name)
        others = self._pairs_of_others()
        return Verification(
            Score(len(self._traced), len(ran), len(ran & self._traced.keys())),
            scores,
            _ordered(self._missing(pair, models) for pair, models in missing.items()),
            _ordered(self._never_seen(pair, models, others) for pair, models in never_seen.items()),
        )

    def _model(self, name: str) -> ModelScore:
        seen, static = self._seen[name].keys(), self._slices[name] or set()
        score = Score(len(seen), len(static), len(seen & static))
        return ModelScore(name, score, tuple(sorted(seen - static)), tuple(sorted(static - seen)))

    def _pairs_of_others(self) -> tuple[set[Pair], set[Pair]]:
        """The pairs in the slices of these models, and in those of all others."""
        own: set[Pair] = set().union(*(pairs for pairs in self._slices.values() if pairs))
        others = (name for name in self._graph.contexts.models if name not in self._slices)
        return own, set().union(*(self._slice(name) or () for name in others))

    def _missing(self, pair: Pair, models: Sequence[str]) -> CallDifference:
        edge = self._static.get(pair)
        cause = self._why_missing(pair) if edge is None else self._why_not_in_slice(pair, models)
        return CallDifference(*pair, cause, edge is None, self._traced[pair], tuple(models))

    def _why_missing(self, pair: Pair) -> Cause:
        caller, callee = pair
        if caller not in self._functions:
            return Cause.UNKNOWN_CALLER
        if callee not in self._functions:
            return Cause.UNKNOWN_CALLEE
        return Cause.NOT_FOUND if self._graph.contexts.of([caller]) else Cause.NOT_EVALUATED

    def _why_not_in_slice(self, pair: Pair, models: Sequence[str]) -> Cause:
        """As with most of the models."""
        causes = []
        for pairs in map(self._slices.__getitem__, models):
            has_caller = any(pair[0] in other for other in pairs or ())
            reached = Cause.NOT_IN_SLICE if has_caller else Cause.CALLER_NOT_IN_SLICE
            causes.append(Cause.NO_SLICE if pairs is None else reached)
        return max(dict.fromkeys(causes), key=causes.count)

    def _never_seen(self, pair: Pair, models: Sequence[str], slices: tuple[set[Pair], set[Pair]]) -> CallDifference:
        edge = self._static.get(pair)
        through = CallData.of(edge).through if edge else None
        sites = edge.sites if edge else ()
        whole = edge is not None and pair[0] in self._lines and pair not in self._traced
        cause = Cause.THROUGH if through else self._why_never_seen(pair, sites, *slices)
        return CallDifference(*pair, cause, whole, sites, tuple(models), through)

    def _why_never_seen(self, pair: Pair, sites: Sequence[str], own: set[Pair], others: set[Pair]) -> Cause:
        if pair in self._traced:
            return Cause.OTHER_SLICE
        lines = self._lines.get(pair[0])
        if lines is None:
            return Cause.NOT_RUN
        if pair not in own and pair in others:
            return Cause.OTHER_MODEL
        if lines.isdisjoint(sites):
            return Cause.NOT_TAKEN
        return Cause.OTHER_CALLEE if pair in own else Cause.NO_MODEL


def _ordered(differences: Iterable[CallDifference]) -> tuple[CallDifference, ...]:
    causes = list(Cause)
    return tuple(sorted(differences, key=lambda d: (causes.index(d.cause), -len(d.models), d.caller, d.callee)))
