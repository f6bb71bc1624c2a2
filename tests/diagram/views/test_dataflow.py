"""The forward pass as it runs, drawn from passes made up here."""

import pytest

from explorer.diagram.style import Flow, Look
from explorer.diagram.view import View
from explorer.diagram.views.flow_view import dataflow
from explorer.errors import RequestError
from explorer.protocol.flow import FlowResult
from tests.diagram.views.flows import FlowMaker, residual_net


def labels(view: View) -> list[str]:
    return [node.label for node in view.nodes]


def attention() -> FlowResult:
    """Tokens with a position, through attention that copies its output into shape, gated by itself."""
    maker = FlowMaker((1, 16, 8))
    with maker.call("", "Net", maker.input):
        x = maker.run("add", maker.input, weights=("pos_embed",))
        with maker.call("attn", "Attention", x):
            qkv = maker.layer("attn.qkv", "Linear", x, (1, 16, 24), 8 * 24)
            heads = qkv._replace(shape=(1, 2, 16, 4))
            y = maker.run("scaled_dot_product_attention", heads, shape=(1, 2, 16, 4), macs=4096)
            y = maker.run("reshape", y._replace(shape=(1, 16, 2, 4)), shape=(1, 16, 8), is_move=True)
            y = maker.layer("attn.proj", "Linear", y, params=64)
        y = maker.run("roll", y, is_move=True)
        maker.run("mul", y, x)
    return maker.result()


def test_every_module_and_operator_that_computes_is_a_box() -> None:
    expected = ["input", "+", "qkv", "scaled_dot_product_attention", "proj", "roll", "×", "output"]
    assert labels(dataflow(attention())) == expected


def test_an_operator_names_the_weights_it_brings_in() -> None:
    (position,) = (node for node in dataflow(attention()).nodes if node.label == "+")
    assert (position.kind, position.sublabel) == (Look.OPERATOR, "pos_embed")


@pytest.mark.parametrize(
    ("weight", "said"), [("qkv.weight", "qkv.weight"), ("layers.0.blocks.1.mask", "mask"), ("gamma", "gamma")]
)
def test_a_weight_is_named_with_its_module_unless_that_is_a_number(weight: str, said: str) -> None:
    maker = FlowMaker((1, 16))
    with maker.call("", "Net", maker.input):
        x = maker.run("mul", maker.input, weights=(weight,))
        maker.layer("head", "Linear", x, params=256)
    assert dataflow(maker.result()).nodes[1].sublabel == said


def test_what_only_copies_into_another_shape_is_no_box_and_breaks_no_arrow() -> None:
    view = dataflow(attention())
    (edge,) = (e for e in view.edges if e.target == "layer:attn.proj")
    assert edge.source.startswith("operator:attn.scaled_dot_product_attention")
    assert edge.label == "2×16×4 → 16×8"


def test_a_gate_takes_both_but_is_no_residual() -> None:
    view = dataflow(attention())
    into_gate = [e for e in view.edges if e.target.startswith("operator:mul")]
    assert {e.source.partition("#")[0] for e in into_gate} == {"operator:roll", "operator:add"}
    assert {e.kind for e in into_gate} == {Flow.TENSORS}


def test_layers_stay_apart() -> None:
    assert labels(dataflow(residual_net()))[2:6] == ["conv1", "norm1", "act1", "conv2"]


def test_operators_can_be_shown_each_with_the_module_it_ran_in() -> None:
    view = dataflow(residual_net(), level="operator")
    (convolution,) = (node for node in view.nodes if node.sublabel == "stage0.0.conv1")
    assert (convolution.kind, convolution.label) == (Look.OPERATOR, "conv2d")


def test_a_module_that_does_nothing_is_named_by_the_frame_around_it() -> None:
    view = dataflow(residual_net())
    assert "stage0.0.drop" not in {member for node in view.nodes for member in node.members}
    (frame,) = (group for group in view.groups if group.label.startswith("stage0"))
    assert {"stage0.0.drop", "stage0.2.drop", "stage0"} <= set(frame.members)
    assert not {"stage0.0.conv1", "stem"} & set(frame.members), "which are boxes"


def test_a_tensor_made_of_weights_alone_is_no_branch() -> None:
    maker = FlowMaker((1, 16))
    with maker.call("", "Net", maker.input):
        table = maker.run("getitem", shape=(16, 16), is_move=True, weights=("table",))
        x = maker.run("add", maker.input, table)
        maker.layer("head", "Linear", x, params=256)
    assert labels(dataflow(maker.result())) == ["input", "+", "head", "output"]


def test_a_module_that_runs_on_weights_alone_is_in_the_picture() -> None:
    maker = FlowMaker((1, 16))
    with maker.call("", "Net", maker.input):
        table = maker.run("clone", shape=(1, 16), is_move=True, weights=("table",))
        bias = maker.layer("mlp", "Linear", table, params=256)
        maker.run("add", maker.input, bias)
    view = dataflow(maker.result())
    assert {(e.source, e.target.partition("#")[0]) for e in view.edges} >= {("layer:mlp", "operator:add")}


@pytest.mark.parametrize("shade", ["macs", "params"])
def test_shades_count_all_repeats_of_a_box_against_the_box_with_most(shade: str) -> None:
    view = dataflow(residual_net(blocks=3), shade=shade)
    shades = {node.label: node.shade for node in view.nodes}
    assert view.shaded_by
    assert shades["conv1"] == 1.0, "300 in three repeats is the most"
    assert shades["head"] == pytest.approx(170 / 300)
    assert shades["act1"] == 0.0
    assert shades["input"] is None


def test_without_a_shade_boxes_have_their_own_colour() -> None:
    view = dataflow(residual_net())
    assert {node.shade for node in view.nodes} == {None}
    assert view.shaded_by == ""


@pytest.mark.parametrize("wish", [{"level": "tensor"}, {"shade": "flops"}], ids=["level", "shade"])
def test_an_unknown_wish_is_refused_with_what_there_is(wish: dict[str, str]) -> None:
    with pytest.raises(RequestError) as caught:
        dataflow(residual_net(), **wish)  # type: ignore[arg-type]
    assert caught.value.hint


def test_many_units_at_the_top_are_grouped_into_the_budget() -> None:
    maker = FlowMaker()
    x = maker.input
    with maker.call("", "Net", maker.input):
        for number in range(60):
            x = maker.layer(f"conv{number}", "Conv2d", x, (1, 4 + number, 8, 8), 9)
    view = dataflow(maker.result(), nodes=17)
    assert labels(view)[1:3] == ["conv0–conv3", "conv4–conv7"]
    assert {node.sublabel for node in view.nodes if node.kind is Look.GROUP} == {"4 Conv2d"}
