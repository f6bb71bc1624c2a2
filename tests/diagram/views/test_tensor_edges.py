"""What flows between boxes: shapes as given and taken, shortcuts, what repeats give."""

from explorer.diagram.views.folding import ShownSegment, fold, shown
from explorer.diagram.views.segments import ForwardPass, SegmentRules, is_step, whole
from explorer.diagram.views.tensor_edges import TensorEdge, incoming, tensor_edges
from explorer.protocol.flow import FlowResult
from tests.diagram.views.flows import FlowMaker, block, residual_net


def edges(flow: FlowResult, nodes: int = 400) -> list[TensorEdge]:
    passed = ForwardPass(flow)
    tree: tuple[ShownSegment, ...] = (shown(passed, whole(passed, SegmentRules(is_step, fold)), nodes, None),)
    return tensor_edges(passed, tree)


def test_a_shortcut_is_what_an_addition_joins_with_what_was_made_of_it() -> None:
    maker = FlowMaker((1, 4, 8, 8))
    with maker.call("", "Net", maker.input):
        block(maker, "a", maker.input, 4)
    found = edges(maker.result())
    assert [(edge.source, edge.is_shortcut) for edge in found if edge.is_shortcut] == [(-1, True)]
    assert (found[0].source, found[0].given) == (-1, (1, 4, 8, 8))


def test_two_branches_that_are_added_are_no_shortcut() -> None:
    maker = FlowMaker((1, 4))
    with maker.call("", "Net", maker.input):
        one = maker.layer("one", "Linear", maker.input, params=16)
        two = maker.layer("two", "Linear", maker.input, params=16)
        maker.run("add", one, two)
    assert not any(edge.is_shortcut for edge in edges(maker.result()))


def test_what_one_repeat_gives_the_next_is_no_arrow() -> None:
    found = edges(residual_net(blocks=3))
    assert len({(edge.source, edge.target) for edge in found}) == len(found)
    assert all(edge.source < edge.target for edge in found)


def test_a_repeat_before_the_last_says_which_it_is() -> None:
    maker = FlowMaker((1, 4, 8, 8))
    with maker.call("", "Net", maker.input):
        x = first = block(maker, "blocks.0", maker.layer("stem", "Conv2d", maker.input, params=9), 4)
        for number in (1, 2):
            x = block(maker, f"blocks.{number}", x, 4)
        maker.run("cat", first, x)
    assert [edge.after for edge in edges(maker.result()) if edge.after] == ["1 of 3"]


def test_incoming_are_the_shapes_that_a_box_takes() -> None:
    taken = incoming([TensorEdge(0, 2, (1, 3), (1, 3)), TensorEdge(1, 2, (1, 4), (4,))])
    assert taken == {2: {(1, 3), (4,)}}
