"""A search for the fastest settings, for people and as data."""

from collections.abc import Sequence
from typing import Any

from explorer.protocol import BenchResult, Difference, TuneResult, TuneStep
from explorer.report.figures import significant
from explorer.report.measurement import Facts, brief, rate, setting_value
from explorer.report.recipe import command, python
from explorer.report.versus import ratio_sentence

STEP_HEADERS = ("tried", "samples/s", "gain", "95 %", "kept", "off by", "top-1", "note")
"""Of the table of what was tried, a row each, as :func:`step_row` makes it.

``off by`` is the largest difference from the outputs in eager float32, in parts of their range, and ``top-1`` the share
of images with the same highest class.
"""

_WIDE = 100


def step_table(steps: Sequence[TuneStep], width: int | None) -> tuple[list[str], list[list[str]], list[str]]:
    """Headers and cells of what was tried, and lines to be set below them.

    Args:
        steps: what was tried.
        width: the terminal's columns; ``None``: whatever is needed. On a terminal notes come as lines, and a narrow one
            has no intervals.
    """
    left_out = {"note"} if width is not None else set()
    if width is not None and width < _WIDE:
        left_out.add("95 %")
    kept = [i for i, header in enumerate(STEP_HEADERS) if header not in left_out]
    notes = [f"{_tried(step)}: {step.note}" for step in steps if step.note] if width is not None else []
    return [STEP_HEADERS[i] for i in kept], [[step_row(step)[i] for i in kept] for step in steps], notes


def step_row(step: TuneStep) -> list[str]:
    """One value that was tried."""
    differs = step.difference
    return [
        _tried(step),
        "–" if step.samples_per_sec is None else significant(step.samples_per_sec),
        "–" if step.ratio is None else _gain(step.ratio),
        "–" if step.ratio_low is None else f"{step.ratio_low:.3f}–{step.ratio_high:.3f}",
        "yes" if step.is_kept else "no",
        "–" if differs is None or differs.relative is None else _small(differs.relative),
        "–" if differs is None or differs.top1_agreement is None else f"{differs.top1_agreement:.0%}",
        step.note,
    ]


def _tried(step: TuneStep) -> str:
    return f"{step.setting} {setting_value(step.value)}"


def _small(part: float) -> str:
    return f"{part:.1e}" if part else "0"


def _gain(ratio: float) -> str:
    return f"{(ratio - 1) * 100:+.1f} %"


def step_line(step: TuneStep) -> str:
    """One value that was tried, on a line of its own, as told while the search goes on."""
    if step.ratio is None or step.samples_per_sec is None:
        return f"{_tried(step)}: {step.note}"
    verdict = "kept" if step.is_kept else "left"
    parts = [f"{_tried(step)}: {rate(step.samples_per_sec)}, {_gain(step.ratio)}, {verdict}", step.note]
    if step.difference is not None and step.difference.relative is not None:
        parts.insert(1, f"off by {_small(step.difference.relative)} of the range")
    return "; ".join(filter(None, parts))


def _difference_sentence(difference: Difference | None) -> str:
    if difference is None:
        return "not compared with those of float32"
    if difference.max_abs is None or difference.relative is None:
        return "not finite, where those of float32 are"
    images = f"{difference.images} image{'s' if difference.images > 1 else ''}"
    if difference.max_abs == 0:
        return f"the same as those of eager float32, on {images}"
    top1 = difference.top1_agreement
    same = "" if top1 is None else f"; the highest class is the same for {top1:.0%}"
    largest = f"at most {difference.max_abs:.2e}, {difference.relative:.2e} of their range"
    return f"differ from those of eager float32 by {largest}, on {images}{same}"


def tune_facts(result: TuneResult) -> Facts:
    """What the search ends with; the steps are a table of their own."""
    facts: Facts = [("defaults", brief(result.baseline))]
    if result.is_faster:
        facts += [("tuned", brief(result.tuned))]
        sentence = ratio_sentence("tuned", "the defaults", result.ratio, result.ratio_low, result.ratio_high)
        facts += [("", f"{sentence}, {result.rounds} rounds")]
    else:
        facts += [("tuned", f"nothing is faster than the defaults: {_why_not(result)}")]
    return [*facts, ("outputs", _difference_sentence(result.difference)), ("took", f"{result.seconds:.0f} s")]


def _why_not(result: TuneResult) -> str:
    if not result.rounds:
        return "no step was kept"
    held = f"{result.ratio:.3f} (95 %: {result.ratio_low:.3f} to {result.ratio_high:.3f})"
    return f"what was kept did not hold at the end, {held} in {result.rounds} rounds"


def recipe_lines(result: TuneResult) -> list[str]:
    """The setting as the command line and as Python."""
    return [command(result.request), "", *python(result.request, result.tuned, result.model_args).splitlines()]


def tune_json(result: TuneResult) -> dict[str, Any]:
    """The tuned measurement as any other, with the search under ``tune``."""
    found = result.to_json()
    tuned: BenchResult = result.tuned
    kept = ("baseline", "ratio", "ratio_low", "ratio_high", "rounds", "is_faster", "difference", "steps", "seconds")
    return {
        **tuned.to_json(),
        "tune": {
            **{name: found[name] for name in kept},
            "command": command(result.request),
            "python": python(result.request, tuned, result.model_args),
        },
    }
