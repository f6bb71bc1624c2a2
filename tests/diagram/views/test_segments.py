"""A pass cut into segments: layers, chains of a layer and what follows it alone, operators between them."""

from explorer.diagram.views.segments import ForwardPass, SegmentRules, is_join, is_step, whole
from explorer.protocol.flow import FlowResult
from tests.diagram.views.flows import FlowMaker, block, residual_net


def passed(flow: FlowResult) -> ForwardPass:
    return ForwardPass(flow)


def rules(chains: bool = False) -> SegmentRules:
    return SegmentRules(is_step, lambda _, segments: segments, chains=chains)


def one_block() -> FlowResult:
    maker = FlowMaker((1, 4, 8, 8))
    with maker.call("", "Net", maker.input):
        block(maker, "a", block(maker, "stem", maker.input, 4), 4)
    return maker.result()


def test_every_call_is_in_the_segment_of_the_model() -> None:
    found = passed(residual_net())
    assert sorted(found.calls_in(whole(found, rules()))) == list(range(len(found.flow.calls)))


def test_a_layer_with_what_follows_it_alone_is_a_chain() -> None:
    found = passed(one_block())
    first = whole(found, rules(chains=True)).parts[0]
    assert [len(part.calls) for part in first.parts] == [3, 1, 0]
    assert [part.is_chain for part in first.parts] == [True, False, False]


def test_a_module_that_computes_nothing_is_no_segment() -> None:
    found = passed(one_block())
    names = [found.module(part.calls[0]).path for part in whole(found, rules()).parts[0].parts if part.calls]
    assert names == ["stem.conv1", "stem.norm1", "stem.act1", "stem.conv2"]


def test_a_join_takes_what_layers_gave_in_two_places() -> None:
    found = passed(one_block())
    joins = [row.name for index, row in enumerate(found.flow.operators) if is_join(found, index)]
    assert joins == ["add", "add"]


def test_what_only_looks_up_weights_is_not_live() -> None:
    maker = FlowMaker((1, 4))
    with maker.call("", "Net", maker.input):
        looked_up = maker.run("index", shape=(1, 4), weights=("table",))
        maker.run("add", maker.input, looked_up)
    assert passed(maker.result()).is_live == [False, True]
