"""``explorer verify``."""

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated

import typer
from typer import Argument, Option

from explorer.cli.narrator import narrator
from explorer.cli.options import (
    JsonOption,
    TimeoutOption,
    TimmOption,
    WithOption,
    find_extras,
    timm_before,
)
from explorer.cli.output import narrate, print_facts, print_json, print_lines
from explorer.engine.timeout import TIMEOUT_SECONDS
from explorer.queries.verification import CallDifference, ModelScore
from explorer.usecases import verifying
from explorer.usecases.verifying import VerifiedGraph

_USUAL = 5
_ROUNDING = 1e-6
"""What a share may be short of two decimals by binary fractions alone: 0.29 * 100 is 28.999999999999996."""


def verify(
    context: typer.Context,
    patterns: Annotated[
        list[str] | None,
        Argument(metavar="[PATTERN]...", help="Shell wildcards, as list takes them; all models without."),
    ] = None,
    no_trace: Annotated[bool, Option("--no-trace", help="Trace nothing: hold what is traced.")] = False,
    limit: Annotated[int, Option("--limit", "-n", min=0, help="Models and pairs to show of a sort.")] = _USUAL,
    everything: Annotated[bool, Option("--all", "-a", help="Show all of them.")] = False,
    timeout: TimeoutOption = TIMEOUT_SECONDS,
    json: JsonOption = False,
    timm: TimmOption = None,
    extra: WithOption = None,
) -> None:
    """Hold the static graph against what really runs.

    Traces the models that are not traced yet, then says what share of the traced calls the source alone tells
    (recall), what share of those it tells were seen (precision), and why the rest differs.
    """
    source, sources = timm or timm_before(context), find_extras(context, extra)
    with narrator(at_once=False) as tell:
        verified = verifying.verify(*(patterns or ()), timm=source, sources=sources, trace=not no_trace, emit=tell)
    if json:
        print_json(verified.to_json())
    else:
        _print_report(verified, None if everything else limit)


def _print_report(verified: VerifiedGraph, limit: int | None) -> None:
    found, failed = verified.found, verified.failed
    print_facts(_totals(verified))
    if failed:
        print_lines(["", f"cannot be created ({len(failed):,})"])
        print_facts([(f"  {name}", why) for name, why in failed.items()][:limit])
    _print_worst(found.models, "recall", "traced", limit)
    _print_worst(found.models, "precision", "static", limit)
    _print_differences("traced and not static", found.missing, limit)
    _print_differences("static and never seen", found.never_seen, limit)
    if limit is not None:
        shown = f"at most {limit} of each" if limit else "counts alone"
        narrate(f"{shown}; --limit N shows more, --all all of them")


def _totals(verified: VerifiedGraph) -> list[tuple[str, str]]:
    found = verified.found
    whole, own = found.whole, found.own
    counts = [(len(verified.failed), "cannot be created"), (len(verified.untraced), "not traced")]
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


def _print_worst(models: Sequence[ModelScore], share: str, whole: str, limit: int | None) -> None:
    shares = sorted((getattr(m.score, share), m.name, m.score.both, getattr(m.score, whole)) for m in models)
    worst = [row for row in shares if row[0] < 1]
    if not worst:
        return
    print_lines(["", f"slices below 100 % {share} ({len(worst):,})"])
    rows = [(f"  {name}", f"{_percent(part)}, {both} of {count}") for part, name, both, count in worst[:limit]]
    print_facts(rows)


def _print_differences(title: str, differences: Sequence[CallDifference], limit: int | None) -> None:
    whole = sum(d.whole for d in differences)
    slices = f", {len(differences) - whole:,} in slices alone" if len(differences) > whole else ""
    print_lines(["", f"{title} ({whole:,}{slices})"])
    for cause, group in groupby(differences, key=lambda d: d.cause):
        same = list(group)
        print_lines([f"  {cause} ({len(same):,})", *(f"    {_line(d)}" for d in same[:limit])])


def _line(difference: CallDifference) -> str:
    through = f"through {difference.through}" if difference.through else ""
    models = _count(len(difference.models), "slice") if difference.models else ""
    about = [text for text in (", ".join(difference.sites[:1]), through, models) if text]
    return f"{difference.caller} → {difference.callee}{'  ' if about else ''}{', '.join(about)}"


def _percent(share: float) -> str:
    """Two decimals, and never 100 when something is lacking."""
    return f"{int(share * 10_000 + _ROUNDING) / 100:.2f} %"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
