"""How far a model's outputs are from those of the same weights and images run in another way."""

import math
from collections.abc import Sequence

import torch

from explorer.protocol import OutputDifference


def difference(outputs: Sequence[torch.Tensor], reference: Sequence[torch.Tensor]) -> OutputDifference | None:
    """Compare outputs with reference ones, over the images that both have.

    Args:
        outputs: tensors in float32 on the CPU, the batch first.
        reference: the same of the reference.

    Returns:
        ``None`` where they cannot be compared: other shapes, or a reference that is not finite itself.
    """
    pairs = [(a[: len(b)], b[: len(a)]) for a, b in zip(outputs, reference, strict=False)]
    if not pairs or len(outputs) != len(reference) or any(a.shape != b.shape for a, b in pairs):
        return None
    if not all(torch.isfinite(b).all() for _, b in pairs):
        return None
    images = len(pairs[0][0])
    if not all(torch.isfinite(a).all() for a, _ in pairs):
        return OutputDifference(None, None, None, False, images)
    max_abs = max(float((a - b).abs().max()) for a, b in pairs if b.numel())
    highest, lowest = (
        limit(float(limit_of(b)) for _, b in pairs) for limit, limit_of in ((max, torch.max), (min, torch.min))
    )
    spread = highest - lowest
    relative = max_abs / spread if spread > 0 else (0.0 if max_abs == 0 else math.inf)
    return OutputDifference(max_abs, relative if math.isfinite(relative) else None, _top1(*pairs[0]), True, images)


def _top1(outputs: torch.Tensor, reference: torch.Tensor) -> float | None:
    """The share of images whose highest score is of the same class; ``None`` where outputs are no scores."""
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        return None
    return float((outputs.argmax(1) == reference.argmax(1)).float().mean())
