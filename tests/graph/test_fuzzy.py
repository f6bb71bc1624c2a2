import pytest

from explorer.graph import Graph, NodeKind
from explorer.graph.fuzzy import closest, search


def found(graph: Graph, text: str, **more: object) -> list[str]:
    return [hit.node.id for hit in search(graph, text, omitted="timm.", **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("resnet34", "model:resnet34"),
        ("RESNET34", "model:resnet34"),
        (" resnet34 ", "model:resnet34"),
        ("resnt34", "model:resnet34"),
        ("resnet34.a1_in1k", "weights:resnet34.a1_in1k"),
        ("tv_resnet34", "alias:tv_resnet34"),
        ("ResNet", "timm.models.resnet:ResNet"),
        ("ResNet.forward_features", "timm.models.resnet:ResNet.forward_features"),
        ("build_model_with_cfg", "timm.models._builder:build_model_with_cfg"),
        ("build model with cfg", "timm.models._builder:build_model_with_cfg"),
        ("patch embed", "timm.layers.patch_embed:PatchEmbed"),
        ("PatchEmbd", "timm.layers.patch_embed:PatchEmbed"),
        ("create loader", "timm.data.loader:create_loader"),
        ("layers.drop", "timm.layers.drop"),
    ],
)
def test_what_is_meant_comes_first(timm_graph: Graph, text: str, first: str) -> None:
    assert found(timm_graph, text)[0] == first


def test_scores_fall(timm_graph: Graph) -> None:
    hits = search(timm_graph, "convnext", limit=50)
    scores = [hit.score for hit in hits]

    assert len(hits) == 50
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 100 for score in scores)
    assert len({hit.node.id for hit in hits}) == 50


def test_only_these_kinds(timm_graph: Graph) -> None:
    hits = search(timm_graph, "resnet", [NodeKind.CLASS, NodeKind.MODULE])

    assert {hit.node.kind for hit in hits} == {NodeKind.CLASS, NodeKind.MODULE}


@pytest.mark.parametrize("text", ["", "   ", "-", "_", "- _", "qqqqzzzzxxxx", "\N{SNOWMAN}"])
def test_nothing_is_found(timm_graph: Graph, text: str) -> None:
    assert found(timm_graph, text) == []


@pytest.mark.parametrize("text", ["*", "[", "(", "\\", "%s", "a" * 5000, "model:resnet34", "\n", "."])
def test_any_text_can_be_asked_for(timm_graph: Graph, text: str) -> None:
    assert len(found(timm_graph, text, limit=5)) <= 5


@pytest.mark.parametrize(
    ("name", "near"),
    [("restnet50", "resnet50"), ("RESNET50", "resnet50"), ("resnet50", "resnet50"), ("vit_tny", "vit_tiny")],
)
def test_closest(name: str, near: str) -> None:
    assert closest(name, ["vit_tiny", "resnet50", "resnet51q", "swin"])[0] == near


def test_the_closest_are_few_and_differ() -> None:
    assert closest("net", ["net1", "net1", "net2", "net3", "net4"]) == ["net1", "net2", "net3"]
    assert closest("net", []) == []
