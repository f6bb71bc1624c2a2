"""What boxes and frames of a pass say of themselves."""

import pytest

from explorer.diagram.style import GROUP_LABEL_CELLS, SUBLABEL_CELLS, cells
from explorer.diagram.views.captions import Captions, shape
from explorer.diagram.views.folding import fold
from explorer.diagram.views.segments import ForwardPass, Segment, SegmentRules, is_step, whole
from explorer.protocol.flow import FlowResult
from tests.diagram.views.flows import FlowMaker, block, residual_net


def captioned(flow: FlowResult) -> tuple[Captions, Segment]:
    passed = ForwardPass(flow)
    return Captions(passed), whole(passed, SegmentRules(is_step, fold, chains=True))


def every(segment: Segment) -> list[Segment]:
    return [segment, *(inner for part in segment.parts for inner in every(part))]


def test_every_segment_of_a_pass_has_an_id_of_its_own() -> None:
    captions, model = captioned(residual_net(blocks=3, channels=(4, 8)))
    ids = [captions.id_of(segment) for segment in every(model)]
    assert len(set(ids)) == len(ids)
    assert {"group:Net", "layer:head"} <= set(ids)


def test_a_chain_says_the_beginning_of_its_paths_once() -> None:
    captions, model = captioned(residual_net(blocks=1))
    first = next(segment for segment in every(model) if segment.is_chain)
    assert captions.place(first) == "stage0.0.conv1 · norm1 · act1"


def test_repeats_say_how_many_they_are_and_whose_weights_they_have() -> None:
    captions, model = captioned(residual_net(blocks=3))
    (repeats,) = (segment for segment in every(model) if segment.repeats)
    assert captions.times(repeats) == "×3 Block, separate weights"
    assert captions.level(repeats) == "stage 0 · /4"
    assert captions.params(repeats) == 600


def test_repeats_of_one_module_share_its_weights() -> None:
    maker = FlowMaker((1, 4, 8, 8))
    with maker.call("", "Net", maker.input):
        x = maker.input
        for _ in range(3):
            x = block(maker, "shared", x, 4)
    captions, model = captioned(maker.result())
    (repeats,) = (segment for segment in every(model) if segment.repeats)
    assert captions.times(repeats) == "×3 Block, shared weights"
    assert captions.params(repeats) == 200


def test_what_does_not_fit_is_said_in_a_shorter_way() -> None:
    captions, model = captioned(residual_net(blocks=12, channels=(4, 8, 16)))
    for segment in every(model):
        assert cells(captions.heading(segment, ())) <= GROUP_LABEL_CELLS
        assert cells(captions.setting(segment)) <= SUBLABEL_CELLS


def test_a_tooltip_tells_shapes_parameters_and_macs() -> None:
    captions, model = captioned(residual_net(blocks=1))
    head = next(segment for segment in every(model) if captions.id_of(segment) == "layer:head")
    assert captions.tooltip(head, ("head",)).splitlines() == [
        "head",
        "Linear",
        "16 → 10",
        "170 parameters · 170 MACs",
    ]


@pytest.mark.parametrize(("value", "said"), [((1, 64, 56, 56), "64×56×56"), ((1,), "1"), ((2, 3), "2×3")])
def test_a_shape_is_said_without_its_batch_of_one(value: tuple[int, ...], said: str) -> None:
    assert shape(value) == said


def test_repeats_with_others_between_are_named_one_by_one() -> None:
    maker = FlowMaker((1, 4))
    x = maker.input
    with maker.call("", "Net", x), maker.call("seq", "Sequential", x):
        for number in range(0, 6, 2):
            x = maker.layer(f"seq.{number}", "Linear", x, params=16)
            maker.silent(f"seq.{number + 1}", "Identity", x)
        maker.run("relu", x)
    captions, model = captioned(maker.result())
    (repeats,) = (segment for segment in every(model) if segment.repeats)
    assert captions.label(repeats, (model,)) == "seq.0, 2, 4"


def test_repeats_beside_each_other_are_no_chain() -> None:
    maker = FlowMaker((1, 4))
    with maker.call("", "Net", maker.input):
        heads = [maker.layer(f"heads.{number}", "Linear", maker.input, params=16) for number in range(3)]
        maker.run("cat", *heads)
    captions, model = captioned(maker.result())
    (repeats,) = (segment for segment in every(model) if segment.repeats)
    assert captions.times(repeats) == "×3 Linear in parallel, separate weights"
