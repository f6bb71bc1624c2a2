"""What really flows through a model in a forward pass: operators, what they give each other, and the modules around.

:mod:`flow_recorder` runs a model and answers, :mod:`tape` holds what was seen, :mod:`storage_writers` who wrote what
of a tensor's memory, :mod:`scalars` what operators are called with besides tensors, :mod:`module_summaries` what the
modules are and what each is set to.
"""

from explorer.worker.flow.flow_recorder import run

__all__ = ["run"]
