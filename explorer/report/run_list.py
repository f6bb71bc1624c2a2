"""Runs as cells and lines that people read."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from explorer.protocol.bench import BenchResult
from explorer.report.measurement_report import bench_facts
from explorer.report.wording import milliseconds, significant
from explorer.results.run_comparison import Comparison, OtherSize, Pair, RunDifference, SideBySide
from explorer.results.runs import FAILED, IMPORTED, ImgSize, Run, RunDetails

RAW_HEADERS = tuple(
    """id created_at status source label model mode device device_name dtype batch_size img_size samples_per_sec
    latency_p50_ms""".split()
)
"""Columns of :func:`raw_row`, named as the fields of :class:`~explorer.results.runs.Run`."""

_MOST_NAMES = 5
_WIDE = 100
"""Columns from which on labels and latencies fit beside each other; an 80 column terminal has room for one."""


def run_table(runs: Sequence[Run], width: int) -> tuple[list[str], list[list[str]], list[int]]:
    """Headers, cells and the columns set flush right; columns that hold nothing are left out.

    Args:
        runs: what to list.
        width: the terminal's columns; on a narrow one the labels take the room of the latencies.
    """
    headers = ["id", "when", "model", "device", "settings", "samples/s", "p50 ms", "label"]
    rows = [
        [
            str(run.id),
            _time_in_short(run.created_at),
            run.model,
            _device(run),
            settings_in_short(run),
            "failed" if run.status == FAILED else _optional(run.samples_per_sec),
            _optional(run.latency_p50_ms),
            run.label,
        ]
        for run in runs
    ]
    has_label = any(run.label for run in runs)
    kept = [
        i
        for i, header in enumerate(headers)
        if any(row[i] for row in rows) and not (header == "p50 ms" and has_label and width < _WIDE)
    ]
    right = [kept.index(i) for i in (0, 5, 6) if i in kept]
    return [headers[i] for i in kept], [[row[i] for i in kept] for row in rows], right


def raw_row(run: Run) -> list[str]:
    """A run's columns for programs: nothing rounded, nothing for what is not known."""
    values = [getattr(run, name) for name in RAW_HEADERS]
    return ["x".join(map(str, v)) if isinstance(v, tuple) else "" if v is None else str(v) for v in values]


def settings_in_short(run: Run) -> str:
    """Batch size × image size, dtype, and the mode where it is not ``infer``."""
    size = "?" if run.img_size is None else size_in_short(run.img_size)
    batch = "?" if run.batch_size is None else str(run.batch_size)
    mode = run.mode if run.mode != "infer" else None
    return " ".join(filter(None, [f"{batch}×{size}", run.dtype, mode]))


def size_in_short(size: ImgSize) -> str:
    """Height × width of an image; one number for a square."""
    return f"{size[0]}×{size[1]}" if isinstance(size, tuple) else str(size)


def run_facts(details: RunDetails) -> list[tuple[str, list[tuple[str, str]]]]:
    """All that is kept of a run, as names and values under titles; the first title is empty."""
    sections = [("", [("run", _head(details)), *_core(details)])]
    for title in ("settings", "request", "environment"):
        values: Mapping[str, Any] = getattr(details, title) or {}
        sections.append((title, [(name, text(value)) for name, value in values.items() if value is not None]))
    return [(title, facts) for title, facts in sections if facts]


def comparison_facts(comparison: Comparison) -> list[tuple[str, str]]:
    """The two runs, and the ratios in words."""
    facts = [("A", _in_a_line(comparison.a)), ("B", _in_a_line(comparison.b)), ("throughput", _in_words(comparison))]
    if comparison.latency_p50_ratio is not None:
        facts.append(("latency", f"A's median is {comparison.latency_p50_ratio:.3f}× that of B"))
    if comparison.memory_ratio is not None:
        facts.append(("memory", f"A's peak is {comparison.memory_ratio:.3f}× that of B"))
    return facts


def pair_rows(pairs: Sequence[Pair]) -> list[list[str]]:
    """Model, image size, samples a second of both, ratio, and what differs that does not in all."""
    shared = _shared(pairs)
    return [_pair_row(pair, [d for d in pair.differences if d not in shared]) for pair in pairs]


def side_notes(sides: SideBySide, a: str, b: str) -> list[str]:
    """What stands in the way of reading two sets of runs side by side, a line each."""
    notes = [f"{_words(d.name)} differs: {text(d.a)} against {text(d.b)}" for d in _shared(sides.pairs)]
    told = {d.name for d in _shared(sides.pairs)}
    for name in ("batch_size", "dtype"):
        count = sum(any(d.name == name for d in pair.differences) for pair in sides.pairs)
        if count and name not in told:
            notes.append(f"{_words(name)} differs in {count} of {len(sides.pairs)}")
        unknown = sum(None in (getattr(pair.a, name), getattr(pair.b, name)) for pair in sides.pairs)
        if unknown:
            notes.append(f"{_words(name)} of one side is not known in {unknown} of {len(sides.pairs)}")
    if sides.other_sizes:
        notes.append(f"at other image sizes: {_some([_sizes(other) for other in sides.other_sizes])}")
    for names, label in ((sides.only_a, a), (sides.only_b, b)):
        if names:
            notes.append(f"only in {label}: {_some(names)}")
    for count, label in ((sides.without_speed_a, a), (sides.without_speed_b, b)):
        if count:
            notes.append(f"{count} of {label} without samples/s")
    return notes


def difference_rows(differences: Sequence[RunDifference]) -> list[list[str]]:
    """Name and both values of each."""
    return [[d.name, text(d.a), text(d.b)] for d in differences]


def text(value: Any) -> str:
    """A JSON value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple) and value and all(isinstance(item, int) for item in value):
        return "×".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _time_in_short(created_at: str) -> str:
    """On this machine's clock: the hour of today's, the day of this year's, the month of others."""
    moment, now = datetime.fromisoformat(created_at).astimezone(), datetime.now().astimezone()
    if moment.date() == now.date():
        return moment.strftime("%H:%M")
    return moment.strftime("%m-%d" if moment.year == now.year else "%Y-%m")


def _head(details: RunDetails) -> str:
    run = details.run
    when = datetime.fromisoformat(run.created_at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    kept = f"{run.id}, imported {when} from {details.origin}" if run.source == IMPORTED else f"{run.id}, {when}"
    return f"{kept}, label {run.label}" if run.label else kept


def _core(details: RunDetails) -> list[tuple[str, str]]:
    if details.error is not None:
        hint = details.error.get("hint")
        message = f"{details.error.get('kind')}: {details.error.get('message')}"
        return [("model", details.run.model), ("failed", f"{message} ({hint})" if hint else message)]
    if details.result is not None:
        return _measured(details)
    return [(name, value) for name, value in (details.imported or {}).items() if value]


def _measured(details: RunDetails) -> list[tuple[str, str]]:
    """The sheet of a measurement; of one that another version of explorer took, what both versions know."""
    known = BenchResult.__struct_fields__
    try:
        result = BenchResult.from_json({k: v for k, v in (details.result or {}).items() if k in known})
        return bench_facts(result)
    except (TypeError, KeyError, ValueError, AttributeError):
        return [("model", details.run.model), ("measured", _in_a_line(details.run))]


def _in_a_line(run: Run) -> str:
    device = f"{run.device} ({run.device_name})" if run.device and run.device_name else run.device or run.device_name
    speed = f"{significant(run.samples_per_sec)} samples/s" if run.samples_per_sec else None
    p50 = f"p50 {milliseconds(run.latency_p50_ms)}" if run.latency_p50_ms else None
    return ", ".join(
        filter(None, [f"run {run.id}: {run.model}", settings_in_short(run), device, speed, p50, run.label])
    )


def _in_words(comparison: Comparison) -> str:
    ratio, low, high = comparison.samples_per_sec_ratio, comparison.ratio_low, comparison.ratio_high
    words = f"A is {ratio:.3f}× as fast as B"
    if low is None or high is None:
        return f"{words} (no interval: not both tell that of their latency)"
    words += f" (95 %: {low:.3f} to {high:.3f})"
    return f"{words}: no difference shown" if low <= 1 <= high else words


def _device(run: Run) -> str:
    return (run.device_name if run.source == IMPORTED else run.device) or run.device or ""


def _sizes(other: OtherSize) -> str:
    sides = (other.a_sizes, other.b_sizes)
    a, b = (", ".join(str(size) if size is None else size_in_short(size) for size in sizes) for sizes in sides)
    return f"{other.model} ({a} against {b})"


def _shared(pairs: Sequence[Pair]) -> list[RunDifference]:
    """What differs alike in every pair."""
    return [d for d in (pairs[0].differences if pairs else ()) if all(d in pair.differences for pair in pairs)]


def _pair_row(pair: Pair, differences: Sequence[RunDifference]) -> list[str]:
    size = pair.a.img_size if pair.a.img_size is not None else pair.b.img_size
    where = "" if size is None else size_in_short(size)
    mode = f" {pair.a.mode}" if pair.a.mode != "infer" else ""
    speeds = [significant(run.samples_per_sec or 0) for run in (pair.a, pair.b)]
    differs = ", ".join(f"{_words(d.name)} {text(d.a)}/{text(d.b)}" for d in differences)
    return [pair.model, f"{where}{mode}", *speeds, f"{pair.ratio:.3f}", differs]


def _words(name: str) -> str:
    return "batch" if name == "batch_size" else name


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _optional(value: float | None) -> str:
    return "" if value is None else significant(value)
