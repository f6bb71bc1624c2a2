"""What operators cost: formulas by hand, and which operator goes by which."""

import pytest
import torch

from explorer.worker.counting import operator_costs
from explorer.worker.counting.operator_costs import Cost

pytestmark = pytest.mark.xdist_group("torch")


def tensor(*shape):
    return torch.empty(shape, device="meta")


def convolved(images, weight, output, is_transposed):
    args = [tensor(*images), tensor(*weight), None, None, None, None, is_transposed]
    return operator_costs.convolution(args, tensor(*output))


def normed(rule, *rest):
    return rule([tensor(2, 3, 4, 4), *rest], None)


SCALE = tensor(3)
QUERY_KEY_VALUE = [tensor(2, 4, 5, 8), tensor(2, 4, 6, 8), tensor(2, 4, 6, 3)]


@pytest.mark.parametrize(
    ("cost", "macs", "macs_fvcore", "activations"),
    [
        pytest.param(convolved((2, 3, 8, 8), (4, 3, 3, 3), (2, 4, 6, 6), False), 7776, 7776, 288, id="conv"),
        pytest.param(convolved((1, 4, 8), (4, 1, 3), (1, 4, 6), False), 72, 72, 24, id="depthwise-1d"),
        pytest.param(convolved((1, 3, 4, 4), (3, 5, 2, 2), (1, 5, 8, 8), True), 960, 960, 320, id="transposed"),
        pytest.param(operator_costs.matrix_product((2, 5, 7), 3), 210, 210, 70, id="product"),
        pytest.param(operator_costs.attention(QUERY_KEY_VALUE, None), 2640, 2640, 360, id="attention"),
        pytest.param(
            operator_costs.recurrent(tensor(2, 5, 3), [tensor(16, 3), tensor(16, 4)]), 1120, 0, 0, id="recurrent"
        ),
        pytest.param(normed(operator_costs.batch_norm(False), SCALE), 0, 192, 0, id="batch-norm"),
        pytest.param(normed(operator_costs.batch_norm(False), None), 0, 96, 0, id="batch-norm-plain"),
        pytest.param(normed(operator_costs.batch_norm(True), SCALE), 0, 480, 0, id="batch-norm-training"),
        pytest.param(normed(operator_costs.batch_norm(True), None), 0, 384, 0, id="batch-norm-training-plain"),
        pytest.param(normed(operator_costs.batch_norm(), SCALE, True), 0, 480, 0, id="batch-norm-flag"),
        pytest.param(normed(operator_costs.norm(1), SCALE), 0, 480, 0, id="norm"),
        pytest.param(normed(operator_costs.norm(1), None), 0, 384, 0, id="norm-plain"),
        pytest.param(normed(operator_costs.norm(1)), 0, 384, 0, id="norm-without"),
        pytest.param(operator_costs.adaptive_pooling([tensor(1, 3, 7, 7)], None), 0, 147, 0, id="pooling"),
        pytest.param(operator_costs.interpolation(4)([], tensor(1, 3, 8, 8)), 0, 768, 0, id="bilinear"),
    ],
)
def test_a_formula_gives_what_a_hand_does(cost, macs, macs_fvcore, activations):
    assert cost == Cost(macs, macs_fvcore, activations)


def test_costs_add_up():
    assert Cost(1, 2, 3).plus(Cost(10, 20, 30)) == Cost(11, 22, 33)


def test_every_fused_attention_is_counted_and_elementwise_operators_are_not():
    rule = operator_costs.rule_of("_scaled_dot_product_flash_attention_for_cpu")
    assert rule is not None
    assert rule(QUERY_KEY_VALUE, None) == operator_costs.attention(QUERY_KEY_VALUE, None)
    assert operator_costs.rule_of("relu") is None


def test_views_and_moves_do_not_compute():
    aten = torch.ops.aten
    assert [operator_costs.computes(op.default) for op in (aten.relu, aten.relu_, aten.mm)] == [True] * 3
    assert not any(operator_costs.computes(op.default) for op in (aten.view, aten.clone, aten.permute, aten.index_put_))
