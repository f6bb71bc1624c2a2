"""What really flows through a model in a forward pass: operators, what they give each other, and the modules around.

:mod:`recorder` runs a model and records, :mod:`modules` says what the modules are, :mod:`about` what each is set to.
"""

from explorer.worker.flow.handler import run

__all__ = ["run"]
