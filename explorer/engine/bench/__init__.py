"""Measured passes of a model with random weights: forward, or whole training steps."""

from explorer.engine.bench.prepared import Prepared, prepared
from explorer.engine.bench.run import run

__all__ = ["Prepared", "prepared", "run"]
