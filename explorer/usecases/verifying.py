"""The static graph held against what really runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import EngineError, TimmNotFound
from explorer.graph import Graph
from explorer.graph.contexts import Traced
from explorer.introspect import Extra, find_timm
from explorer.introspect.traces import traced
from explorer.queries import verification
from explorer.queries.verification import CallDifference, Score, Verification
from explorer.usecases.choosing import registered_models
from explorer.usecases.loading import Source, find_sources, load
from explorer.usecases.telling import Emit, quiet, tell
from explorer.usecases.tracing import failures, trace_all, untraced


@dataclass(frozen=True, slots=True)
class VerifiedGraph:
    """How a graph without traces fares against them.

    ``found`` has the scores and every difference; ``failed`` says why models cannot be created; ``untraced`` are those
    for which there is no trace. ``timm_version`` and ``digest`` are of the source.
    """

    timm_version: str
    digest: str
    found: Verification
    failed: dict[str, str]
    untraced: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """The report as a dict that JSON can hold."""
        found = self.found
        return {
            "timm_version": self.timm_version,
            "digest": self.digest,
            **_score(found.whole),
            "slice_recall": found.slice_recall,
            "slice_precision": found.slice_precision,
            "precision_of_these_models": found.own.precision,
            "models": [
                {
                    "name": model.name,
                    **_score(model.score),
                    "missing": model.missing,
                    "never_seen": model.never_seen,
                }
                for model in found.models
            ],
            "missing": list(_pairs(found.missing)),
            "never_seen": list(_pairs(found.never_seen)),
            "failed": self.failed,
            "untraced": self.untraced,
        }


def verify(
    *patterns: str,
    timm: Path | None = None,
    sources: Sequence[Source] = (),
    trace: bool = True,
    emit: Emit = quiet,
) -> VerifiedGraph:
    """Hold the static graph against what really runs: which traced calls it tells, and which of its calls were seen.

    ::

        explorer.verify("resnet*").found.whole.recall

    Args:
        patterns: shell wildcards, as ``timm.list_models`` takes them; all models without.
        timm: a folder, wheel or sdist of timm; the installed package when ``None``.
        sources: source of the user's own that registers models.
        trace: trace the models that are not traced yet, which takes seconds each.
        emit: takes events while it works, and what the graph lacks.

    Returns:
        The scores in ``found``, with every difference; which models could not be traced, and why.

    Raises:
        RequestError: a pattern matches nothing.
        EngineError: none of the models is traced.
        TimmNotFound: no timm is installed.
    """
    extras = find_sources(sources)
    # With traces joined to it the graph would be held against itself.
    graph = load(timm, extras, traces=False, emit=emit)
    names = registered_models(graph, patterns)
    have, failed = _traced(graph, names, timm, extras, trace, emit)
    failed = {name: failed[name] for name in names if name in failed}
    seen = [name for name in names if have and name in have.models]
    if have is None or not seen:
        raise _nothing_traced(names, failed, trace)
    untraced = [name for name in names if name not in have.models and name not in failed]
    found = verification.verify(graph, have, seen)
    return VerifiedGraph(graph.info.timm_version, graph.info.digest, found, failed, untraced)


def _traced(
    graph: Graph, names: Sequence[str], timm: Path | None, extras: Sequence[Extra], trace: bool, emit: Emit
) -> tuple[Traced | None, dict[str, str]]:
    """The traces there are in the end, and why there is none of some models."""
    version, digest = graph.info.timm_version, graph.info.digest
    have = traced(version, digest)
    failed = dict(have.failed) if have else {}
    todo = untraced(names, have)
    if not todo or not trace:
        return have, failed
    if timm and not _is_installed(digest, extras):
        models = f"{len(todo):,} {'model' if len(todo) == 1 else 'models'}"
        tell(emit, f"{models} cannot be traced: that takes an installed timm, and this one is not")
        return have, failed
    outcomes = trace_all(todo, version, digest, extras=extras, emit=emit)
    return traced(version, digest), failed | failures(outcomes)


def _is_installed(digest: str, extras: Sequence[Extra]) -> bool:
    try:
        return find_timm(None, extras).digest == digest
    except TimmNotFound:
        return False


def _nothing_traced(names: Sequence[str], failed: dict[str, str], trace: bool) -> EngineError:
    why = next(iter(failed.values()), "")
    if len(names) == 1 and why:
        return EngineError(why)
    what = f"none of {len(names):,} models is traced" if len(names) > 1 else f"{names[0]} is not traced"
    return EngineError(what, why or ("" if trace else "leave --no-trace out"))


def _score(score: Score) -> dict[str, Any]:
    return {name: getattr(score, name) for name in ("recall", "precision", "traced", "static", "both")}


def _pairs(differences: Sequence[CallDifference]) -> Iterator[dict[str, Any]]:
    for d in differences:
        yield {
            "caller": d.caller,
            "callee": d.callee,
            "cause": str(d.cause),
            "whole_graph": d.whole,
            "sites": d.sites,
            "through": d.through,
            "slices": len(d.models),
        }
