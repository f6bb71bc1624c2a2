from explorer.queries.usage import uses_of

from .conftest import DrawGraph

TWO_MODELS = """
    model:one -creates-> timm.m:one#1
    model:two -creates-> timm.m:two#1
    timm.m:one#1 -> timm.m:make#1
    timm.m:two#1 -> timm.m:make#2
    timm.m:make#1 -> timm.m:Net.__init__#1
    timm.m:make#2 -> timm.m:Net.__init__#2
    timm.m:Net.__init__#1 -> timm.m:helper#1
    timm.m:helper#1 -> timm.layers.se:SE.__init__#1
    timm.m:Net.__init__#2 -> torch.nn:ReLU
    timm.layers.se:SE -inherits-> torch.nn:Module
"""


def test_only_models_whose_own_context_reaches_a_class_use_it(draw: DrawGraph) -> None:
    graph = draw(TWO_MODELS)
    assert uses_of(graph, graph.node("timm.layers.se:SE")) == {"one": ("timm.m:Net",)}


def test_what_stands_between_is_the_nearest_class(draw: DrawGraph) -> None:
    graph = draw(TWO_MODELS)
    assert uses_of(graph, graph.node("torch.nn:ReLU")) == {"two": ("timm.m:Net",)}


def test_a_function_that_no_constructor_calls_is_used_by_its_models_alone(draw: DrawGraph) -> None:
    graph = draw(TWO_MODELS)
    assert uses_of(graph, graph.node("timm.m:make")) == {"one": (), "two": ()}


def test_a_module_is_used_where_any_of_its_functions_is(draw: DrawGraph) -> None:
    graph = draw(TWO_MODELS + "\n timm.layers.se -contains-> timm.layers.se:SE")
    assert list(uses_of(graph, graph.node("timm.layers.se"))) == ["one"]


def test_a_class_without_a_constructor_is_used_by_its_heirs(draw: DrawGraph) -> None:
    graph = draw(TWO_MODELS + "\n timm.layers.se:SE -inherits-> timm.layers.se:Gate")
    assert list(uses_of(graph, graph.node("timm.layers.se:Gate"))) == ["one"]
