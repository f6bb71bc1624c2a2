"""What one image costs a model in multiply-accumulates, and what the device could do in that time."""

import torch

from explorer.protocol import BenchRequest, Emit, InspectRequest, Log, Progress, Roofline, Totals
from explorer.worker.building.failures import is_memory, reason
from explorer.worker.hardware.roofline import FLOPS_PER_MAC, PASSES_OF_TRAINING, copy_gb_per_sec, matmul_tflops
from explorer.worker.inspection import run as inspect
from explorer.worker.measuring.settings import amp_dtype, weights_dtype


def totals(request: BenchRequest, name: str, emit: Emit) -> Totals | None:
    """The model's totals at one image; ``None``, with a notice, where it cannot be counted."""
    emit(Progress("count", f"counting what {name} computes"))
    wish = InspectRequest(
        name,
        img_size=request.img_size,
        in_chans=request.in_chans,
        num_classes=request.num_classes,
        reparam=request.reparam,
        args=request.args,
        totals_only=True,
        extra=request.extra,
    )
    try:
        return inspect(wish, lambda _: None).totals
    except Exception as error:
        emit(Log(f"the MACs of {name} are not known: {reason(error)}"))
        return None


def roofline(
    request: BenchRequest, device: torch.device, macs: int | None, samples_per_sec: float, emit: Emit
) -> Roofline | None:
    """The device's ceilings under the settings in force, and the model's share; ``None`` where memory runs out.

    A training step is taken for three times its forward pass.
    """
    emit(Progress("roofline", "measuring the device's ceilings"))
    dtype = request.dtype or ""
    try:
        # Training leaves gradients on.
        with torch.no_grad():
            matmul = matmul_tflops(device, amp_dtype(dtype, device) or weights_dtype(dtype))
            copy = copy_gb_per_sec(device)
    except RuntimeError as error:
        if not is_memory(error):
            raise
        emit(Log(f"the ceilings of {device} are not known: too little memory is left to measure them"))
        return None
    if macs is None:
        return Roofline(matmul, copy, None, None)
    passes = PASSES_OF_TRAINING if request.train else 1
    achieved = FLOPS_PER_MAC * passes * macs * samples_per_sec / 1e12
    return Roofline(matmul, copy, achieved, achieved / matmul)
