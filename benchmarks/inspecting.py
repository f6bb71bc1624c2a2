"""Inspecting a model on meta against one fvcore count of it on the CPU, alternated in one process.

    uv run --with fvcore python benchmarks/inspecting.py [--rounds 5] [MODEL...]

Inspecting is the whole of it: building, layers, totals, features. fvcore's count is that of a model already built,
eval mode, batch 1, one ``FlopCountAnalysis.total()``. The best of all rounds counts: other work on the machine only
ever adds time. Held to: inspecting is faster.
"""

import argparse
import logging
import time
import warnings
from collections.abc import Callable

import timm
import torch
from fvcore.nn import FlopCountAnalysis

from explorer.protocol.inspect import InspectRequest
from explorer.worker.inspection import run

MODELS = ("resnet34", "vit_base_patch16_224", "convnext_tiny", "efficientnet_b0")


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def inspect(name: str) -> None:
    run(InspectRequest(name), lambda _event: None)


def fvcore_count(model: torch.nn.Module, images: torch.Tensor) -> None:
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        FlopCountAnalysis(model, images).total()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--rounds", type=int, default=5)
    wishes = parser.parse_args()
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    print(f"{'best of ' + str(wishes.rounds):<26} {'inspect s':>10} {'fvcore s':>10} {'ratio':>8}")
    for name in wishes.models:
        model = timm.create_model(name).eval()
        images = torch.randn(1, *model.pretrained_cfg["input_size"])
        pairs = [
            (seconds_of(lambda n=name: inspect(n)), seconds_of(lambda m=model, i=images: fvcore_count(m, i)))
            for _ in range(wishes.rounds + 1)
        ][1:]
        ours, theirs = (min(column) for column in zip(*pairs, strict=True))
        print(f"{name:<26} {ours:>10.3f} {theirs:>10.3f} {ours / theirs:>8.3f}{'' if ours < theirs else '  MISSED'}")


if __name__ == "__main__":
    main()
