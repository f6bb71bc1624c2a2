import json
from collections.abc import Callable

import pytest

from explorer.graph import Graph, Node, NodeKind
from explorer.queries.creation import model_classes
from explorer.queries.facts import facts
from explorer.queries.names import find_node


def about(graph: Graph, name: str) -> dict[str, object]:
    return facts(graph, find_node(graph, name))


def test_a_model(timm_graph: Graph) -> None:
    record = about(timm_graph, "resnet34")

    assert record["kind"] == "model"
    assert (record["family"], record["architecture"], record["deprecated"]) == ("resnet", "resnet34", False)
    assert record["tag"] == timm_graph.node("model:resnet34").data["tags"][0]
    assert record["entrypoint"] == "timm.models.resnet:resnet34"
    assert record["classes"] == ["timm.models.resnet:ResNet"]
    assert record["pretrained"] is True
    assert "tv_resnet34" in record["aliases"]  # type: ignore[operator]
    assert record["file"] == "models/resnet.py"
    assert record["unknown"] == []


def test_weights(timm_graph: Graph) -> None:
    record = about(timm_graph, "resnet34.gluon_in1k")

    assert (record["kind"], record["tag"], record["architecture"]) == ("weights", "gluon_in1k", "resnet34")
    assert record["cfg"]["hf_hub_id"] == "timm/resnet34.gluon_in1k"  # type: ignore[index]


def test_a_deprecated_name(timm_graph: Graph) -> None:
    record = about(timm_graph, "tv_resnet34")

    assert (record["deprecated"], record["replaced_by"]) == (True, "resnet34.tv_in1k")
    assert (record["architecture"], record["tag"]) == ("resnet34", "tv_in1k")


def test_a_removed_name() -> None:
    graph = Graph()
    graph.add_node(Node("alias:gone", NodeKind.ALIAS, data={"family": "toy", "module": "m", "replaced_by": None}))
    record = about(graph, "gone")

    assert (record["deprecated"], record["replaced_by"], record["architecture"]) == (True, None, None)
    assert (record["cfg"], record["pretrained"], record["tags"]) == (None, False, [])


def test_a_class(timm_graph: Graph) -> None:
    record = about(timm_graph, "timm.models.resnet.ResNet")

    assert "torch.nn:Module" in record["inherits"]  # type: ignore[operator]
    assert "timm.models.resnet:ResNet.forward" in record["contains"]  # type: ignore[operator]
    assert str(record["signature"]).startswith("(self, block")
    assert "timm.models._builder:build_model_with_cfg" in record["made_by"]  # type: ignore[operator]


def test_a_function(timm_graph: Graph) -> None:
    record = about(timm_graph, "timm.models.resnet.resnet34")

    assert record["registers"] == ["resnet34"]
    assert "timm.models._factory:create_model" in record["called_by"]  # type: ignore[operator]
    assert record["calls"] == ["timm.models.resnet:_create_resnet"]


def test_a_module(timm_graph: Graph) -> None:
    record = about(timm_graph, "timm.models.resnet")

    assert "resnet34" in record["models"]  # type: ignore[operator]
    assert "timm.layers" in record["imports"]  # type: ignore[operator]
    assert "timm.models" in record["imported_by"]  # type: ignore[operator]


def test_all_that_is_known_of_anything_is_json(timm_graph: Graph) -> None:
    for kind in NodeKind:
        for node in list(timm_graph.nodes(kind))[::40]:
            record = json.loads(json.dumps(facts(timm_graph, node), allow_nan=False))
            assert (record["id"], record["kind"]) == (node.id, kind)


BUILT = """
    model:net -registers-> timm.a:net
    model:net -creates-> timm.m:create
    timm.m:create -dispatches-> timm.a:net
    timm.a:net -> timm.m:build
    timm.m:build -> timm.m:Config.__init__
    timm.m:build -> timm.a:Net.__init__ | via model_cls
    timm.a:Net.__init__ -> timm.a:Block.__init__ | via block
"""


@pytest.mark.parametrize(
    ("more", "classes"),
    [
        ("", ["timm.a:Net"]),
        ("timm.m:build -> timm.m:Features.__init__ | via feature_cls", ["timm.a:Net", "timm.m:Features"]),
        ("timm.m:build#other -> timm.b:Ten.__init__ | via model_cls", ["timm.a:Net"]),
    ],
)
def test_the_class_of_a_model_is_what_the_builder_was_handed(
    draw: Callable[[str], Graph], more: str, classes: list[str]
) -> None:
    graph = draw(BUILT + more)

    assert model_classes(graph, graph.node("model:net"), "timm.a:net") == classes


def test_a_model_whose_creation_is_not_known_has_no_class(draw: Callable[[str], Graph]) -> None:
    graph = draw("model:net -registers-> timm.a:net\ntimm.a:net -> timm.a:Net.__init__ | via cls")

    assert facts(graph, graph.node("model:net"))["classes"] == []


def test_an_entrypoint_with_two_classes_makes_the_one_that_is_asked_for(timm_graph: Graph) -> None:
    """``_create_effnet`` hands over ``EfficientNetFeatures`` only when features are asked for."""
    model = timm_graph.node("model:efficientnet_b0")

    assert model_classes(timm_graph, model, "timm.models.efficientnet:efficientnet_b0") == [
        "timm.models.efficientnet:EfficientNet"
    ]
