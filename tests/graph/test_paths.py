from collections.abc import Callable

import pytest

from explorer.graph import EdgeKind, Graph
from explorer.graph.names import find_node
from explorer.graph.paths import shortest_path

CREATE = "timm.models._factory:create_model"


def steps(graph: Graph, source: str, target: str) -> list[tuple[str, str]] | None:
    path = shortest_path(graph, graph.node(source), graph.node(target))
    return None if path is None else [(edge.source, edge.target) for edge in path]


BUILDER = """
    timm.m:create -dispatches-> timm.a:net
    timm.m:create -dispatches-> timm.b:ten
    timm.a:net -> timm.m:build | cls=timm.a:Net
    timm.b:ten -> timm.m:build | cls=timm.b:Ten
    timm.m:build -> timm.a:Net.__init__ | via cls
    timm.m:build -> timm.b:Ten.__init__ | via cls
    timm.b:Ten.__init__ -> timm.b:Ten.deep
    timm.b:Ten -contains-> timm.b:Ten.__init__
    timm.b:Ten -contains-> timm.b:Ten.deep
"""


def test_a_class_is_made_only_where_it_was_handed_over(draw: Callable[[str], Graph]) -> None:
    graph = draw(BUILDER)

    assert steps(graph, "timm.a:net", "timm.b:Ten.deep") is None
    assert steps(graph, "timm.b:ten", "timm.b:Ten.deep") == [
        ("timm.b:ten", "timm.m:build"),
        ("timm.m:build", "timm.b:Ten.__init__"),
        ("timm.b:Ten.__init__", "timm.b:Ten.deep"),
    ]


def test_the_builder_alone_was_handed_nothing(draw: Callable[[str], Graph]) -> None:
    assert steps(draw(BUILDER), "timm.m:build", "timm.b:Ten.deep") is None


def test_a_class_is_reached_when_it_is_made(draw: Callable[[str], Graph]) -> None:
    path = steps(draw(BUILDER), "timm.m:create", "timm.b:Ten")

    assert path is not None
    assert path[-1] == ("timm.m:build", "timm.b:Ten.__init__")


def test_a_default_is_called_when_nothing_is_handed_over(draw: Callable[[str], Graph]) -> None:
    graph = draw("""
        timm.m:plain -> timm.m:run
        timm.m:other -> timm.m:run2 | fn=timm.m:given
        timm.m:run -> timm.m:usual | via fn, default
        timm.m:run2 -> timm.m:usual | via fn, default
        timm.m:run2 -> timm.m:given | via fn
    """)

    assert steps(graph, "timm.m:plain", "timm.m:usual") is not None
    assert steps(graph, "timm.m:other", "timm.m:usual") is None
    assert steps(graph, "timm.m:other", "timm.m:given") is not None


def test_calls_come_before_inheritance(draw: Callable[[str], Graph]) -> None:
    graph = draw("""
        timm.m:A.__init__ -> timm.m:b
        timm.m:b -> timm.m:C.__init__
        timm.m:A -contains-> timm.m:A.__init__
        timm.m:A -inherits-> timm.m:C
        timm.m:C -contains-> timm.m:C.__init__
    """)

    assert steps(graph, "timm.m:A.__init__", "timm.m:C") == [
        ("timm.m:A.__init__", "timm.m:b"),
        ("timm.m:b", "timm.m:C.__init__"),
    ]
    assert steps(graph, "timm.m:A", "timm.m:C") == [("timm.m:A", "timm.m:C")]


def test_the_shortest_is_taken(draw: Callable[[str], Graph]) -> None:
    graph = draw("""
        timm.m:a -> timm.m:b
        timm.m:b -> timm.m:c
        timm.m:c -> timm.m:a
        timm.m:a -> timm.m:c
        timm.m:d -> timm.m:a
    """)

    assert steps(graph, "timm.m:a", "timm.m:c") == [("timm.m:a", "timm.m:c")]
    assert steps(graph, "timm.m:a", "timm.m:a") == []
    assert steps(graph, "timm.m:a", "timm.m:d") is None


@pytest.mark.parametrize(
    "target",
    [
        "resnet34", "resnet34.a1_in1k", "ResNet", "vit_base_patch16_224",
        "build_model_with_cfg", "load_pretrained", "torch.nn.Conv2d", "timm.layers.create_conv2d:create_conv2d",
    ],
)  # fmt: skip
def test_create_model_leads_everywhere(timm_graph: Graph, target: str) -> None:
    path = shortest_path(timm_graph, timm_graph.node(CREATE), find_node(timm_graph, target))

    assert path
    assert path[0].source == CREATE
    run = {EdgeKind.CALLS, EdgeKind.DISPATCHES, EdgeKind.REGISTERS, EdgeKind.CONFIGURES}
    assert {edge.kind for edge in path} <= run


def test_one_models_entrypoint_does_not_make_anothers_class(timm_graph: Graph) -> None:
    graph = timm_graph
    source, target = find_node(graph, "timm.models.resnet.resnet34"), find_node(graph, "VisionTransformer")

    assert shortest_path(graph, source, target) is None
