from explorer.graph import Graph
from explorer.queries.families import Blocks, blocks_of, families_of, family_composition

from .conftest import DrawGraph

BUILDER = "timm.models._builder:build_model_with_cfg"


def toy(draw: DrawGraph, blocks: str) -> Graph:
    return draw(f"""
        timm.models.toy -contains-> timm.models.toy:Net
        timm.models.toy:Net -inherits-> torch.nn:Module
        timm.models.toy:Block -inherits-> torch.nn:Module
        timm.models.toy:PatchEmbed -inherits-> torch.nn:Module
        timm.models.toy:SelfAttention -inherits-> torch.nn:Module
        model:net -creates-> timm.models.toy:net#1
        timm.models.toy:net#1 -> timm.models.toy:_create#1
        timm.models.toy:_create#1 -> {BUILDER}#1
        {BUILDER}#1 -> timm.models.toy:Net.__init__#1
        {blocks}
        """)


def test_a_family_is_the_module_that_its_models_are_registered_from(draw: DrawGraph) -> None:
    graph = toy(draw, "")
    family = families_of(graph)["timm.models.toy"]
    assert (family.name, [m.name for m in family.models]) == ("toy", ["net"])


def test_blocks_are_told_by_what_their_constructors_make(draw: DrawGraph) -> None:
    convolution = """
        timm.models.toy:Net.__init__#1 -> timm.models.toy:Block.__init__#1
        timm.models.toy:Block.__init__#1 -> torch.nn:Conv2d"""
    attention = "timm.models.toy:Net.__init__#1 -> timm.models.toy:SelfAttention.__init__#1"
    kinds = [
        blocks_of(toy(draw, blocks))["timm.models.toy"]
        for blocks in ("", convolution, attention, f"{convolution}\n{attention}")
    ]
    assert kinds == [Blocks.NEITHER, Blocks.CONVOLUTION, Blocks.ATTENTION, Blocks.BOTH]


def test_a_convolution_that_only_takes_the_image_in_does_not_count(draw: DrawGraph) -> None:
    graph = toy(
        draw,
        """timm.models.toy:Net.__init__#1 -> timm.models.toy:PatchEmbed.__init__#1
        timm.models.toy:PatchEmbed.__init__#1 -> torch.nn:Conv2d""",
    )
    assert blocks_of(graph)["timm.models.toy"] is Blocks.NEITHER


def test_a_composition_tells_what_all_share_and_what_only_some_have(draw: DrawGraph) -> None:
    graph = toy(
        draw,
        f"""timm.models.toy:Net.__init__#1 -> timm.models.toy:PatchEmbed.__init__#1
        timm.models.toy:Net.__init__#1 -> timm.models.toy:Block.__init__#1
        model:other -creates-> timm.models.toy:other#1
        timm.models.toy:other#1 -> timm.models.toy:_create#2
        timm.models.toy:_create#2 -> {BUILDER}#2
        {BUILDER}#2 -> timm.models.toy:Net.__init__#2
        timm.models.toy:Net.__init__#2 -> timm.models.toy:PatchEmbed.__init__#1""",
    )
    composition = family_composition(graph, families_of(graph)["timm.models.toy"])
    assert composition.builders == {"timm.models.toy:_create": 2}
    assert composition.built == {"timm.models.toy:Net"}
    assert composition.models == ("timm.models.toy:Net",)
    assert composition.shared == ("timm.models.toy:PatchEmbed",)
    assert composition.some == {"timm.models.toy:Block": 1}
    assert {variant.names: variant.classes for variant in composition.variants} == {
        ("net",): ("timm.models.toy:Block",),
        ("other",): (),
    }
