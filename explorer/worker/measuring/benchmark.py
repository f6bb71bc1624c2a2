"""The whole measurement of a model: made ready, timed, its costs counted, the device's ceilings measured."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from explorer.errors import OutOfMemory
from explorer.protocol.bench import BenchRequest, BenchResult, GpuReadings, TrainTimes
from explorer.protocol.events import Emit, Log
from explorer.worker.hardware.devices import environment, gpu_properties
from explorer.worker.hardware.nvml import GpuMonitor
from explorer.worker.measuring.passes import TrainingStep
from explorer.worker.measuring.prepared_model import Prepared, prepared
from explorer.worker.measuring.roofline import roofline, totals
from explorer.worker.measuring.settings import described
from explorer.worker.measuring.timing import BLOCKS, WARMUP_RULE, Goal, Reporter, Timed, clocked, latency, percentile
from explorer.worker.model_factory import param_count


def run(request: BenchRequest, emit: Emit) -> BenchResult:
    """Build the model, warm it up, measure it; with half the batch where memory runs out only then.

    Raises what :func:`prepared` raises.
    """
    requested: int | None = None
    while True:
        with prepared(request, emit) as one:
            requested = requested or one.batch_size_requested
            try:
                return replace(measured(one, emit), batch_size_requested=requested)
            except OutOfMemory:
                if not request.backoff or one.batch_size == 1:
                    raise
            request = replace(request, batch_size=one.batch_size // 2)
            emit(Log(f"{one.model_name} runs out of memory while measured, trying batch size {request.batch_size}"))


def measured(one: Prepared, emit: Emit) -> BenchResult:
    """Measure a prepared model: its passes, what they cost, what the device could do.

    Raises what :func:`~explorer.worker.measuring.prepared_model.prepared` raises.
    """
    request = one.request
    with one.explained():
        with one.settings():
            blocks, alone, parts, gpu = _timed(one, emit)
        samples_per_sec = one.batch_size * blocks.passes / sum(blocks.wall)
        costs = totals(request, one.model_name, emit)
        macs = costs.macs if costs else None
        channels, height, width = one.input_size
        with one.settings():
            ceilings = roofline(request, one.device, macs, samples_per_sec, emit) if request.roofline else None
            return BenchResult(
                model=one.model_name,
                mode="train" if request.train else "infer",
                device=str(one.device),
                batch_size=one.batch_size,
                batch_size_requested=one.batch_size_requested,
                img_size=height if height == width else (height, width),
                in_chans=channels,
                dtype=request.dtype or "",
                latency_ms=latency(alone.wall),
                latency_cuda_ms=latency(alone.cuda) if alone.cuda else None,
                samples_per_sec=samples_per_sec,
                samples_per_sec_cuda=one.batch_size * blocks.passes / sum(blocks.cuda) if blocks.cuda else None,
                param_count=param_count(one.model),
                macs=macs,
                macs_fvcore=costs.macs_fvcore if costs else None,
                activations=costs.activations if costs else None,
                iterations=alone.passes,
                measured_seconds=sum(alone.wall),
                throughput_iterations=blocks.passes,
                throughput_seconds=sum(blocks.wall),
                warmup_iterations=one.warm.iterations,
                warmup_seconds=one.warm.seconds,
                warmup_stable=one.warm.stable,
                memory_bytes=one.memory_bytes,
                memory_kind=one.memory_kind,
                memory_before_bytes=one.memory_before_bytes,
                train=parts,
                compile=one.compiled.times if one.compiled else None,
                roofline=ceilings,
                gpu=gpu,
                settings=_settings(one),
                environment=environment(one.device),
            )


def _timed(one: Prepared, emit: Emit) -> tuple[Timed, Timed, TrainTimes | None, GpuReadings | None]:
    """Time passes queued for half of the time, then one by one; of training steps the parts in the last quarter."""
    request, pass_seconds = one.request, one.warm.pass_seconds
    report = Reporter(one.batch_size, emit)
    goal = Goal(request.seconds / 2, (request.iterations + 1) // 2)
    report.part(goal, 1 / 2)
    in_block = max(1, round(goal.seconds / BLOCKS / pass_seconds), -(-goal.iterations // BLOCKS))
    with GpuMonitor(gpu_properties(one.device)) as watch:
        blocks = clocked(one.clock, goal, report, in_block=in_block, pass_seconds=pass_seconds)
    share = 1 / 2 if one.step is None else 1 / 4
    goal = Goal(request.seconds * share, request.iterations)
    report.part(goal, share)
    alone = clocked(one.clock, goal, report)
    parts = None
    if one.step is not None:
        report.part(goal, share)
        parts = _parts(one.step, one.synchronize, goal, report)
    return blocks, alone, parts, watch.readings(one.batch_size * blocks.passes)


def _parts(step: TrainingStep, synchronize: Callable[[], None], goal: Goal, report: Reporter) -> TrainTimes:
    """Time the parts of training steps."""
    parts: list[tuple[float, float, float]] = []
    wholes: list[float] = []
    while not goal.reached(sum(wholes), len(parts)):
        parts.append(step.parts(synchronize))
        wholes.append(sum(parts[-1]))
        report.tell(len(parts), sum(wholes), lambda: percentile(sorted(wholes), 50))
    forward, backward, optimizer = (latency(part) for part in zip(*parts, strict=True))
    return TrainTimes(forward, backward, optimizer, step.described()["optimizer"])


def _settings(one: Prepared) -> dict[str, Any]:
    step = one.step.described() if one.step else {"optimizer": None, "loss": None, "grad_scaler": None}
    return {
        **described(one.request, one.device),
        **step,
        "batch_size_requested": one.batch_size_requested,
        "warmup": WARMUP_RULE,
        "timing": "throughput: passes queued in blocks, one wait a block; latency: a wait after each pass",
    }
