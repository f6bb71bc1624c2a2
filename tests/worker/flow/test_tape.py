"""What a recording holds of a pass: who gave what to whom."""

import pytest
import torch
from torch import nn

from explorer.worker.flow.flow_recorder import record

pytestmark = pytest.mark.xdist_group("torch")


class Branches(nn.Module):
    """Makes and drops values, so that addresses are free to be used again, and gives one that nothing made."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(20):
            self.fc(x).relu()
        return self.fc(x) + x


def test_what_flows_is_from_who_made_it_though_much_was_dropped_before() -> None:
    with torch.no_grad(), torch.device("meta"):
        recording = record(Branches(), torch.empty(2, 4))
    last = recording.operators[-1]
    assert last.name == "add"
    assert [tensor.source for tensor in last.inputs] == [len(recording.operators) - 2, -1]
    for operator in recording.operators:
        if operator.name == "linear":
            assert [tensor.source for tensor in operator.inputs] == [-1]


def test_writing_in_place_makes_a_new_value_of_it() -> None:
    class InPlace(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = x * 2
            y.add_(1)
            return y.relu()

    recording = record(InPlace(), torch.ones(2))
    assert [op.name for op in recording.operators] == ["mul", "add", "relu"]
    assert [op.inputs[0].source for op in recording.operators] == [-1, 0, 1]


def test_an_operator_tells_the_numbers_it_is_called_with_by_name() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.beta = 0.98

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = nn.functional.leaky_relu(x * self.beta, negative_slope=float("-inf"), inplace=True)
            return torch.roll(y, (1, -2), dims=(0, 1)) ** 2

    operators = record(Scaled(), torch.ones(2, 3)).operators
    assert [operator.scalars for operator in operators] == [
        (("beta", "0.98"),),
        (("negative_slope", "-inf"),),
        (("", "1"), ("", "-2"), ("dims", "0"), ("dims", "1")),
        (("", "2"),),
    ]
