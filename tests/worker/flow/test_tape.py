"""What tells one storage from another while a pass is recorded."""

import pytest
import torch
from torch import nn

from explorer.worker.flow.flow_recorder import record
from explorer.worker.flow.tape import _memory

pytestmark = pytest.mark.xdist_group("torch")


def test_a_storage_that_is_gone_is_never_taken_for_a_later_one() -> None:
    seen = {_memory(torch.empty(3, device="meta")) for _ in range(100)}
    assert len(seen) == 100


def test_a_view_is_its_base() -> None:
    base = torch.empty(4, 2, device="meta")
    assert _memory(base) == _memory(base[1:].transpose(0, 1))
    assert _memory(base) != _memory(base.clone())


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
