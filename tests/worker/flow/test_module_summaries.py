"""What modules are set to, in a few words, and who has which parameters."""

import pytest
from torch import nn

from explorer.worker.flow.module_summaries import about, modules

pytestmark = pytest.mark.xdist_group("torch")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (nn.Conv2d(3, 64, 7, stride=2), "3→64, 7×7, /2"),
        (nn.Conv2d(8, 8, 3, groups=8), "8→8, 3×3, depthwise"),
        (nn.Conv2d(8, 16, (3, 5), groups=2, dilation=2), "8→16, 3×5, 2 groups, dilated 2×2"),
        (nn.ConvTranspose2d(4, 2, 2, stride=(2, 1)), "4→2, 2×2, /2×1"),
        (nn.Conv1d(2, 3, 1), "2→3, 1"),
        (nn.MaxPool2d(3, stride=2), "3×3, /2"),
        (nn.Linear(768, 1000), "768→1000"),
        (nn.BatchNorm2d(64), "64"),
        (nn.GroupNorm(1, 32), "32"),
        (nn.GroupNorm(4, 32), "32, 4 groups"),
        (nn.LayerNorm(768), "768"),
        (nn.LayerNorm((7, 7)), "7×7"),
        (nn.PReLU(), "num_parameters=1"),
        (nn.ReLU(inplace=True), ""),
        (nn.Bilinear(2, 2, 2), ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_a_module_is_told_by_what_it_is_set_to(module: nn.Module, said: str) -> None:
    assert about(module) == said


def test_parameters_count_once_and_shared_ones_are_told() -> None:
    shared = nn.Linear(3, 3)
    tied = nn.Linear(3, 3, bias=False)
    tied.weight = shared.weight
    model = nn.Sequential(nn.Sequential(shared, tied), nn.ReLU())
    rows = {row.path: row for row in modules(model, [*model.modules()])}
    assert (rows[""].params, rows[""].own_params) == (12, 0)
    assert (rows["0.0"].params, rows["0.1"].params) == (12, 9)
    assert (rows["0.0"].shared_with, rows["0.1"].shared_with) == ("", "0.0")
    assert rows["1"].source == "torch.nn.modules.activation:ReLU"
