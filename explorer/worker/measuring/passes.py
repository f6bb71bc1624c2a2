"""One pass of a model: forward, or a whole training step."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from timm.optim import create_optimizer_v2
from torch import nn

from explorer.errors import EngineError
from explorer.worker.counting import tensors_of
from explorer.worker.measuring.settings import SEED

LEARNING_RATE = 1e-4
"""As timm's benchmark script has it: small enough that the weights stay where they are."""

_CHUNK = 8
"""Images drawn at once. What a generator gives depends on how much it is asked for, on CUDA at least: with chunks of
one size the first images are the same in every batch."""


def images(
    batch_size: int, size: tuple[int, int, int], device: torch.device, dtype: torch.dtype, layout: torch.memory_format
) -> torch.Tensor:
    """Random normal images, the first ones the same in every batch: batch, channels, height, width."""
    made = torch.empty((batch_size, *size), device=device, dtype=dtype, memory_format=layout)
    generator = torch.Generator(device).manual_seed(SEED)
    for start in range(0, batch_size, _CHUNK):
        drawn = torch.randn((_CHUNK, *size), device=device, generator=generator)
        made[start : start + _CHUNK] = drawn[: batch_size - start]
    return made


def forward(model: Callable[[torch.Tensor], Any], batch: torch.Tensor, amp: torch.dtype | None) -> Callable[[], Any]:
    """A function that runs one forward pass and does nothing besides; with ``amp`` under autocast to it."""
    if amp is None:
        return partial(model, batch)
    kind = batch.device.type

    def autocast_pass() -> Any:
        with torch.autocast(kind, dtype=amp):
            return model(batch)

    return autocast_pass


class TrainingStep:
    """One step of training: forward with the loss, backward, optimizer.

    The loss is cross-entropy against random labels where the model classifies, else the mean squared distance to a
    random target. The optimizer is timm's ``sgd``, with momentum. Autocast to float16 scales the loss.
    """

    def __init__(
        self, model: nn.Module, run: Callable[[torch.Tensor], Any], batch: torch.Tensor, amp: torch.dtype | None
    ) -> None:
        self._forward = forward(run, batch, amp)
        self._amp = amp
        self._kind = batch.device.type
        self._optimizer = create_optimizer_v2(model, opt="sgd", lr=LEARNING_RATE)
        self._scaler = torch.amp.GradScaler(self._kind) if amp is torch.float16 else None
        self._target: torch.Tensor | None = None

    def __call__(self) -> None:
        """Take a step."""
        self.forward().backward()
        self.optimize()

    def parts(self, synchronize: Callable[[], None]) -> tuple[float, float, float]:
        """Take a step, waiting after each part; the seconds of forward, backward and optimizer."""
        synchronize()
        start = time.perf_counter()
        loss = self.forward()
        synchronize()
        forwarded = time.perf_counter()
        loss.backward()
        synchronize()
        backwarded = time.perf_counter()
        self.optimize()
        synchronize()
        return forwarded - start, backwarded - forwarded, time.perf_counter() - backwarded

    def forward(self) -> torch.Tensor:
        """The loss of one batch, scaled where it must be."""
        self._optimizer.zero_grad()
        output = next(filter(torch.is_floating_point, tensors_of(self._forward())), None)
        if output is None:
            raise EngineError("it cannot be trained: there is no tensor in what it returns", "leave --train out")
        with torch.autocast(self._kind, dtype=self._amp, enabled=self._amp is not None):
            loss = self._loss(output)
        return loss if self._scaler is None else self._scaler.scale(loss)

    def optimize(self) -> None:
        """Change the weights by the gradients."""
        if self._scaler is None:
            self._optimizer.step()
        else:
            self._scaler.step(self._optimizer)
            self._scaler.update()

    def _loss(self, output: torch.Tensor) -> torch.Tensor:
        if self._target is None:
            self._target = _target(output)
        if self._target.dtype is torch.long:
            return nn.functional.cross_entropy(output, self._target)
        return nn.functional.mse_loss(output, self._target)

    def described(self) -> dict[str, Any]:
        """The optimizer, the loss and the scaling of gradients, as JSON."""
        group = self._optimizer.param_groups[0]
        told = ", ".join(
            f"{key}={group[key]}" for key in ("lr", "momentum", "nesterov", "weight_decay") if key in group
        )
        classifies = self._target is not None and self._target.dtype is torch.long
        return {
            "optimizer": f"{type(self._optimizer).__name__}({told})",
            "loss": "cross-entropy, random labels" if classifies else "mean squared error, random target",
            "grad_scaler": self._scaler is not None,
        }


def _target(output: torch.Tensor) -> torch.Tensor:
    """Random labels for (batch, classes), else a random tensor of the output's shape."""
    generator = torch.Generator(output.device).manual_seed(SEED)
    if output.ndim == 2 and output.shape[1] > 1:
        return torch.randint(output.shape[1], output.shape[:1], device=output.device, generator=generator)
    return torch.randn(output.shape, device=output.device, dtype=output.dtype, generator=generator)
