"""Repeats that are joined, and the segments that a budget of boxes opens."""

from explorer.diagram.views.folding import ShownSegment, boxes, fold, grouped, shown
from explorer.diagram.views.segments import ForwardPass, Segment, SegmentRules, is_step, whole
from explorer.protocol.flow import FlowResult
from tests.diagram.views.flows import residual_net


def opened(flow: FlowResult, nodes: int, depth: int | None = None) -> ShownSegment:
    passed = ForwardPass(flow)
    return shown(passed, whole(passed, SegmentRules(is_step, fold, chains=True)), nodes, depth)


def stage(flow: FlowResult) -> Segment:
    passed = ForwardPass(flow)
    return next(part for part in whole(passed, SegmentRules(is_step, fold)).parts if part.repeats)


def test_repeats_are_one_segment_that_spans_them_all() -> None:
    found = stage(residual_net(blocks=4))
    assert (found.times, len(found.starts), len(found.parts)) == (4, 4, 5)
    assert {start - found.first for start in found.starts} == {0, 5, 10, 15}
    assert found.stop - found.first == 20


def test_a_single_block_is_no_repeat() -> None:
    passed = ForwardPass(residual_net(blocks=1))
    assert not any(part.repeats for part in whole(passed, SegmentRules(is_step, fold)).parts)


def test_a_budget_is_never_exceeded_and_a_larger_one_never_shows_less() -> None:
    flow = residual_net(blocks=2, channels=(4, 8, 16))
    counts = [sum(1 for _ in boxes(opened(flow, nodes).parts)) for nodes in range(1, 60)]
    assert all(count <= nodes for nodes, count in enumerate(counts, 1))
    assert counts == sorted(counts)


def test_a_depth_opens_no_further() -> None:
    def levels(part: ShownSegment) -> int:
        return 1 + max(map(levels, part.parts), default=-1) + bool(part.parts) if part.parts else 0

    flow = residual_net(blocks=2, channels=(4, 8))
    assert opened(flow, 400, depth=1).parts and all(not part.parts for part in opened(flow, 400, depth=1).parts)
    assert levels(opened(flow, 400, depth=2)) > levels(opened(flow, 400, depth=1))


def test_more_segments_than_there_is_room_for_are_grouped_in_order() -> None:
    segments = [Segment(i, i + 1, operator=i) for i in range(10)]
    found = grouped(segments, 4)
    assert [(segment.first, segment.stop) for segment in found] == [(0, 3), (3, 6), (6, 9), (9, 10)]
    assert grouped(segments, 10) is segments
