"""Shortcuts on the meta device give what torch gives there."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from explorer.worker.counting import Shortened, Unfilled

pytestmark = pytest.mark.xdist_group("torch")


def described(value):
    """Shape, layout and dtype of every tensor."""
    from explorer.worker.counting import tensors_of

    return [(tuple(t.shape), t.stride(), t.dtype, t.device.type) for t in tensors_of(value)]


SHORTENED = {
    "gelu": lambda x: functional.gelu(x),
    "gelu-tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "relu-transposed": lambda x: functional.relu(x.transpose(1, 2)),
    "silu-in-place": lambda x: functional.silu(x, inplace=True),
    "sum": lambda x: x + x,
    "sum-of-a-number": lambda x: x + 1,
    "product-of-half": lambda x: x.half() * 2.5,
    "product-broadcast": lambda x: x * x[:, :1],
    "product-of-whole-numbers": lambda x: torch.arange(4) * 2.5,
    "scaled-sum": lambda x: torch.add(x, x, alpha=2),
    "product-spread-over-the-first": lambda x: x * x.new_ones(6, 1),
    "product-spread-over-the-second": lambda x: x[:, :1] * x,
    "mean": lambda x: x.mean((1, 2)),
    "mean-kept": lambda x: x.mean((-1,), keepdim=True),
    "mean-transposed": lambda x: x.transpose(1, 2).mean(0),
    "mean-of-all": lambda x: x.mean(),
    "softmax": lambda x: x.softmax(-1),
    "softmax-transposed": lambda x: x.transpose(1, 2).softmax(1),
    "softmax-in-double": lambda x: x.softmax(-1, dtype=torch.float64),
    "layer-norm": lambda x: functional.layer_norm(x, (8,), x.new_ones(8), x.new_ones(8)),
    "layer-norm-transposed": lambda x: functional.layer_norm(x.transpose(1, 2), (6,)),
    "batch-norm": lambda x: functional.batch_norm(x, x.new_ones(6), x.new_ones(6)),
    "batch-norm-training": lambda x: functional.batch_norm(x, None, None, training=True),
    "group-norm": lambda x: functional.group_norm(x, 3, x.new_ones(6), x.new_ones(6)),
    "linear": lambda x: functional.linear(x, x.new_ones(5, 8), x.new_ones(5)),
    "linear-of-a-matrix": lambda x: functional.linear(x[0], x.new_ones(5, 8), x.new_ones(5)),
    "clamp": lambda x: x.clamp_(0, 1),
}


@pytest.mark.parametrize("case", SHORTENED)
def test_a_shortcut_gives_what_torch_does(case):
    function = SHORTENED[case]
    with torch.no_grad(), torch.device("meta"):
        with Shortened():
            short = function(torch.empty(2, 6, 8))
        assert described(short) == described(function(torch.empty(2, 6, 8)))


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda x: functional.linear(x[0], x.new_ones(5, 7), x.new_ones(5)), id="linear"),
        pytest.param(lambda x: functional.layer_norm(x, (7,)), id="layer-norm"),
        pytest.param(lambda x: functional.batch_norm(x, x.new_ones(7), x.new_ones(7)), id="batch-norm"),
        pytest.param(lambda x: functional.group_norm(x, 4), id="group-norm"),
        pytest.param(lambda x: x + x.new_ones(7), id="sum"),
    ],
)
def test_what_torch_refuses_no_shortcut_takes(function):
    with torch.no_grad(), torch.device("meta"), Shortened(), pytest.raises((RuntimeError, ValueError)):
        function(torch.empty(2, 6, 8))


def test_initial_values_are_left_out_on_meta_alone():
    with Unfilled():
        real = nn.init.constant_(torch.empty(3), 2.0)
        absent = nn.init.normal_(nn.init.trunc_normal_(torch.empty(3, device="meta")))
    assert real.tolist() == [2.0] * 3
    assert (absent.shape, absent.device.type) == ((3,), "meta")
