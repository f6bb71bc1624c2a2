from explorer.graph import Graph, Node, NodeKind
from explorer.graph.instances import Held, InstanceTable
from explorer.queries.composition import (
    ancestors,
    class_made_by,
    composition_around,
    composition_of_model,
    constructor_of,
    descendants,
    held_classes,
)
from explorer.queries.creation import model_classes
from explorer.queries.usage import uses_of

from .conftest import DrawGraph

SMALL = """
    timm.m:Net -inherits-> timm.m:Base
    timm.m:Base -inherits-> torch.nn:Module
    timm.m:Net.__init__ -> timm.m:Base.__init__
    timm.m:Net.__init__ -> timm.m:make
    timm.m:make -> timm.m:Block.__init__
    timm.m:Block.__init__ -> torch.nn:Conv2d
    timm.m:Base.__init__ -> torch.nn:ReLU
    timm.m:Net.__init__ -> torch.nn.init:zeros_
"""


def test_a_call_that_makes_an_instance_tells_of_which_class() -> None:
    assert class_made_by("timm.m:Net.__init__") == "timm.m:Net"
    assert class_made_by("torch.nn:Conv2d") == "torch.nn:Conv2d"
    assert class_made_by("torch.nn.init:zeros_") is class_made_by("timm.m:Net.forward") is None


def test_bases_come_nearest_first_and_heirs_too(draw: DrawGraph) -> None:
    graph = draw(SMALL)
    assert ancestors(graph, "timm.m:Net") == ["timm.m:Base", "torch.nn:Module"]
    assert descendants(graph, "torch.nn:Module") == ["timm.m:Base", "timm.m:Net"]


def test_a_class_without_a_constructor_has_its_bases(draw: DrawGraph) -> None:
    graph = draw("timm.m:Net -inherits-> timm.m:Base\n timm.m:Base.__init__ -> torch.nn:ReLU")
    assert constructor_of(graph, "timm.m:Net") == "timm.m:Base.__init__"


def test_a_class_holds_what_its_constructor_makes_by_any_function_and_what_its_bases_make(draw: DrawGraph) -> None:
    graph = draw(SMALL)
    contexts = graph.contexts.of("timm.m:Net.__init__")
    assert set(held_classes(graph, "timm.m:Net", contexts)) == {"timm.m:Block", "torch.nn:ReLU"}


def test_what_a_held_class_holds_is_not_held_directly(draw: DrawGraph) -> None:
    graph = draw(SMALL)
    assert "torch.nn:Conv2d" not in held_classes(graph, "timm.m:Net", graph.contexts.of("timm.m:Net.__init__"))


def test_what_helps_to_build_a_module_is_no_part_of_it(draw: DrawGraph) -> None:
    graph = draw(SMALL + "timm.m:Net.__init__ -> timm.m:Helper.__init__\n timm.m:Block -inherits-> torch.nn:Module")
    graph.add_node(Node("timm.m:Helper", NodeKind.CLASS))
    parts = held_classes(graph, "timm.m:Net", graph.contexts.of("timm.m:Net.__init__"))
    assert "timm.m:Block" in parts
    assert "timm.m:Helper" not in parts


MADE = """
    model:one -creates-> timm.m:one#1
    model:two -creates-> timm.m:two#1
    timm.m:one#1 -> timm.m:Backbone.__init__
    timm.m:one#1 -> timm.m:Net.__init__
    timm.m:two#1 -> timm.m:Net.__init__
    timm.m:Net.__init__ -> timm.m:Block.__init__
    timm.m:Net.__init__ -> timm.m:Dropped.__init__
    timm.m:Block -inherits-> timm.m:Part
    timm.m:Part -inherits-> torch.nn:Module
    timm.m:Net -inherits-> torch.nn:Module
    timm.m:Dropped -inherits-> torch.nn:Module
    timm.m:Backbone -inherits-> torch.nn:Module
"""
NET, BLOCK, BACKBONE = "timm.m:Net", "timm.m:Block", "timm.m:Backbone"


def made(draw: DrawGraph) -> Graph:
    """Two models of one class, of which one is given a part that its entrypoint makes first."""
    graph = draw(MADE)
    table = InstanceTable()
    table.add("one", Held((NET,), ((NET, BLOCK), (BLOCK, BACKBONE))))
    table.add("two", Held((NET,), ((NET, BLOCK),)))
    graph.instances = table.instances
    return graph


def test_a_models_classes_are_those_that_its_own_instance_holds(draw: DrawGraph) -> None:
    graph = made(draw)
    one, two = (composition_of_model(graph, graph.node(f"model:{name}"), None) for name in ("one", "two"))

    assert one.starts == two.starts == (NET,)
    assert list(one.holds) == [(NET, BLOCK), (BLOCK, BACKBONE)]
    assert list(two.holds) == [(NET, BLOCK)]
    assert model_classes(graph, graph.node("model:one"), "timm.m:one") == [NET]


def test_a_class_is_used_where_it_is_held_and_not_where_it_is_only_made(draw: DrawGraph) -> None:
    graph = made(draw)

    assert uses_of(graph, graph.node(BLOCK)) == {"one": (NET,), "two": (NET,)}
    assert uses_of(graph, graph.node(BACKBONE)) == {"one": (BLOCK,)}
    assert uses_of(graph, graph.node(NET)) == {"one": (), "two": ()}
    assert uses_of(graph, graph.node("timm.m:Dropped")) == {}


def test_a_class_that_no_model_has_is_used_where_its_heirs_are(draw: DrawGraph) -> None:
    graph = made(draw)
    assert uses_of(graph, graph.node("timm.m:Part")) == {"one": (NET,), "two": (NET,)}


def test_around_a_class_stands_what_holds_it_in_any_model(draw: DrawGraph) -> None:
    graph = made(draw)

    assert composition_around(graph, [BACKBONE], None, None).holders == (BLOCK,)
    assert list(composition_around(graph, [NET], None, None).holds) == [(NET, BLOCK)]
