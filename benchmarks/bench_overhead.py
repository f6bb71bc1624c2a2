"""What explorer's clock costs: its loop against bare ones over the same model with the same settings, in turns.

    uv run python benchmarks/bench_overhead.py [--model NAME...] [--device cuda] [--batch-size N] [--seconds 20]

Three loops take turns in one process, and who goes first changes with every round: explorer's own block of queued
passes; a bare PyTorch loop that waits once at the end; and the loop of timm's benchmark script, which waits after every
step. Printed are the ratios of samples per second, explorer's over the other's: the median over the rounds with its
95 % interval. Held to: within 1 % of the bare loop, and not below timm's.
"""

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext

import torch

from explorer.protocol.bench import BenchRequest
from explorer.protocol.events import Event, Log
from explorer.worker.hardware.devices import synchronizer
from explorer.worker.measuring import Prepared, prepared
from explorer.worker.measuring.settings import amp_dtype
from explorer.worker.measuring.timing import median_interval, percentile

BLOCK_SECONDS = 0.25
LEAST_ROUNDS = 8

Loop = Callable[[int], float]
"""Runs so many passes and gives the seconds."""


def bare_loop(one: Prepared) -> Loop:
    """What anyone would write: queue the passes, wait at the end."""
    model, images, synchronize = one.model, example(one), synchronizer(one.device)

    def seconds(passes: int) -> float:
        synchronize()
        start = time.perf_counter()
        with torch.inference_mode():
            for _ in range(passes):
                with autocast(one):
                    model(images)
            synchronize()
        return time.perf_counter() - start

    return seconds


def timm_loop(one: Prepared) -> Loop:
    """The method of timm's benchmark script: every step is timed and waited for, the rate is that of the whole run."""
    model, images, synchronize = one.model, example(one), synchronizer(one.device)

    def step() -> float:
        start = time.perf_counter()
        with autocast(one):
            model(images)
        synchronize()
        return time.perf_counter() - start

    def seconds(passes: int) -> float:
        with torch.inference_mode():
            start = time.perf_counter()
            total = 0.0
            for _ in range(passes):
                total += step()
            synchronize()
            return time.perf_counter() - start

    return seconds


def example(one: Prepared) -> torch.Tensor:
    images = torch.randn((one.batch_size, *one.input_size), device=one.device, dtype=one.dtype)
    channels_last = one.request.memory_format == "channels_last"
    return images.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def autocast(one: Prepared) -> object:
    dtype = amp_dtype(one.request.dtype or "", one.device)
    return nullcontext() if dtype is None else torch.autocast(one.device.type, dtype=dtype)


def compare(name: str, request: BenchRequest, seconds: float) -> None:
    """Run the loops in turns and print what came out."""
    with prepared(request, narrate) as one:
        passes = max(1, round(BLOCK_SECONDS / one.warm.pass_seconds))
        loops: dict[str, Loop] = {"explorer": one.block, "bare": bare_loop(one), "timm": timm_loop(one)}
        taken: dict[str, list[float]] = {kind: [] for kind in loops}
        start = time.perf_counter()
        with one.settings():
            while time.perf_counter() - start < seconds or len(taken["timm"]) < LEAST_ROUNDS:
                turn = len(taken["timm"]) % len(loops)
                order = [*loops][turn:] + [*loops][:turn]
                for kind in order:
                    taken[kind].append(loops[kind](passes))
        print(f"{name}: batch {one.batch_size}, {one.request.dtype}, {one.device}, {passes} passes a block")
    for other in ("bare", "timm"):
        ratios = sorted(theirs / ours for ours, theirs in zip(taken["explorer"], taken[other], strict=True))
        low, high = median_interval(ratios)
        told = f"{percentile(ratios, 50):.4f}  (95 %: {low:.4f} to {high:.4f}, {len(ratios)} rounds)"
        print(f"  explorer / {other:4}  {told}")


def narrate(event: Event) -> None:
    if isinstance(event, Log):
        print(event.message, file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description="explorer's loop against bare ones")
    parser.add_argument("--model", nargs="+", default=["test_resnet", "resnet18", "vit_tiny_patch16_224"])
    parser.add_argument("--device", default=None)
    parser.add_argument("--batch-size", type=int, default=None)
    parser.add_argument("--dtype", default=None)
    parser.add_argument("--memory-format", default="contiguous")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    for name in given.model:
        request = BenchRequest(
            name,
            batch_size=given.batch_size,
            device=given.device,
            dtype=given.dtype,
            memory_format=given.memory_format,
            threads=given.threads,
            roofline=False,
        )
        compare(name, request, given.seconds)


if __name__ == "__main__":
    main()
