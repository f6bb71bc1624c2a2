"""The built model as frames and boxes, drawn from passes made up here."""

import pytest
from msgspec.structs import replace

from explorer.diagram.style import Flow, Look
from explorer.diagram.view import View, ViewNode
from explorer.diagram.views.flow_view import architecture
from explorer.graph import Graph, GraphInfo, Node, NodeKind
from explorer.protocol.flow import FlowResult
from tests.diagram.views.flows import FlowMaker, block, residual_net


def labels(view: View) -> list[str]:
    return [node.label for node in view.nodes]


def named(view: View, label: str) -> ViewNode:
    (node,) = (node for node in view.nodes if node.label == label)
    return node


def frames(view: View) -> list[str]:
    return [group.label for group in view.groups]


def members(view: View) -> set[str]:
    return {name for shown in (*view.nodes, *view.groups) for name in shown.members}


def paths(flow: FlowResult) -> set[str]:
    return {module.path or module.class_name for module in flow.modules}


def chain(count: int) -> FlowResult:
    """Blocks of ever more channels in a row, none like another."""
    maker = FlowMaker()
    x = maker.input
    with maker.call("", "Net", maker.input):
        for number in range(count):
            x = maker.layer(f"wider{number}", "Conv2d", x, (1, 4 + number, 8, 8), 10 + number)
            x = block(maker, f"block{number}", x, 4 + number)
    return maker.result()


def test_repeats_are_one_frame_that_says_how_many_they_are() -> None:
    view = architecture(residual_net(blocks=3))
    assert "stage0 · stage 0 · /4 · ×3 Block, separate weights" in frames(view)


def test_nothing_folds_across_a_change_of_channels() -> None:
    view = architecture(residual_net(blocks=2, channels=(16, 32)), depth=9)
    assert [label for label in frames(view) if "×" in label] == [
        "stage0 · stage 0 · /4 · ×2 Block, separate weights",
        "stage1 · stage 1 · /8 · ×2 Block, separate weights",
    ]


def test_blocks_that_differ_in_parameters_alone_do_not_fold() -> None:
    maker = FlowMaker((1, 16, 8, 8))
    with maker.call("", "Net", maker.input):
        x = block(maker, "blocks.0", maker.input, 16, params=100)
        block(maker, "blocks.1", x, 16, params=101)
    assert not [label for label in frames(architecture(maker.result())) if "×" in label]


def test_a_block_that_takes_from_further_back_does_not_fold() -> None:
    maker = FlowMaker((1, 16, 8, 8))
    given = [maker.input]
    with maker.call("", "Net", maker.input):
        for number in range(3):
            with maker.call(f"blocks.{number}", "Block", given[-1]):
                x = maker.layer(f"blocks.{number}.conv", "Conv2d", given[-1], params=9)
                given.append(maker.run("add", x, given[0]))
    view = architecture(maker.result())
    assert "×3 Block, separate weights" in " ".join(frames(view)), "all three take the model's input"
    maker = FlowMaker((1, 16, 8, 8))
    given = [maker.input]
    with maker.call("", "Net", maker.input):
        for number in range(4):
            with maker.call(f"blocks.{number}", "Block", given[-1]):
                x = maker.layer(f"blocks.{number}.conv", "Conv2d", given[-1], params=9)
                given.append(maker.run("add", x, given[max(0, number - 1)]))
    assert not [label for label in frames(architecture(maker.result())) if "×4" in label]


def test_repeats_of_the_same_module_say_that_weights_are_shared() -> None:
    maker = FlowMaker((1, 16, 8, 8))
    x = maker.input
    with maker.call("", "Net", maker.input):
        for _ in range(3):
            x = block(maker, "block", x, 16)
    assert "×3 Block, shared weights" in " ".join(frames(architecture(maker.result())))


def test_a_pattern_of_several_blocks_folds_as_one() -> None:
    maker = FlowMaker((1, 16, 8, 8))
    x = maker.input
    with maker.call("", "Net", maker.input):
        for number in range(6):
            kind = "Even" if number % 2 == 0 else "Odd"
            with maker.call(f"blocks.{number}", kind, x):
                one = maker.layer(f"blocks.{number}.conv", "Conv2d", x, params=9)
                x = maker.run("add", one, x)
    assert "blocks.0–5 · ×3 (Even + Odd), separate weights" in frames(architecture(maker.result()))


def test_a_layer_and_what_follows_it_alone_are_one_box() -> None:
    view = architecture(residual_net())
    assert named(view, "conv1 · norm1 · act1").members == ("stage0.0.conv1", "stage0.0.norm1", "stage0.0.act1")


def test_a_layer_whose_output_is_taken_twice_stays_alone() -> None:
    maker = FlowMaker()
    with maker.call("", "Net", maker.input):
        x = maker.layer("conv", "Conv2d", maker.input, (1, 4, 8, 8), 9)
        y = maker.layer("act", "ReLU", x)
        maker.run("add", x, y)
    assert labels(architecture(maker.result())) == ["input", "conv", "act", "+", "output"]


def test_a_residual_joins_in_an_addition_what_was_made_of_it() -> None:
    view = architecture(residual_net())
    edges = {(e.source, e.target): e.kind for e in view.edges}
    addition = named(view, "+").id
    assert edges["layer:stem", addition] is Flow.RESIDUAL
    assert edges["layer:stage0.0.conv2", addition] is Flow.TENSORS


def test_shapes_stand_where_they_change_and_once() -> None:
    view = architecture(residual_net())
    said = {(e.source, e.target): e.label for e in view.edges if e.label}
    assert said == {
        ("layer:stem", "layer:stage0.0.conv1 · norm1 · act1"): "16×8×8",
        ("operator:mean#16", "layer:head"): "16",
        ("layer:head", "tensor:output"): "10",
    }


def test_a_view_between_two_layers_shows_both_shapes() -> None:
    maker = FlowMaker()
    with maker.call("", "Net", maker.input):
        x = maker.layer("conv", "Conv2d", maker.input, (1, 4, 8, 8), 9)
        maker.layer("head", "Linear", x._replace(shape=(1, 256)), (1, 10), 9)
    (edge,) = (e for e in architecture(maker.result()).edges if e.target == "layer:head")
    assert edge.label == "4×8×8 → 256"


@pytest.mark.parametrize("nodes", [5, 10, 40])
@pytest.mark.parametrize("flow", [residual_net(3), residual_net(2, (8, 16, 32)), chain(30)], ids=["3", "2-2-2", "30"])
def test_every_module_that_ran_is_in_the_picture_within_the_budget(flow: FlowResult, nodes: int) -> None:
    view = architecture(flow, nodes=nodes)
    assert members(view) == paths(flow)
    assert len(view.nodes) <= nodes
    ids = [shown.id for shown in (*view.nodes, *view.groups)]
    assert len(ids) == len(set(ids))
    assert {end for e in view.edges for end in (e.source, e.target)} <= {node.id for node in view.nodes}


def test_of_stages_built_alike_the_first_shows_how() -> None:
    view = architecture(residual_net(blocks=3, channels=(16, 32)))
    assert named(view, "stage1").kind is Look.GROUP
    assert named(view, "stage1").sublabel == "×3 Block, separate weights · stage 1 · /8"


def test_depth_opens_what_is_built_alike_too_and_no_further() -> None:
    flow = residual_net(blocks=3, channels=(16, 32))
    assert "stage1.0.conv2" in {name.rpartition(":")[2] for name in (n.id for n in architecture(flow, depth=2).nodes)}
    assert [group.label for group in architecture(flow, depth=1).groups] == ["Net"]


def test_a_box_that_is_closed_says_how_much_it_holds() -> None:
    assert named(architecture(chain(2), depth=1), "block1").sublabel == "Block, 3 layers"


def test_a_class_of_timm_links_to_its_source() -> None:
    graph = Graph(GraphInfo("1.0.31"))
    graph.add_node(Node("timm.models.net:Block", NodeKind.CLASS, "models/net.py", 12, 40))
    view = architecture(chain(2), depth=1, graph=graph)
    place = "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/net.py#L12"
    assert named(view, "block0").href == place
    assert named(view, "wider0").href == "", "a class of torch has no place there"


def test_tooltips_tell_shapes_parameters_and_macs() -> None:
    tooltip = named(architecture(residual_net()), "conv2").tooltip
    assert tooltip.splitlines() == ["stage0.0.conv2", "Conv2d", "16×8×8 → 16×8×8", "100 parameters · 100 MACs"]


def test_a_tensor_node_stands_for_each_input_and_output() -> None:
    maker = FlowMaker()
    with maker.call("", "Net", maker.input):
        one = maker.layer("one", "Conv2d", maker.input, (1, 4, 8, 8), 9)
        two = maker.layer("two", "Conv2d", one, (1, 8, 4, 4), 9)
    view = architecture(maker.result(one, two))
    assert [n.label for n in view.nodes if n.kind is Look.TENSOR] == ["input", "output 0", "output 1"]
    assert {(e.source, e.target) for e in view.edges if e.target.startswith("tensor:")} == {
        ("layer:one", "tensor:output 0"),
        ("layer:two", "tensor:output 1"),
    }


def test_the_same_pass_gives_the_same_view() -> None:
    assert architecture(residual_net()) == architecture(residual_net())


def test_more_room_than_usual_opens_what_is_built_alike_too() -> None:
    view = architecture(residual_net(blocks=3, channels=(16, 32)), nodes=100)
    assert Look.GROUP not in {node.kind for node in view.nodes}


def test_a_pass_on_the_cpu_is_told() -> None:
    assert architecture(residual_net()).notes == ()
    (note,) = architecture(replace(residual_net(), device="cpu")).notes
    assert "CPU" in note


def test_what_a_repeat_before_the_last_gives_is_told() -> None:
    maker = FlowMaker((1, 16, 8, 8))
    given = [maker.input]
    with maker.call("", "Net", maker.input):
        for number in range(4):
            given.append(block(maker, f"blocks.{number}", given[-1], 16))
    flow = maker.result(given[2], given[4])
    for view in (architecture(flow), architecture(flow, depth=1)):
        labels = {edge.target: edge.label for edge in view.edges if edge.target.startswith("tensor:output")}
        assert labels == {"tensor:output 0": "after 2 of 4", "tensor:output 1": ""}
