"""Measured passes of a model with random weights: forward, or whole training steps.

:mod:`prepared_model` makes a model ready under the settings asked for; :mod:`benchmark` measures one,
:mod:`comparison` two in turns, :mod:`setting_search` looks for the fastest settings.
"""

from explorer.worker.measuring.benchmark import run
from explorer.worker.measuring.prepared_model import Prepared, prepared

__all__ = ["Prepared", "prepared", "run"]
