from collections.abc import Callable

import pytest

from explorer.graph import EdgeKind, Graph
from explorer.graph.contexts import Traced
from explorer.queries.names import find_node
from explorer.queries.paths import shortest_path

CREATE = "timm.models._factory:create_model"


def steps(graph: Graph, source: str, target: str) -> list[tuple[str, str]] | None:
    path = shortest_path(graph, graph.node(source), graph.node(target))
    return None if path is None else [(edge.source, edge.target) for edge in path]


BUILDER = """
    timm.m:create#net -dispatches-> timm.a:net
    timm.m:create#ten -dispatches-> timm.b:ten
    timm.a:net -> timm.m:build#net
    timm.b:ten -> timm.m:build#ten
    timm.m:build#net -> timm.a:Net.__init__ | via cls
    timm.m:build#ten -> timm.b:Ten.__init__ | via cls
    timm.b:Ten.__init__ -> timm.b:Ten.deep
    timm.a:Net -contains-> timm.a:Net.__init__
    timm.b:Ten -contains-> timm.b:Ten.__init__
    timm.b:Ten -contains-> timm.b:Ten.deep
    model:net -creates-> timm.m:create#net
    model:net -registers-> timm.a:net
    model:ten -creates-> timm.m:create#ten
    model:ten -registers-> timm.b:ten
"""


@pytest.mark.parametrize(("start", "reached"), [("timm.b:ten", True), ("timm.a:net", False)])
def test_a_class_is_made_only_where_it_was_handed_over(draw: Callable[[str], Graph], start: str, reached: bool) -> None:
    path = steps(draw(BUILDER), start, "timm.b:Ten.deep")

    assert path == (
        [
            ("timm.b:ten", "timm.m:build"),
            ("timm.m:build", "timm.b:Ten.__init__"),
            ("timm.b:Ten.__init__", "timm.b:Ten.deep"),
        ]
        if reached
        else None
    )


def test_the_builder_alone_may_make_either(draw: Callable[[str], Graph]) -> None:
    graph = draw(BUILDER)

    assert steps(graph, "timm.m:build", "timm.a:Net") is not None
    assert steps(graph, "timm.m:build", "timm.b:Ten") is not None


SHARED = """
    model:one -creates-> timm.m:create#one
    model:two -creates-> timm.m:create#two
    model:one -registers-> timm.m:one
    model:two -registers-> timm.m:two
    timm.m:create#one -dispatches-> timm.m:one#one
    timm.m:create#two -dispatches-> timm.m:two#two
    timm.m:one#one -> timm.m:make#one
    timm.m:two#two -> timm.m:make#two
    timm.m:one#anything -> timm.m:make#anything
    timm.m:make#one -> timm.m:first | via fn
    timm.m:make#two -> timm.m:second | via fn
    timm.m:make#anything -> timm.m:first | via fn
    timm.m:make#anything -> timm.m:second | via fn
"""


@pytest.mark.parametrize(
    ("start", "reached"),
    [
        ("model:one", ["timm.m:first"]),
        ("model:two", ["timm.m:second"]),
        ("timm.m:one", ["timm.m:first", "timm.m:second"]),
    ],
)
def test_from_a_model_on_calls_are_those_of_its_own_creation(
    draw: Callable[[str], Graph], start: str, reached: list[str]
) -> None:
    graph = draw(SHARED)

    assert [end for end in ("timm.m:first", "timm.m:second") if steps(graph, start, end)] == reached


LOADING = """
    timm.m:create -> timm.m:build#plain
    timm.m:other -> timm.m:build#pretrained
    timm.m:build#plain -> timm.m:Net.__init__
    timm.m:build#pretrained -> {callee}
"""


@pytest.mark.parametrize(
    ("callee", "reached"),
    [
        ("timm.m:load", True),
        ("timm.m:load | via load_fn", False),
        ("timm.m:Net.load", False),
    ],
)
def test_a_function_called_by_its_name_is_reached_with_other_arguments(
    draw: Callable[[str], Graph], callee: str, reached: bool
) -> None:
    """The builder loads weights when it is asked to, whoever calls it; what it is handed depends on the caller."""
    path = steps(draw(LOADING.format(callee=callee)), "timm.m:create", callee.partition(" ")[0])

    assert (path is not None) is reached


def test_the_calls_of_a_context_go_before_those_with_other_arguments(draw: Callable[[str], Graph]) -> None:
    graph = draw("""
        timm.m:create -> timm.m:build#plain
        timm.m:other -> timm.m:build#pretrained
        timm.m:build#pretrained -> timm.m:load
        timm.m:build#plain -> timm.m:a
        timm.m:a -> timm.m:load
    """)

    assert steps(graph, "timm.m:create", "timm.m:load") == [
        ("timm.m:create", "timm.m:build"),
        ("timm.m:build", "timm.m:a"),
        ("timm.m:a", "timm.m:load"),
    ]


def test_a_call_that_only_a_trace_knows_is_walked(draw: Callable[[str], Graph]) -> None:
    graph = draw("""
        timm.m:a -> timm.m:b
        timm.m:c -> timm.m:d
    """)
    graph.join_traces(lambda: Traced("9.9.9", "", [("timm.m:b", "timm.m:c", ("m.py:3",))], {}))

    assert steps(graph, "timm.m:b", "timm.m:d") == [("timm.m:b", "timm.m:c"), ("timm.m:c", "timm.m:d")]
    assert steps(graph, "timm.m:a", "timm.m:d") is not None


def test_calls_through_foreign_code_are_walked(draw: Callable[[str], Graph]) -> None:
    graph = draw("timm.m:a -> timm.m:b | through torch.nn:Module.apply")

    assert steps(graph, "timm.m:a", "timm.m:b") == [("timm.m:a", "timm.m:b")]


def test_a_class_is_reached_when_it_is_made(draw: Callable[[str], Graph]) -> None:
    path = steps(draw(BUILDER), "timm.m:create", "timm.b:Ten")

    assert path is not None
    assert path[-1] == ("timm.m:build", "timm.b:Ten.__init__")


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
