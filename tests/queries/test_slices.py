from collections.abc import Callable

import pytest

from explorer.graph import EdgeKind, Evidence, Graph, NodeKind
from explorer.graph.contexts import Traced
from explorer.queries.creation import model_classes
from explorer.queries.names import find_model, find_node
from explorer.queries.slices import MAX_NODES, around, model_calls

CREATE = "timm.models._factory:create_model"
BUILD = "timm.models._builder:build_model_with_cfg"


def ids(graph: Graph) -> set[str]:
    return set(graph.ids())


TWO_FAMILIES = """
    model:net -registers-> timm.a:net
    model:ten -registers-> timm.b:ten
    model:net -creates-> timm.m:create#net
    model:ten -creates-> timm.m:create#ten
    timm.m:create#net -dispatches-> timm.a:net
    timm.m:create#ten -dispatches-> timm.b:ten
    timm.m:create#net -> timm.m:lookup
    timm.m:create#ten -> timm.m:lookup
    timm.a:net -> timm.m:build#net
    timm.b:ten -> timm.m:build#ten
    timm.m:build#net -> timm.a:Net.__init__ | via cls
    timm.m:build#ten -> timm.b:Ten.__init__ | via cls
    timm.a:Net.__init__ -> torch.nn:Conv2d
    timm.a:late -> timm.a:never
"""


def test_a_model_shows_its_own_class_only(draw: Callable[[str], Graph]) -> None:
    graph = draw(TWO_FAMILIES)
    part = model_calls(graph, graph.node("model:net"))

    assert ids(part.graph) == {
        "model:net", "timm.a:net", "timm.m:create", "timm.m:lookup", "timm.m:build", "timm.a:Net.__init__",
    }  # fmt: skip
    assert (part.root, part.focus, part.left_out) == ("timm.m:create", ("model:net", "timm.a:net"), 0)


def test_what_is_outside_is_shown_on_request(draw: Callable[[str], Graph]) -> None:
    graph = draw(TWO_FAMILIES)

    assert "torch.nn:Conv2d" in model_calls(graph, graph.node("model:net"), externals=True).graph


def traced(graph: Graph, *pairs: tuple[str, str], model: str = "net") -> Graph:
    """The graph where a model's creation was traced and made these calls."""
    seen = [(caller, callee, ("m.py:1",)) for caller, callee in pairs]
    graph.join_traces(lambda: Traced("9.9.9", "", seen, {model: tuple(range(len(seen)))}))
    return graph


NET = [
    ("timm.m:create", "timm.a:net"),
    ("timm.a:net", "timm.m:build"),
    ("timm.m:build", "timm.a:Net.__init__"),
    ("timm.a:Net.__init__", "timm.a:late"),
]
"""What ran: no lookup, and a call that the source does not show."""


def test_a_traced_model_shows_what_ran(draw: Callable[[str], Graph]) -> None:
    graph = traced(draw(TWO_FAMILIES), *NET)
    part = model_calls(graph, graph.node("model:net"), externals=True)

    assert ids(part.graph) == {
        "model:net", "timm.a:net", "timm.m:create", "timm.m:build", "timm.a:Net.__init__", "timm.a:late",
        "torch.nn:Conv2d",
    }  # fmt: skip
    dispatch = part.graph.edge("timm.m:create", "timm.a:net", EdgeKind.DISPATCHES)
    assert dispatch is not None
    assert dispatch.evidence == (Evidence.STATIC, Evidence.TRACED)


def test_what_is_outside_is_shown_of_functions_that_ran(draw: Callable[[str], Graph]) -> None:
    graph = traced(draw(TWO_FAMILIES + "timm.m:lookup -> torch:load"), *NET)

    assert "torch:load" not in model_calls(graph, graph.node("model:net"), externals=True).graph


def test_a_model_that_was_not_traced_shows_what_its_source_says(draw: Callable[[str], Graph]) -> None:
    graph = traced(draw(TWO_FAMILIES), *NET)
    part = model_calls(graph, graph.node("model:ten"))

    assert ids(part.graph) == {
        "model:ten", "timm.b:ten", "timm.m:create", "timm.m:lookup", "timm.m:build", "timm.b:Ten.__init__",
    }  # fmt: skip


def test_a_model_that_is_only_registered_shows_so(draw: Callable[[str], Graph]) -> None:
    graph = draw("model:net -registers-> timm.a:net\ntimm.a:net -> timm.m:build")
    part = model_calls(graph, graph.node("model:net"))

    assert (ids(part.graph), part.root) == ({"model:net", "timm.a:net"}, "timm.a:net")


def test_the_nearest_are_kept_and_the_rest_counted(draw: Callable[[str], Graph]) -> None:
    graph = draw(TWO_FAMILIES + "".join(f"timm.a:Net.__init__ -> timm.a:far{i}\n" for i in range(20)))
    part = model_calls(graph, graph.node("model:net"), max_nodes=10)

    assert len(part.graph) == 10
    assert part.left_out == 16
    assert "timm.a:Net.__init__" in part.graph


def test_depth(draw: Callable[[str], Graph]) -> None:
    graph = draw(TWO_FAMILIES)
    part = model_calls(graph, graph.node("model:net"), depth=1)

    assert "timm.m:build" in part.graph
    assert "timm.a:Net.__init__" not in part.graph


def test_around_a_function(draw: Callable[[str], Graph]) -> None:
    graph = draw("\n".join(f"timm.m:f{i} -> timm.m:f{i + 1}" for i in range(8)))
    middle = graph.node("timm.m:f4")

    assert ids(around(graph, middle).graph) == {f"timm.m:f{i}" for i in (3, 4, 5, 6)}
    assert ids(around(graph, middle, up=0, depth=1).graph) == {"timm.m:f4", "timm.m:f5"}
    small = around(graph, middle, up=2, depth=3, max_nodes=3)
    assert (len(small.graph), small.left_out > 0) == (3, True)


def test_around_a_module(draw: Callable[[str], Graph]) -> None:
    graph = draw("timm.a -imports-> timm.b\ntimm.b -imports-> timm.c\ntimm.a -contains-> timm.a:f")

    assert ids(around(graph, graph.node("timm.b")).graph) == {"timm.a", "timm.b", "timm.c"}


def test_resnet34(timm_graph: Graph) -> None:
    part = model_calls(timm_graph, find_model(timm_graph, "resnet34"))
    modules = {node.module for node in part.graph.nodes(NodeKind.FUNCTION, NodeKind.CLASS)}
    families = {module for module in modules if module and module.startswith("timm.models.") and "._" not in module}

    assert families == {"timm.models.resnet"}
    assert {CREATE, "timm.models.resnet:resnet34", BUILD, "timm.models.resnet:ResNet.__init__"} <= ids(part.graph)
    assert len(part.graph) <= MAX_NODES
    assert part.left_out > 0


def test_every_model_is_led_from_create_model_to_its_class(timm_graph: Graph) -> None:
    lost = []
    for node in timm_graph.nodes(NodeKind.MODEL):
        (entrypoint,) = timm_graph.successors(node.id, EdgeKind.REGISTERS)
        dispatch = timm_graph.edge(CREATE, entrypoint, EdgeKind.DISPATCHES)
        classes = model_classes(timm_graph, node, entrypoint)
        if dispatch is None or not dispatch.sites or not classes or not all(i in timm_graph for i in classes):
            lost.append(node.name)

    assert lost == []


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("resnet34", "timm.models.resnet:ResNet"),
        ("efficientnet_b0", "timm.models.efficientnet:EfficientNet"),
        ("vit_base_patch16_224", "timm.models.vision_transformer:VisionTransformer"),
        ("convnext_tiny", "timm.models.convnext:ConvNeXt"),
    ],
)
def test_every_picture_of_a_model_shows_how_its_class_is_made(timm_graph: Graph, name: str, cls: str) -> None:
    part = model_calls(timm_graph, find_model(timm_graph, name)).graph

    assert part.edge(BUILD, f"{cls}.__init__", EdgeKind.CALLS) is not None


def test_every_slice_of_the_installed_timm_is_small_and_whole(timm_graph: Graph) -> None:
    models = list(timm_graph.nodes(NodeKind.MODEL))[::25]
    others = [find_node(timm_graph, name) for name in ("timm.layers", "torch.nn.Module")]
    for part in (*(model_calls(timm_graph, m) for m in models), *(around(timm_graph, n) for n in others)):
        assert len(part.graph) <= MAX_NODES
        assert part.root in part.graph
        assert all(i in part.graph for i in part.focus)
        assert all(e.source in part.graph and e.target in part.graph for e in part.graph.edges())
