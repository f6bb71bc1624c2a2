from explorer.queries.composition import ancestors, class_made_by, constructor_of, descendants, held_classes

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
