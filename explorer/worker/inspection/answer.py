"""The worker's answer to an inspect request."""

import functools
import gc
import time

from explorer.protocol import JSON, Emit, FeatureLevel, InspectRequest, InspectResult, Progress, Totals
from explorer.worker.building import names_and_inputs
from explorer.worker.building.offline import offline
from explorer.worker.building.user_models import import_extras
from explorer.worker.hardware.environment import versions
from explorer.worker.inspection.features import levels_of, measured
from explorer.worker.inspection.layer_rows import layers_of
from explorer.worker.inspection.subject import Subject, examined


def run(request: InspectRequest, emit: Emit) -> InspectResult:
    """Build the model with random weights, run it once, tell what it is made of.

    It is built and run on the meta device where it can be, else on the CPU. No weights, no network.

    Raises:
        RequestError: an unknown name, an extra source that cannot be imported, or a wish that the model refuses.
        OutOfMemory: it has to be run on the CPU, which has too little memory for it.
        EngineError: the model cannot be built and run as it is.
    """
    start = time.perf_counter()
    _settle()
    import_extras(request.extra)
    name = names_and_inputs.resolve_name(request.model, emit)
    with offline():
        subject = examined(name, request.options, request.batch_size, by_module=not request.totals_only, emit=emit)
        levels, note = ([], None) if request.totals_only else _features(name, request, subject, emit)
    channels, height, width = subject.input_size
    return InspectResult(
        model=name,
        img_size=height if height == width else (height, width),
        batch_size=request.batch_size,
        in_chans=channels,
        num_classes=getattr(subject.model, "num_classes", None),
        device=subject.device.type,
        built_on=subject.built_on.type,
        totals=_totals(subject),
        layers=[] if request.totals_only else layers_of(subject, levels),
        feature_info=levels,
        feature_info_note=note,
        uncounted=subject.count.uncounted,
        seconds=round(time.perf_counter() - start, 4),
        settings=_settings(request),
        environment=versions(),
    )


@functools.cache
def _settle() -> None:
    """Let what importing left count as old: the collector would walk its million objects in the middle of a pass."""
    gc.freeze()


def _features(
    name: str, request: InspectRequest, subject: Subject, emit: Emit
) -> tuple[list[FeatureLevel], str | None]:
    declared = levels_of(subject.model)
    if not declared:
        return [], "the model declares no feature_info"
    emit(Progress("features", f"extracting the features of {name}"))
    return measured(name, request.options, subject, declared)


def _totals(subject: Subject) -> Totals:
    total = subject.count.total
    return Totals(
        params=names_and_inputs.param_count(subject.model),
        buffers=sum(buffer.numel() for buffer in subject.model.buffers()),
        macs=total.macs,
        macs_fvcore=total.macs_fvcore,
        activations=total.activations,
    )


def _settings(request: InspectRequest) -> dict[str, JSON]:
    """Everything that was asked for, ``None`` where it was left as the model has it."""
    return {
        "batch_size": request.batch_size,
        "img_size": request.img_size,
        "in_chans": request.in_chans,
        "num_classes": request.num_classes,
        "features_only": request.features_only,
        "reparam": request.reparam,
        "args": dict(request.args),
        "totals_only": request.totals_only,
        "pretrained": False,
        "mode": "eval",
        "dtype": "float32",
    }
