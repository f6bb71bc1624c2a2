"""Runs held against each other: how many times as fast, and what else differs."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from explorer.errors import RequestError
from explorer.results.runs import FAILED, JSON, ImgSize, Run, RunDetails

_COMPARED = ("model", "mode", "device", "dtype", "batch_size", "img_size")
_SETTINGS = ("batch_size", "dtype")
_Key = tuple[str, str | None, ImgSize | None]


@dataclass(frozen=True, slots=True)
class RunDifference:
    """A setting or a fact of the environment that two runs do not share."""

    name: str
    a: JSON
    b: JSON


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs.

    Ratios are A over B: ``samples_per_sec_ratio`` 2 is twice the throughput, ``latency_p50_ratio`` 2 twice the time of
    a batch, ``memory_ratio`` 2 twice the peak memory. ``None`` where a run does not tell. ``ratio_low`` and
    ``ratio_high`` bound the first, see :func:`ratio_interval`.
    """

    a: Run
    b: Run
    samples_per_sec_ratio: float
    ratio_low: float | None
    ratio_high: float | None
    latency_p50_ratio: float | None
    memory_ratio: float | None
    differences: Sequence[RunDifference]

    def to_json(self) -> dict[str, JSON]:
        """The comparison as a dict that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Pair:
    """A model that both sides have at one image size and mode; ``ratio`` is A's samples a second over B's.

    ``differences`` are those of batch size and dtype, where both sides tell.
    """

    model: str
    a: Run
    b: Run
    ratio: float
    differences: Sequence[RunDifference]


@dataclass(frozen=True, slots=True)
class OtherSize:
    """A model that both sides have, in one mode, but at no image size that is the same; sizes are in pixels."""

    model: str
    mode: str | None
    a_sizes: Sequence[ImgSize | None]
    b_sizes: Sequence[ImgSize | None]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Two sets of runs, joined.

    ``only_a`` and ``only_b`` are models that the other side lacks, ``without_speed_a`` and ``without_speed_b`` how many
    finished runs of a side do not tell their samples a second.
    """

    pairs: Sequence[Pair]
    median_ratio: float | None
    other_sizes: Sequence[OtherSize]
    only_a: Sequence[str]
    only_b: Sequence[str]
    without_speed_a: int
    without_speed_b: int

    def to_json(self) -> dict[str, JSON]:
        """The sides as a dict that JSON can hold."""
        return asdict(self)


def compare(a: RunDetails, b: RunDetails) -> Comparison:
    """Hold two finished runs against each other.

    Raises:
        RequestError: one does not tell its samples a second.
    """
    ratio = _speed(a.run) / _speed(b.run)
    low, high = ratio_interval(a, b) or (None, None)
    return Comparison(
        a.run,
        b.run,
        ratio,
        low,
        high,
        _ratio(a.run.latency_p50_ms, b.run.latency_p50_ms),
        _ratio(*_memories(a, b)),
        differences(a, b),
    )


def ratio_interval(a: RunDetails, b: RunDetails) -> tuple[float, float] | None:
    """Bounds of the ratio of two runs' samples a second, with about 95 % confidence; ``None`` where one has no bounds.

    A run's throughput has no interval of its own, so that of its median latency stands in: it is as uncertain by as
    many percent. The two runs are independent, and their intervals join on the logarithm's scale by the method of
    variance estimates recovery (G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a
    general approach", Statistics in Medicine 27, 2008, equation 3). What drifted between the runs, clocks say, is in
    neither interval: ``explorer bench --vs`` takes turns and sees it.
    """
    of_a, of_b = _log_latency(a), _log_latency(b)
    ratio = _ratio(a.run.samples_per_sec, b.run.samples_per_sec)
    if of_a is None or of_b is None or ratio is None:
        return None
    (below_a, above_a), (below_b, above_b) = of_a, of_b
    slower, faster = math.hypot(above_a, below_b), math.hypot(below_a, above_b)
    return ratio * math.exp(-slower), ratio * math.exp(faster)


def differences(a: RunDetails, b: RunDetails) -> list[RunDifference]:
    """What two runs do not share, of that which both tell: what was run, its settings, its environment."""
    found = [RunDifference(name, getattr(a.run, name), getattr(b.run, name)) for name in _COMPARED]
    for one, other in ((a.settings, b.settings), (a.environment, b.environment)):
        found += [RunDifference(name, value, (other or {}).get(name)) for name, value in (one or {}).items()]
    told: dict[str, RunDifference] = {}
    for difference in _told(found):
        told.setdefault(difference.name, difference)
    return list(told.values())


def _told(found: Iterable[RunDifference]) -> list[RunDifference]:
    return [each for each in found if each.a is not None and each.b is not None and each.a != each.b]


def side_by_side(a: Iterable[Run], b: Iterable[Run]) -> SideBySide:
    """Join two sets of finished runs by model, image size and mode, and take the newest run of each.

    A model without a tag is joined with any tag's run, one with a tag only with the same tag or none. An image size
    that is not known joins with any.

    Args:
        a: runs of one side, the newest first.
        b: runs of the other, the newest first.
    """
    of_a, without_a = _newest(a)
    of_b, without_b = _newest(b)
    pairs: list[Pair] = []
    others: dict[tuple[str, str | None], OtherSize] = {}
    only_a: list[str] = []
    joined: set[str] = set()
    by_base: dict[str, list[Run]] = {}
    for run in of_b.values():
        by_base.setdefault(_architecture(run.model), []).append(run)
    for (model, mode, size), run in of_a.items():
        same = [other for other in by_base.get(_architecture(model), ()) if _alike(run, other)]
        joined.update(other.model for other in same)
        fitting = [other for other in same if None in (size, other.img_size) or size == other.img_size]
        if fitting:
            pairs.append(_pair(run, _best(fitting, run)))
        elif same:
            before = others[model, mode].a_sizes if (model, mode) in others else ()
            others[model, mode] = OtherSize(model, mode, (*before, size), tuple(other.img_size for other in same))
        else:
            only_a.append(model)
    for pair in pairs:
        others.pop((pair.model, pair.a.mode), None)
    pairs.sort(key=lambda pair: (pair.model, str(pair.a.mode), str(pair.a.img_size)))
    return SideBySide(
        pairs,
        statistics.median(pair.ratio for pair in pairs) if pairs else None,
        sorted(others.values(), key=lambda other: other.model),
        sorted(set(only_a)),
        sorted({model for model, _, _ in of_b} - joined),
        without_a,
        without_b,
    )


def _speed(run: Run) -> float:
    if not run.samples_per_sec:
        why = "failed" if run.status == FAILED else "does not tell its samples/s"
        raise RequestError(f"run {run.id} {why}: there is nothing to compare", f"explorer results show {run.id}")
    return run.samples_per_sec


def _ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a and b else None


def _memories(a: RunDetails, b: RunDetails) -> tuple[float | None, float | None]:
    """The peaks, where they are peaks of the same thing."""
    one, other = a.result or {}, b.result or {}
    if one.get("memory_kind") != other.get("memory_kind"):
        return None, None
    return one.get("memory_bytes"), other.get("memory_bytes")


def _log_latency(details: RunDetails) -> tuple[float, float] | None:
    """How far the median latency's bounds are from it, below and above, on the natural logarithm's scale."""
    latency: Mapping[str, Any] = (details.result or {}).get("latency_ms") or {}
    p50, low, high = (latency.get(name) for name in ("p50", "p50_low", "p50_high"))
    if not p50 or not low or not high:
        return None
    return math.log(p50 / low), math.log(high / p50)


def _newest(runs: Iterable[Run]) -> tuple[dict[_Key, Run], int]:
    """The first run of each model, mode and size, and how many do not tell their speed."""
    newest: dict[_Key, Run] = {}
    without = 0
    for run in runs:
        if run.samples_per_sec:
            newest.setdefault((run.model, run.mode, run.img_size), run)
        else:
            without += 1
    return newest, without


def _architecture(model: str) -> str:
    """A name without its tag; a name with a source, ``hf-hub:timm/x``, has none."""
    return model if ":" in model else model.partition(".")[0]


def _alike(a: Run, b: Run) -> bool:
    """Whether two runs of one architecture are of the same model, in the same mode."""
    untagged = _architecture(a.model)
    return a.mode == b.mode and (a.model == b.model or untagged in (a.model, b.model))


def _best(fitting: Sequence[Run], run: Run) -> Run:
    """Of runs to join with, that of the same name and size, else the newest."""
    return max(fitting, key=lambda other: (other.img_size == run.img_size, other.model == run.model, other.id))


def _pair(a: Run, b: Run) -> Pair:
    found = [RunDifference(name, getattr(a, name), getattr(b, name)) for name in _SETTINGS]
    return Pair(a.model, a, b, _speed(a) / _speed(b), _told(found))
