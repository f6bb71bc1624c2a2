"""Measured passes of a model with random weights: forward, or whole training steps."""

from explorer.worker.measuring.prepared import Prepared, prepared
from explorer.worker.measuring.run import run

__all__ = ["Prepared", "prepared", "run"]
