from typing import Any

import pytest

from explorer.graph import Edge, EdgeKind, Graph, Node, NodeKind
from explorer.queries.model_list import ModelEntry, catalogue, deprecated_names, families, list_models, natural_key


def registry(**models: dict[str, bool]) -> Graph:
    """Models by name, each with its tags and whether they have weights, the default first."""
    graph = Graph()
    for name, tags in models.items():
        pretrained = next(iter(tags.values()), False)
        data = {"family": name.rstrip("0123456789"), "module": "m", "tags": list(tags), "pretrained": pretrained}
        graph.add_node(Node(f"model:{name}", NodeKind.MODEL, data=data))
        for tag, has_weights in tags.items():
            weights = f"weights:{name}.{tag}" if tag else f"weights:{name}"
            facts = {"architecture": name, "tag": tag, "has_weights": has_weights, "cfg": {}, "unknown": []}
            graph.add_node(Node(weights, NodeKind.WEIGHTS, data=facts))
            graph.add_edge(Edge(f"model:{name}", weights, EdgeKind.CONFIGURES))
    graph.add_node(Node("alias:old9", NodeKind.ALIAS, data={"family": "net", "module": "m", "replaced_by": "net10"}))
    graph.add_node(Node("alias:old10", NodeKind.ALIAS, data={"family": "net", "module": "m", "replaced_by": None}))
    return graph


GRAPH = registry(
    net10={"a": True, "b": True},
    net9={"a": False, "b": True},
    Net11={},
    vit1={"": True, "c": True},
    vit2={"c": True, "": False},
)


def names(**arguments: Any) -> list[str]:
    return [entry.name for entry in list_models(GRAPH, **arguments)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["net9", "net10", "Net11", "vit1", "vit2"]),
        ({"patterns": ["net*"]}, ["net9", "net10"]),
        ({"patterns": ["net9", "vit?"]}, ["net9", "vit1", "vit2"]),
        ({"patterns": ["[!n]*"], "exclude": ["vit*"]}, ["Net11"]),
        ({"families": ["vit"]}, ["vit1", "vit2"]),
        ({"families": ["nothing"]}, []),
        ({"pretrained": True, "include_tags": False}, ["net10", "vit1", "vit2"]),
        ({"pretrained": True}, ["net9.b", "net10.a", "net10.b", "vit1", "vit1.c", "vit2", "vit2.c"]),
        ({"include_tags": True, "patterns": ["net9"]}, ["net9.a", "net9.b"]),
        ({"include_tags": True, "patterns": ["*.b"]}, ["net9.b", "net10.b"]),
        ({"include_tags": True, "exclude": ["net9", "vit1"], "families": ["net", "vit"]},
         ["net10.a", "net10.b", "vit2", "vit2.c"]),
        ({"include_tags": True, "patterns": ["Net11"]}, ["Net11"]),
        ({"include_tags": True, "patterns": ["net9."]}, ["net9.a", "net9.b"]),
        ({"pretrained": True, "exclude": ["net*", "vit2."]}, ["vit1", "vit1.c", "vit2"]),
        ({"deprecated": True, "current": False}, ["old9", "old10"]),
        ({"deprecated": True, "patterns": ["*10"]}, ["net10", "old10"]),
        ({"deprecated": True, "current": False, "families": ["vit"]}, []),
    ],
)  # fmt: skip
def test_listing(arguments: dict[str, Any], expected: list[str]) -> None:
    assert names(**arguments) == expected


def test_an_entry() -> None:
    assert list_models(GRAPH, ["net10"]) == [ModelEntry("net10", "net", False, None, ("a", "b"), True)]
    assert next(deprecated_names(GRAPH)) == ModelEntry("old9", "net", True, "net10", (), False)


def test_families_of_deprecated_names_count_too() -> None:
    assert families(GRAPH) == ["Net", "net", "vit"]


def test_natural_order() -> None:
    assert sorted(["b", "a10", "a9b2", "A9b1", "a"], key=natural_key) == ["a", "A9b1", "a9b2", "a10", "b"]


def test_the_catalogue_has_every_family_with_its_models_and_deprecated_names(timm_graph: Graph) -> None:
    listing = catalogue(timm_graph)
    names = [family.name for family in listing.families]
    assert names == sorted(names)
    assert names == families(timm_graph)
    by_name = {family.name: family for family in listing.families}
    resnet = by_name["resnet"]
    assert resnet.module == "timm.models.resnet"
    assert list(resnet.models) == list_models(timm_graph, families=["resnet"])
    assert not any(entry.deprecated for entry in resnet.models)
    assert all(entry.deprecated for entry in resnet.deprecated)
    assert sum(len(family.models) for family in listing.families) == listing.counts[NodeKind.MODEL]
    assert sum(len(family.deprecated) for family in listing.families) == listing.counts[NodeKind.ALIAS]
