"""Counting what a forward pass computes: multiply-accumulates and activations, module by module.

:mod:`operator_costs` says what an operator costs and by which formula; :mod:`counter` runs a model and adds up,
:mod:`meta_shortcuts` makes that quick on the meta device.
"""

from explorer.worker.counting.counter import Count, Tally, count, uncompiled
from explorer.worker.counting.hooks import hooked
from explorer.worker.counting.meta_shortcuts import Shortened, Unfilled
from explorer.worker.counting.operator_costs import NOTHING, Cost
from explorer.worker.counting.values import tensors_of

__all__ = ["NOTHING", "Cost", "Count", "Shortened", "Tally", "Unfilled", "count", "hooked", "tensors_of", "uncompiled"]
