import math

import numpy as np
import pytest

from explorer.worker.measuring.timing import latency, median_interval, percentile


@pytest.mark.parametrize("count", [1, 2, 5, 101])
@pytest.mark.parametrize("percent", [0, 50, 90, 99, 100])
def test_percentiles_are_numpys(count, percent):
    values = sorted(np.random.default_rng(count).normal(size=count).tolist())
    assert percentile(values, percent) == pytest.approx(np.percentile(values, percent))


def test_latency_is_in_milliseconds_whatever_the_order():
    seconds = [0.004, 0.001, 0.003, 0.002]
    found = latency(seconds)
    assert (found.min, found.p50, found.mean, found.max) == pytest.approx((1.0, 2.5, 2.5, 4.0))
    assert found.std == pytest.approx(np.std([1, 2, 3, 4], ddof=1))


def test_one_iteration_has_no_spread():
    assert latency([0.5]).std == 0.0


@pytest.mark.parametrize(
    ("count", "low", "high"), [(6, 1, 6), (10, 2, 9), (20, 6, 15), (100, 40, 61), (1000, 469, 532)]
)
def test_the_ranks_that_bound_a_median_are_those_of_the_tables(count, low, high):
    """Two-sided 95 % intervals of the median from the binomial distribution, as statistical tables print them."""
    assert median_interval(range(1, count + 1)) == (low, high)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_too_few_values_give_their_extremes(count):
    assert median_interval(range(count)) == (0, count - 1)


def test_the_interval_holds_the_true_median_as_often_as_it_says():
    drawn = np.random.default_rng(0).exponential(size=(2000, 30))
    bounds = [median_interval(sorted(row)) for row in drawn.tolist()]
    assert np.mean([low <= math.log(2) <= high for low, high in bounds]) >= 0.95


def test_a_latency_carries_the_bounds_of_its_median():
    found = latency([n / 1000 for n in range(1, 11)])
    assert (found.p50_low, found.p50, found.p50_high) == pytest.approx((2.0, 5.5, 9.0))
