import pytest

from explorer.diagram.views.class_view import classes
from explorer.errors import RequestError
from explorer.graph import Graph, NodeKind
from tests.diagram.views.toy import BUILDER, CONV_ACT, TOY_NET, arrows, boxes


def test_a_models_classes_are_those_of_its_own_context(timm_graph: Graph) -> None:
    found = boxes(classes(timm_graph, timm_graph.node("model:resnet34")))
    assert "timm.models.resnet:BasicBlock" in found
    assert "timm.models.resnet:Bottleneck" not in found


def test_around_a_class_stand_what_it_holds_and_what_holds_it(toy: Graph) -> None:
    view = classes(toy, toy.node(CONV_ACT))
    assert (TOY_NET, CONV_ACT, "composes") in arrows(view)
    held = {target for source, target, kind in arrows(view) if source == CONV_ACT and kind == "composes"}
    assert held
    assert all(toy.get(i) is None or toy.node(i).kind is NodeKind.EXTERNAL for i in held)


def test_classes_outside_timm_are_one_box_by_package_and_named_in_it(timm_graph: Graph) -> None:
    view = classes(timm_graph, timm_graph.node("model:resnet34"))
    fold = next(node for node in view.nodes if node.label.startswith("torch.nn:"))
    assert fold.kind is NodeKind.EXTERNAL
    assert {"Conv2d", "ReLU"} <= set(fold.members)


def test_a_function_shows_the_classes_that_it_makes(toy: Graph) -> None:
    assert (BUILDER, TOY_NET, "calls") in arrows(classes(toy, toy.node(BUILDER)))


def test_what_has_no_class_is_refused_with_the_mend(toy: Graph) -> None:
    with pytest.raises(RequestError, match="name a class"):
        classes(toy, toy.node("timm.version"))
