import numpy as np
import pytest

from explorer.engine.statistics import latency, percentile


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
