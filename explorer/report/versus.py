"""Two measurements held against each other, for people."""

from collections.abc import Mapping
from typing import Any

from explorer.protocol import BenchResult, VersusResult
from explorer.report.figures import mebibytes, milliseconds, size
from explorer.report.measurement import Facts, rate, setting_value, settings_line

VERSUS_HEADERS = ("", "A", "B")
"""Of the table that :func:`versus_rows` makes."""

_SHOWN = frozenset({"dtype", "batch_size", "batch_size_requested", "img_size", "in_chans"})
"""Settings that have rows of their own."""


def versus_rows(result: VersusResult) -> list[list[str]]:
    """What was measured of both, a row each, and below it the settings in which they differ."""
    a, b = result.a, result.b
    return [
        ["model", a.model, b.model],
        ["input", _input(a), _input(b)],
        ["dtype", a.dtype, b.dtype],
        ["throughput", rate(a.samples_per_sec), rate(b.samples_per_sec)],
        ["latency p50", milliseconds(a.latency_ms.p50), milliseconds(b.latency_ms.p50)],
        ["parameters", f"{a.param_count:,}", f"{b.param_count:,}"],
        ["memory", f"{mebibytes(a.memory_bytes)} MiB", f"{mebibytes(b.memory_bytes)} MiB"],
        *setting_differences(a.settings, b.settings),
    ]


def _input(result: BenchResult) -> str:
    return f"batch of {result.batch_size}, {result.in_chans}×{size(result.img_size)}"


def setting_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[list[str]]:
    """The settings in which two measurements differ: name and both values; those with rows of their own left out."""
    names = [name for name in dict.fromkeys((*a, *b)) if a.get(name) != b.get(name) and name not in _SHOWN]
    return [[name.replace("_", " "), setting_value(a.get(name)), setting_value(b.get(name))] for name in names]


def versus_facts(result: VersusResult) -> Facts:
    """Their ratio in a sentence, and what they have in common."""
    a, b = result.a, result.b
    kept = {name: value for name, value in a.settings.items() if b.settings.get(name) == value}
    return [
        ("ratio", ratio_sentence("A", "B", result.ratio, result.ratio_low, result.ratio_high)),
        ("", f"samples a second, over {result.rounds} rounds in which the two took turns"),
        ("device", f"{a.device} ({a.environment.get('device_name', 'unknown')})"),
        ("alike", settings_line(kept, a.device)),
    ]


def ratio_sentence(a: str, b: str, ratio: float, low: float, high: float) -> str:
    """How many times as fast one is as the other, the faster one first.

    Args:
        a, b: what the two are called.
        ratio: samples per second of ``a`` over those of ``b``.
        low, high: the ends of its 95 % confidence interval.
    """
    if low <= 1 <= high:
        return f"no difference shown: {a} over {b} is {ratio:.3f} (95 %: {low:.3f} to {high:.3f})"
    if high < 1:
        a, b, ratio, low, high = b, a, 1 / ratio, 1 / high, 1 / low
    digits = 2 if low >= 1.1 else 3
    return f"{a} is {ratio:.{digits}f}× as fast as {b} (95 %: {low:.{digits}f} to {high:.{digits}f})"
