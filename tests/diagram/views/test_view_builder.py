"""Views in the making: each box, frame and arrow once, and nothing that the graph does not have."""

from explorer.diagram.style import Flow
from explorer.diagram.views.view_builder import ViewBuilder, first_few, named, with_room
from explorer.graph import EdgeKind, Evidence, Graph
from tests.diagram.views.toy import CONV_ACT, TOY, TOY_NET


def test_what_the_graph_does_not_have_is_left_out_with_its_arrows_and_frames(toy: Graph) -> None:
    builder = ViewBuilder(toy)
    builder.frame("frame:nothing", "nothing")
    assert builder.source(TOY_NET, frame=builder.frame("frame:toy", "toy", of=TOY))
    assert not builder.source("timm.models.toy:Missing")
    builder.join(TOY_NET, "timm.models.toy:Missing", EdgeKind.CALLS)
    builder.join(TOY_NET, TOY_NET, EdgeKind.CALLS)
    view = builder.view("title", "words", "")
    assert [node.id for node in view.nodes] == [TOY_NET]
    assert [(group.id, group.holds) for group in view.groups] == [("frame:toy", 1)]
    assert view.edges == ()
    assert view.subtitle.endswith(" · words")


def test_a_frame_holds_what_the_frames_in_it_hold(toy: Graph) -> None:
    builder = ViewBuilder(toy)
    outer = builder.frame("outer", "outer")
    builder.source(TOY_NET, frame=builder.frame("inner", "inner", parent=outer))
    assert {group.id: group.holds for group in builder.view("t").groups} == {"outer": 1, "inner": 1}


def test_an_arrow_that_is_there_takes_on_more_evidence(toy: Graph) -> None:
    builder = ViewBuilder(toy)
    builder.source(TOY_NET)
    builder.source(CONV_ACT)
    builder.join(TOY_NET, CONV_ACT, Flow.USES, evidence=(Evidence.TRACED,))
    builder.join(TOY_NET, CONV_ACT, Flow.USES, evidence=(Evidence.STATIC,))
    assert [edge.evidence for edge in builder.view("t").edges] == [(Evidence.STATIC, Evidence.TRACED)]


def test_a_fold_names_all_it_stands_for_and_shows_the_first(toy: Graph) -> None:
    builder = ViewBuilder(toy)
    assert not builder.fold("none", "no box", [])
    assert builder.fold("some", "3 things", ["one", "two", "three"], few=10)
    (box,) = builder.view("t").nodes
    assert (box.sublabel, box.members) == ("one +2", ("one", "two", "three"))
    assert box.tooltip == "3 things\none, two, three"


def test_the_box_of_the_rest_takes_a_place() -> None:
    assert with_room("abcd", 4) == ("abcd", ())
    assert with_room("abcd", 3) == ("ab", "cd")


def test_names_are_shown_as_far_as_there_is_room() -> None:
    assert first_few(["resnet18", "resnet34", "resnet50"], 21) == "resnet18, resnet34 +1"
    assert first_few(["resnet18"], 3) == "resnet18"
    assert list(named([str(i) for i in range(402)]))[-1] == "and 2 more"


def test_a_column_stands_in_the_order_of_what_leads_to_it(toy: Graph) -> None:
    builder = ViewBuilder(toy)
    for name in ("a", "b", "x", "y", "z"):
        builder.fold(name, name, [name])
    builder.join("a", "y", Flow.USES)
    builder.join("b", "x", Flow.USES)
    assert builder.levelled(["x", "z", "y"], ["a", "b"]) == ["y", "x", "z"]
