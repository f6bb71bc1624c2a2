"""Which operator wrote which part of a storage."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from explorer.protocol.flow import FlowOperator
from explorer.worker.flow import storage_writers
from explorer.worker.flow.flow_recorder import record
from explorer.worker.flow.storage_writers import StorageWriters, memory_of

pytestmark = pytest.mark.xdist_group("torch")


def test_a_storage_that_is_gone_is_never_taken_for_a_later_one() -> None:
    seen = {memory_of(torch.empty(3, device="meta")) for _ in range(100)}
    assert len(seen) == 100


def test_a_view_is_of_its_base_s_storage() -> None:
    base = torch.empty(4, 2, device="meta")
    assert memory_of(base) == memory_of(base[1:].transpose(0, 1))
    assert memory_of(base) != memory_of(base.clone())


def test_a_tensor_that_nothing_wrote_comes_from_nowhere_though_a_part_of_it_was_written() -> None:
    writers, base = StorageWriters(), torch.empty(4, 6, device="meta")
    assert writers.writers(base) == []
    writers.write(base[:, :2], 4)
    assert [writers.writers(base), writers.writers(base[:, 2:])] == [[4], []]
    writers.write(base, 5)
    writers.write(base[2:], 7)
    assert [writers.writers(part) for part in (base, base[:2], base[2:], base[1:3, ::2])] == [[5, 7], [5], [7], [5, 7]]


PARTS: list[Callable[[Tensor], Tensor]] = [
    lambda x: x[:, :3],
    lambda x: x[:, 3:],
    lambda x: x[..., ::2],
    lambda x: x[..., 1::2],
    lambda x: x[1:, 2:5, 1:4].transpose(0, 2),
    lambda x: x.permute(2, 0, 1)[3],
    lambda x: x.flatten()[7:29],
    lambda x: x[:1, 4].expand(5, -1),
    lambda x: x.flatten().unfold(0, 6, 4),
    lambda x: x[:0],
    lambda x: x,
]


@pytest.mark.parametrize("first", PARTS)
def test_parts_have_the_writers_that_their_values_would_tell(first: Callable[[Tensor], Tensor]) -> None:
    places = torch.arange(2 * 6 * 7).view(2, 6, 7)
    for second in PARTS:
        base, values, writers = torch.zeros(2, 6, 7, device="meta"), torch.zeros(2 * 6 * 7), StorageWriters()
        writers.write(base, 0)
        for number, part in enumerate((first, second, first), 1):
            values[part(places).flatten()] = number
            writers.write(part(base), number)
            for look in PARTS[:-2]:
                assert writers.writers(look(base)) == sorted(look(values.view(2, 6, 7)).unique().int().tolist())


def test_a_view_of_another_type_is_the_same_bytes() -> None:
    writers, base = StorageWriters(), torch.zeros(4, 2, device="meta")
    writers.write(base, 0)
    writers.write(torch.view_as_complex(base)[1:3], 1)
    assert [writers.writers(row) for row in base] == [[0], [1], [1], [0]]
    assert writers.writers(base.view(torch.int16)[1, 3:]) == [1]


def test_parts_too_small_to_be_kept_apart_have_all_writers_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_writers, "_MOST_CELLS", 8)
    writers, base = StorageWriters(), torch.zeros(4, 100, device="meta")
    writers.write(base, 0)
    writers.write(base[2:], 1)
    writers.write(base[0, ::3], 2)
    assert [writers.writers(base[:2]), writers.writers(base[2:])] == [[0, 2], [1, 2]]
    writers.write(base, 3)
    assert writers.writers(base) == [3]


def recorded(forward: Callable[[Tensor], Tensor], *shape: int) -> list[FlowOperator]:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return forward(x)

    with torch.no_grad(), torch.device("meta"):
        return [operator.finished() for operator in record(Net(), torch.empty(*shape)).operators]


def sources(operators: list[FlowOperator]) -> list[tuple[str, list[int]]]:
    return [(operator.name, [tensor.source for tensor in operator.inputs]) for operator in operators]


def test_a_change_of_one_half_in_place_leaves_the_other_half_to_its_writer() -> None:
    def halves(x: Tensor) -> Tensor:
        one, other = (x * 2).chunk(2, 1)
        one.relu_()
        return torch.cat([one.sigmoid(), other.tanh()], 1)

    assert sources(recorded(halves, 1, 8, 4, 4)) == [
        ("mul", [-1]),
        ("relu", [0]),
        ("sigmoid", [1]),
        ("tanh", [0]),
        ("cat", [2, 3]),
    ]


def test_what_is_put_together_in_place_comes_from_all_who_wrote_a_part_of_it() -> None:
    def put_together(x: Tensor) -> Tensor:
        whole = torch.empty(1, 4, 2)
        whole[:, ::2] = x.relu()
        whole[:, 1::2].copy_(x.sigmoid())
        return whole + 1

    operators = recorded(put_together, 1, 2, 2)
    assert sources(operators)[-5:] == [
        ("relu", [-1]),
        ("setitem", [1]),
        ("sigmoid", [-1]),
        ("copy", [3]),
        ("add", [2, 4]),
    ]
    assert operators[2].outputs == ((1, 4, 2),)


def test_what_is_written_by_a_mask_keeps_the_rest() -> None:
    def masked(x: Tensor) -> Tensor:
        y, z = x * 2, x.sigmoid()
        y[torch.tensor([0, 1], device="meta")] = z[:2]
        return y.relu()

    assert sources(recorded(masked, 4, 2))[2:] == [("setitem", [1, 0]), ("relu", [2])]


def test_every_operand_counts_though_two_come_from_one_operator() -> None:
    def added(x: Tensor) -> Tensor:
        y = x * 2
        return y[:, 0] + y[:, 1]

    assert sources(recorded(added, 1, 2, 3)) == [("mul", [-1]), ("add", [0, 0])]
