"""``explorer verify``."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.names import model_names
from explorer.cli.options import JsonOption, TimmOption, WithOption, find_extras, load, timm_before
from explorer.cli.output import narrate, notice, print_facts, print_json, print_lines
from explorer.errors import EngineError, TimmNotFound

if TYPE_CHECKING:
    from explorer.graph import Graph
    from explorer.graph.contexts import Traced
    from explorer.introspect.reading.source import Extra
    from explorer.queries.verification import Difference, ModelScore, Score, Verification

_USUAL = 5
_ROUNDING = 1e-6


def verify(
    context: typer.Context,
    patterns: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATTERN]...", help="Shell wildcards, as list takes them; all models without."),
    ] = None,
    no_trace: Annotated[bool, typer.Option("--no-trace", help="Trace nothing: hold what is traced.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Models and pairs to show of a sort.")] = _USUAL,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Show all of them.")] = False,
    json: JsonOption = False,
    timm: TimmOption = None,
    extra: WithOption = None,
) -> None:
    """Hold the static graph against what really runs.

    Traces the models that are not traced yet, then says what share of the traced calls the source alone tells
    (recall), what share of those it tells were seen (precision), and why the rest differs.
    """
    from explorer.queries import verification as verifying

    graph = load(context, timm, extra, traces=False)
    names = model_names(graph, patterns or ())
    have, failed = _traced(graph, names, timm or timm_before(context), find_extras(context, extra), no_trace)
    failed = {name: failed[name] for name in names if name in failed}
    traced = [name for name in names if have and name in have.models]
    if have is None or not traced:
        raise _nothing_traced(names, failed, no_trace)
    found = verifying.verify(graph, have, traced)
    untraced = [name for name in names if name not in have.models and name not in failed]
    if json:
        print_json(_as_json(graph, found, failed, untraced))
    else:
        _print_report(found, failed, untraced, None if everything else limit)


# traces


def _traced(
    graph: "Graph", names: Sequence[str], timm: Path | None, extras: "Sequence[Extra]", no_trace: bool
) -> "tuple[Traced | None, dict[str, str]]":
    """The traces there are in the end, and why there is none of some models."""
    from explorer.introspect.traces import traced

    version, digest = graph.info.timm_version, graph.info.digest
    have = traced(version, digest)
    failed = dict(have.failed) if have else {}
    todo = [name for name in names if have is None or (name not in have.models and name not in failed)]
    if not todo or no_trace:
        return have, failed
    if timm and not _is_installed(digest, extras):
        notice(f"{_count(len(todo), 'model')} cannot be traced: that takes an installed timm, and this one is not")
        return have, failed
    from explorer.cli.trace_command import trace_models

    outcomes = trace_models(todo, version, digest, extras)
    return traced(version, digest), failed | {o.model: o.error.message for o in outcomes if o.error}


def _is_installed(digest: str, extras: "Sequence[Extra]") -> bool:
    from explorer.introspect.reading.source import find_timm

    try:
        return find_timm(None, extras).digest == digest
    except TimmNotFound:
        return False


def _nothing_traced(names: Sequence[str], failed: dict[str, str], no_trace: bool) -> EngineError:
    why = next(iter(failed.values()), "")
    if len(names) == 1 and why:
        return EngineError(why)
    what = f"none of {len(names):,} models is traced" if len(names) > 1 else f"{names[0]} is not traced"
    return EngineError(what, why or ("leave --no-trace out" if no_trace else ""))


# the report


def _print_report(found: "Verification", failed: dict[str, str], untraced: Sequence[str], limit: int | None) -> None:
    print_facts(_totals(found, failed, untraced))
    if failed:
        print_lines(["", f"cannot be created ({len(failed):,})"])
        print_facts([(f"  {name}", why) for name, why in failed.items()][:limit])
    _print_worst(found.models, "recall", lambda score: (score.recall, score.traced), limit)
    _print_worst(found.models, "precision", lambda score: (score.precision, score.static), limit)
    _print_differences("traced and not static", found.missing, limit)
    _print_differences("static and never seen", found.never_seen, limit)
    if limit is not None:
        shown = f"at most {limit} of each" if limit else "counts alone"
        narrate(f"{shown}; --limit N shows more, --all all of them")


def _totals(found: "Verification", failed: dict[str, str], untraced: Sequence[str]) -> list[tuple[str, str]]:
    whole, own = found.whole, found.own
    counts = [(len(failed), "cannot be created"), (len(untraced), "not traced")]
    others = f", {_percent(own.precision)} without those of other models alone" if own != whole else ""
    return [
        ("models", ", ".join([f"{len(found.models):,} traced", *(f"{n:,} {what}" for n, what in counts if n)])),
        ("pairs", f"{whole.traced:,} traced, {whole.static:,} static whose caller ran, {whole.both:,} both"),
        ("recall", _percent(whole.recall)),
        ("precision", f"{_percent(whole.precision)} observed{others}"),
        (
            "slices",
            f"recall {_percent(found.slice_recall)}, precision {_percent(found.slice_precision)},"
            f" mean of {_count(len(found.models), 'model')}",
        ),
    ]


def _print_worst(
    models: "Sequence[ModelScore]", what: str, share: "Callable[[Score], tuple[float, int]]", limit: int | None
) -> None:
    worst = sorted((m for m in models if share(m.score)[0] < 1), key=lambda m: (share(m.score)[0], m.name))
    if not worst:
        return
    width = max((len(model.name) for model in worst[:limit]), default=0)
    print_lines(["", f"slices below 100 % {what} ({len(worst):,})"])
    print_lines(
        [
            f"  {model.name:<{width}}  {_percent(share(model.score)[0])}, {model.score.both} of {share(model.score)[1]}"
            for model in worst[:limit]
        ]
    )


def _print_differences(title: str, differences: "Sequence[Difference]", limit: int | None) -> None:
    whole = sum(d.whole for d in differences)
    slices = f", {len(differences) - whole:,} in slices alone" if len(differences) > whole else ""
    print_lines(["", f"{title} ({whole:,}{slices})"])
    for cause, group in groupby(differences, key=lambda d: d.cause):
        same = list(group)
        print_lines([f"  {cause} ({len(same):,})", *(f"    {_line(d)}" for d in same[:limit])])


def _line(difference: "Difference") -> str:
    through = f"through {difference.through}" if difference.through else ""
    models = _count(len(difference.models), "slice") if difference.models else ""
    about = [text for text in (", ".join(difference.sites[:1]), through, models) if text]
    return f"{difference.caller} → {difference.callee}{'  ' if about else ''}{', '.join(about)}"


def _percent(share: float) -> str:
    """Two decimals, and never 100 when something is lacking."""
    return f"{int(share * 10_000 + _ROUNDING) / 100:.2f} %"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


# JSON


def _as_json(graph: "Graph", found: "Verification", failed: dict[str, str], untraced: Sequence[str]) -> dict[str, Any]:
    return {
        "timm_version": graph.info.timm_version,
        "digest": graph.info.digest,
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
        "failed": failed,
        "untraced": untraced,
    }


def _score(score: "Score") -> dict[str, Any]:
    return {
        "recall": score.recall,
        "precision": score.precision,
        "traced": score.traced,
        "static": score.static,
        "both": score.both,
    }


def _pairs(differences: "Sequence[Difference]") -> Iterator[dict[str, Any]]:
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
