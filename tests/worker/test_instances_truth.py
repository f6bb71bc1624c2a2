"""What models hold by their source, held against the modules of models that are built."""

import pytest
import timm
import torch
from torch import nn

from explorer.graph import Graph

pytestmark = pytest.mark.xdist_group("torch")

MODELS = [
    *("resnet18", "efficientnet_b1_pruned", "tf_efficientnet_b0", "pit_ti_224", "test_vit", "vitamin_small_224"),
    *("vit_small_r26_s32_224", "eva02_tiny_patch14_224", "sequencer2d_s", "mobilenetv3_small_050", "convnext_atto"),
    *("vit_small_resnet26d_224", "regnetx_002", "cpubone_b3"),
]
"""Of different ways to be made: by a builder's helper, from parts made before, of classes without a constructor."""


@pytest.mark.parametrize("name", MODELS)
def test_a_model_holds_the_classes_of_its_modules_and_no_others(timm_graph: Graph, name: str) -> None:
    with torch.device("meta"):
        model: nn.Module = timm.create_model(name)
    held = timm_graph.instances.of(name)

    assert held is not None
    assert held.own == (_class_id(model),)
    assert {c for c in held.classes() if c.startswith("timm.")} == {
        c for c in map(_class_id, model.modules()) if c.startswith("timm.")
    }


def _class_id(module: nn.Module) -> str:
    return f"{type(module).__module__}:{type(module).__qualname__}"
