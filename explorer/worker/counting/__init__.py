"""Counting what a forward pass computes: multiply-accumulates and activations, module by module.

:mod:`formulas` has the arithmetic, on shapes alone; :mod:`operators` says which formula an operator is counted by;
:mod:`counter` runs a model and adds up, :mod:`shortcuts` makes that quick on the meta device.
"""

from explorer.worker.counting.counter import Count, Tally, count, tensors_of
from explorer.worker.counting.formulas import NOTHING, Cost
from explorer.worker.counting.meta_shortcuts import Shortened, Unfilled

__all__ = ["NOTHING", "Cost", "Count", "Shortened", "Tally", "Unfilled", "count", "tensors_of"]
