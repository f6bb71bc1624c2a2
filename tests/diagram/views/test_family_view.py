import pytest

from explorer.diagram.style import Flow
from explorer.diagram.views.family_view import family
from explorer.errors import RequestError
from explorer.graph import Graph
from tests.diagram.views.toy import BUILDER, CREATE_MODEL, TOY, arrows, boxes


def test_a_family_has_all_its_architectures_their_tags_and_input_sizes(toy: Graph) -> None:
    found = {node.id: node for node in family(toy, toy.node(TOY)).nodes}
    assert found["group:architectures"].members == ("toy_small", "toy_large")
    assert {member.split(" ")[0] for member in found["group:tags"].members} == {"a_in1k", "b_in1k", "untrained"}
    assert (f"{TOY}:_create_toy", BUILDER, "calls") in arrows(family(toy, toy.node(TOY)))


def test_a_family_tells_its_members_apart_by_what_they_are_made_of(timm_graph: Graph) -> None:
    view = family(timm_graph, timm_graph.node("timm.models.resnet"))
    blocks = {"timm.models.resnet:BasicBlock", "timm.models.resnet:Bottleneck"}
    assert blocks <= boxes(view).keys()
    assert {edge.target for edge in view.edges if edge.kind is Flow.USES} >= blocks


def test_what_is_in_no_family_is_refused_with_the_mend(toy: Graph) -> None:
    with pytest.raises(RequestError, match="name a model"):
        family(toy, toy.node(CREATE_MODEL))
