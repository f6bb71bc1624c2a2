"""What flows between boxes: shapes as given and taken, shortcuts, what repeats give."""

from collections.abc import Callable

from explorer.diagram.views.folding import ShownSegment, fold, shown
from explorer.diagram.views.segments import ForwardPass, SegmentRules, is_step, whole
from explorer.diagram.views.tensor_edges import TensorEdge, incoming, tensor_edges
from explorer.protocol.flow import FlowResult, FlowTensor
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
    assert [edge.which for edge in edges(maker.result()) if edge.which] == ["after 1, 3 of 3"]


def test_incoming_are_the_shapes_that_a_box_takes() -> None:
    taken = incoming([TensorEdge(0, 2, (1, 3), (1, 3)), TensorEdge(1, 2, (1, 4), (4,))])
    assert taken == {2: {(1, 3), (4,)}}


def row_of(count: int, *, is_chain: bool, taken: Callable[[list[FlowTensor]], list[FlowTensor]]) -> list[str]:
    """What the arrow from layers alike, one after or beside the other, to an operator says."""
    maker = FlowMaker((1, 4, 8, 8))
    with maker.call("", "Net", maker.input):
        given = [maker.layer("stem", "Conv2d", maker.input, params=9)]
        for number in range(count):
            given.append(maker.layer(f"b.{number}", "Conv2d", given[-1] if is_chain else given[0], params=7))
        maker.run("cat", *taken(given[1:]))
    return [edge.which for edge in edges(maker.result()) if edge.source == 1]


def test_an_arrow_says_which_of_a_chain_give_it() -> None:
    assert row_of(6, is_chain=True, taken=lambda layers: layers[-1:]) == [""]
    assert row_of(6, is_chain=True, taken=lambda layers: [layers[5], layers[1]]) == ["after 2, 6 of 6"]
    assert row_of(6, is_chain=True, taken=lambda layers: layers[1:4]) == ["after 2–4 of 6"]
    assert row_of(6, is_chain=True, taken=list) == ["after each of 6"]


def test_an_arrow_says_which_of_those_beside_each_other_give_it_though_it_be_the_last() -> None:
    assert row_of(6, is_chain=False, taken=lambda layers: layers[-1:]) == ["from #6 of 6"]
    assert row_of(6, is_chain=False, taken=lambda layers: layers[::2]) == ["from #1, 3, 5 of 6"]
    assert row_of(6, is_chain=False, taken=list) == ["from each of 6"]


def test_two_operands_from_one_place_are_two() -> None:
    maker = FlowMaker((1, 4, 8))
    with maker.call("", "Net", maker.input):
        x = maker.layer("one", "Conv1d", maker.input, params=9)
        half = x._replace(shape=(1, 2, 8))
        maker.run("add", half, half)
    assert [edge.which for edge in edges(maker.result())] == ["", "×2", ""]


def test_an_arrow_to_a_chain_says_where_not_only_the_first_takes_it() -> None:
    maker = FlowMaker((1, 4, 8, 8))
    with maker.call("", "Net", maker.input):
        mask = maker.layer("mask", "Conv2d", maker.input, params=8)
        x = maker.layer("stem", "Conv2d", maker.input, params=9)
        for number in range(4):
            with maker.call(f"b.{number}", "Block", x):
                x = maker.run("mul", maker.layer(f"b.{number}.fc", "Linear", x, params=16), mask)
    flow = maker.result()
    for nodes in (5, 400):  # closed and opened
        said = {edge.source: edge.which for edge in edges(flow, nodes) if edge.source in (0, 1) and edge.target > 1}
        assert said == {0: "to each of 4", 1: ""}


def test_repeats_in_repeats_are_told_apart_closed_and_opened() -> None:
    maker = FlowMaker((1, 4, 8, 8))
    given = [maker.input]
    with maker.call("", "Net", maker.input):
        for stage in range(2):
            with maker.call(f"s.{stage}", "Stage", given[-1]):
                given.append(maker.layer(f"s.{stage}.wide", "Linear", given[-1], params=5))
                for number in range(3):
                    given.append(block(maker, f"s.{stage}.b.{number}", given[-1], 4))
        maker.run("cat", given[2], given[4], given[6], given[8])
    said = [{edge.which for edge in edges(maker.result(), nodes) if edge.which} for nodes in (2, 4, 400)]
    assert said == [{"after each of 2"}, {"after each of 2, after 1, 3 of 3"}, {"after each of 2, after 1, 3 of 3"}]
