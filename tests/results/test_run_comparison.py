import math
from pathlib import Path
from typing import Any

import pytest

from explorer.report.run_list import side_notes
from explorer.results.run_comparison import compare, ratio_interval, side_by_side
from explorer.results.runs import Run, RunDetails
from explorer.results.store import Store
from tests.measurements import LATENCY
from tests.results.samples import result


@pytest.fixture
def kept(tmp_path: Path) -> Any:
    store = Store(tmp_path / "results.db")
    return lambda **values: store.run(store.record(result(**values)))


def run(run_id: int, model: str = "resnet34", speed: float | None = 10.0, **more: Any) -> Run:
    values = {"mode": "infer", "img_size": 224, "dtype": "float32", "batch_size": 1, **more}
    return Run(run_id, "2026-01-31T12:00:00.000+00:00", "", "measured", "done", model, samples_per_sec=speed, **values)


def latency(p50: float, low: float | None, high: float | None) -> dict[str, Any]:
    return {"latency_ms": {"p50": p50, "p50_low": low, "p50_high": high}}


def test_ratios_are_a_over_b(kept: Any) -> None:
    slow = LATENCY.__class__(20.0, 22.0, 24.0, 21.0, 18.0, 26.0, 1.0, 19.8, 20.2)
    found = compare(kept(), kept(samples_per_sec=250.0, latency_ms=slow, memory_bytes=400 << 20))

    assert found.samples_per_sec_ratio == 4.0
    assert found.latency_p50_ratio == 0.5
    assert found.memory_ratio == 2.0
    assert found.ratio_low is not None
    assert found.ratio_high is not None
    assert found.ratio_low < 4.0 < found.ratio_high


def test_peaks_of_different_things_have_no_ratio(kept: Any) -> None:
    assert compare(kept(), kept(memory_kind="peak_rss")).memory_ratio is None


def test_the_interval_is_that_of_independent_errors_on_the_logarithms_scale() -> None:
    a = RunDetails(run(1, speed=100.0), latency(10.0, 10.0 / 1.03, 10.0 * 1.03))
    b = RunDetails(run(2, speed=50.0), latency(20.0, 20.0 / 1.04, 20.0 * 1.04))
    both = math.hypot(math.log(1.03), math.log(1.04))

    assert ratio_interval(a, b) == pytest.approx((2 * math.exp(-both), 2 * math.exp(both)))


def test_a_side_that_is_surer_below_than_above_shows_in_the_interval() -> None:
    """What may be slower than it seems can only lower its ratio to another."""
    a = RunDetails(run(1), latency(10.0, 10.0, 12.0))
    b = RunDetails(run(2), latency(10.0, 10.0, 10.0))

    assert ratio_interval(a, b) == pytest.approx((10 / 12, 1.0))
    assert ratio_interval(b, a) == pytest.approx((1.0, 12 / 10))


def test_swapping_the_sides_turns_the_interval_round() -> None:
    a = RunDetails(run(1, speed=100.0), latency(10.0, 9.0, 10.5))
    b = RunDetails(run(2, speed=70.0), latency(14.0, 13.9, 16.0))
    forth, back = ratio_interval(a, b), ratio_interval(b, a)

    assert forth is not None
    assert back is not None
    assert forth == pytest.approx((1 / back[1], 1 / back[0]))


@pytest.mark.parametrize("result", [None, {}, latency(10.0, None, None)], ids=["none", "empty", "old"])
def test_without_bounds_of_both_there_is_no_interval(result: dict[str, Any] | None) -> None:
    whole = RunDetails(run(1), latency(10.0, 9.0, 11.0))

    assert ratio_interval(whole, RunDetails(run(2), result)) is None
    assert ratio_interval(RunDetails(run(2), result), whole) is None


def test_only_what_differs_is_told(kept: Any) -> None:
    other = {"device_name": "A Fast Device", "timm": "1.0.31", "torch": "2.6.0", "explorer": "0.1"}
    a = kept()
    b = kept(batch_size=128, settings={"memory_format": "channels_last", "threads": 2, "new": 1}, environment=other)

    assert [(d.name, d.a, d.b) for d in compare(a, b).differences] == [
        ("batch_size", 256, 128),
        ("memory_format", "contiguous", "channels_last"),
        ("torch", "2.4.0", "2.6.0"),
    ]
    assert compare(a, kept()).differences == []


@pytest.mark.parametrize(
    ("of_a", "of_b", "joined"),
    [
        ("resnet34", "resnet34", True),
        ("resnet34", "resnet34.a1_in1k", True),
        ("resnet34.a1_in1k", "resnet34", True),
        ("resnet34.a1_in1k", "resnet34.a1_in1k", True),
        ("resnet34.a1_in1k", "resnet34.a2_in1k", False),
        ("resnet34", "resnet34d", False),
        ("hf-hub:timm/resnet34.a1_in1k", "hf-hub:timm/resnet34", False),
    ],
)
def test_models_are_joined_whatever_the_tag_of_one_side(of_a: str, of_b: str, joined: bool) -> None:
    sides = side_by_side([run(1, of_a, 20.0)], [run(2, of_b, 10.0)])

    assert [pair.ratio for pair in sides.pairs] == ([2.0] if joined else [])
    assert (sides.only_a, sides.only_b) == (([], []) if joined else ([of_a], [of_b]))


def test_the_newest_run_of_each_counts() -> None:
    sides = side_by_side([run(4, speed=40.0), run(2, speed=20.0)], [run(3, speed=10.0), run(1, speed=1.0)])

    assert [pair.ratio for pair in sides.pairs] == [4.0]


def test_the_same_tag_goes_before_a_newer_run_of_none() -> None:
    sides = side_by_side([run(1, "a.x", 10.0)], [run(3, "a", 5.0), run(2, "a.x", 2.0)])

    assert [pair.b.id for pair in sides.pairs] == [2]


def test_modes_are_not_mixed() -> None:
    sides = side_by_side([run(1), run(2, mode="train")], [run(3, mode="train", speed=1.0)])

    assert [(pair.a.id, pair.b.id) for pair in sides.pairs] == [(2, 3)]
    assert sides.only_a == ["resnet34"]


def test_image_sizes_are_not_mixed_but_told() -> None:
    sides = side_by_side([run(1, img_size=160), run(2, "vit")], [run(3, img_size=(224, 112)), run(4, "vit")])

    assert [pair.model for pair in sides.pairs] == ["vit"]
    assert [(o.model, o.a_sizes, o.b_sizes) for o in sides.other_sizes] == [("resnet34", (160,), ((224, 112),))]
    assert side_notes(sides, "a", "b") == ["at other image sizes: resnet34 (160 against 224×112)"]


def test_each_size_finds_its_own_and_a_size_without_one_is_no_matter() -> None:
    sides = side_by_side([run(1), run(2, img_size=288)], [run(3), run(4, img_size=160)])

    assert [(pair.a.id, pair.b.id) for pair in sides.pairs] == [(1, 3)]
    assert sides.other_sizes == []


def test_an_unknown_size_joins_with_any() -> None:
    sides = side_by_side([run(1)], [run(2, img_size=None)])

    assert len(sides.pairs) == 1


def test_batch_and_dtype_that_differ_are_told() -> None:
    sides = side_by_side(
        [run(1, dtype="amp"), run(2, "vit", dtype="amp", batch_size=8)], [run(3), run(4, "vit", dtype="float32")]
    )

    assert {pair.model: [d.name for d in pair.differences] for pair in sides.pairs} == {
        "resnet34": ["dtype"],
        "vit": ["batch_size", "dtype"],
    }
    assert side_notes(sides, "a", "b") == ["dtype differs: amp against float32", "batch differs in 1 of 2"]


def test_a_dtype_that_is_not_known_is_told() -> None:
    sides = side_by_side([run(1)], [run(2, dtype=None)])

    assert sides.pairs[0].differences == []
    assert side_notes(sides, "a", "b") == ["dtype of one side is not known in 1 of 1"]


def test_runs_without_speed_are_counted_not_joined() -> None:
    sides = side_by_side([run(1)], [run(2, speed=None), run(3, "vit", None)])

    assert (sides.pairs, sides.median_ratio, sides.without_speed_b) == ([], None, 2)
    assert side_notes(sides, "a", "b") == ["only in a: resnet34", "2 of b without samples/s"]


def test_the_median_is_of_all_pairs() -> None:
    a = [run(i, f"net{i}", float(i)) for i in (1, 2, 6)]
    sides = side_by_side(a, [run(9, f"net{i}", 1.0) for i in (1, 2, 6)])

    assert sides.median_ratio == 2.0
