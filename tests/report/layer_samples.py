"""Layers of a small made-up model, and the result that holds them."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from explorer.protocol.inspect import FeatureLevel, InspectResult, Layer, Totals


def layer(name: str, class_name: str = "Conv2d", **more: Any) -> Layer:
    """A layer that keeps a shape of 8×4×4 and has 10 parameters, where nothing else is said."""
    facts: dict[str, Any] = {
        "input_shape": (1, 8, 4, 4), "output_shape": (1, 8, 4, 4), "params": 10, "own_params": 10, "buffers": 0,
        "macs": 100, "own_macs": 100, "macs_fvcore": 110, "activations": 128, "output_bytes": 512, "share": 0.1,
        "calls": 1,
    }  # fmt: skip
    return Layer(name=name, class_name=class_name, **{**facts, **more})


def block(name: str, **more: Any) -> list[Layer]:
    """A block of a convolution, something idle and an activation."""
    return [
        layer(name, "Block", **more),
        layer(f"{name}.conv", "Conv2d", **more),
        layer(f"{name}.drop", "Identity", params=0, own_params=0, macs=0, own_macs=0, share=0.0),
        layer(f"{name}.act", "ReLU", params=0, own_params=0, macs=0, own_macs=0, share=0.0),
    ]


LAYERS = [
    layer("", "ToyNet", input_shape=(1, 3, 8, 8), output_shape=(1, 10), params=100, own_params=0, share=1.0),
    layer("stem", input_shape=(1, 3, 8, 8), stage=0, reduction=2, params=7),
    layer("blocks", "Sequential", own_params=0, own_macs=0),
    *(part for i in range(3) for part in block(f"blocks.{i}", stage=i + 1, reduction=4)),
    layer("head", "Linear", input_shape=(1, 8), output_shape=(1, 10), macs=80, share=0.05),
]
"""A stem, three blocks that are alike, and a head."""


def inspected(layers: Sequence[Layer] = tuple(LAYERS), **more: Any) -> InspectResult:
    """The made-up model as the worker tells of it."""
    result = InspectResult(
        model="toynet",
        img_size=8,
        batch_size=1,
        in_chans=3,
        num_classes=10,
        device="meta",
        built_on="cpu",
        totals=Totals(params=21_797_672, buffers=17_060, macs=3_663_761_408, macs_fvcore=3_671_262_720, activations=37),
        layers=list(layers),
        feature_info=[
            FeatureLevel(0, "stem", 8, 2, 8, 2.0),
            FeatureLevel(1, "blocks.0", 8, 4, 12, 4.0),
            FeatureLevel(2, "blocks.1", 8, 4),
        ],
        feature_info_note="blocks.1 gave nothing",
        uncounted={"aten.add": 3, "aten.relu": 4, "aten.mean": 1},
        seconds=0.25,
        settings={"img_size": None, "features_only": False, "reparam": True, "args": {"depth": 3}},
        environment={"timm": "1.0.31", "torch": "2.9", "python": "3.11", "explorer": "0"},
    )
    return replace(result, **more)
