"""Two prepared models in turns, and their outputs compared."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from types import SimpleNamespace

import pytest
import torch

from explorer.worker.measuring.comparison import difference, ratio_of, turns

pytestmark = pytest.mark.xdist_group("torch")


def test_a_difference_is_in_parts_of_the_range_over_the_images_both_have() -> None:
    reference = torch.tensor([[0.0, 1.0, 10.0], [0.0, 9.0, 10.0], [5.0, 5.0, 5.0]])
    outputs = torch.tensor([[0.0, 1.0, 10.0], [0.0, 11.0, 10.0]])
    found = difference([outputs], [reference])
    assert found is not None
    assert (found.max_abs, found.relative, found.top1_agreement, found.images) == (2.0, 0.2, 0.5, 2)


def test_outputs_that_are_not_finite_are_told_and_others_not_compared() -> None:
    fine, broken = torch.ones(2, 3), torch.full((2, 3), float("inf"))
    found = difference([broken], [fine])
    assert found is not None
    assert (found.is_finite, found.max_abs) == (False, None)
    assert difference([fine], [broken]) is None
    assert difference([fine], [torch.ones(2, 4)]) is None
    assert difference([fine], [fine, fine]) is None


class _Rated:
    """Stands in for a prepared model that runs at a rate."""

    def __init__(self, seconds: float) -> None:
        self.warm = SimpleNamespace(pass_seconds=seconds)
        self.batch_size = 2
        self.passes: list[int] = []

    @contextmanager
    def settings(self) -> Iterator[None]:
        yield

    def block(self, passes: int) -> float:
        self.passes.append(passes)
        return self.warm.pass_seconds * passes


def test_turns_alternate_and_give_samples_a_second() -> None:
    quick, slow = _Rated(0.01), _Rated(0.2)
    pairs = list(islice(turns(quick, slow, 0.1), 6))  # type: ignore[arg-type]
    ratio = ratio_of(pairs)
    assert (round(ratio.median, 6), ratio.rounds) == (20.0, 6)
    assert pairs[0] == (pytest.approx(200), pytest.approx(10))
    assert set(quick.passes) == {1, 10}
    assert set(slow.passes) == {1}
