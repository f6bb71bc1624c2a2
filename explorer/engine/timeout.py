"""How long a worker may say nothing; apart from what starts one, so that a command line without one can say it too."""

from contextvars import ContextVar

TIMEOUT_SECONDS = 1800.0
"""Compiling a model takes minutes."""
TIMEOUT: ContextVar[float] = ContextVar("timeout", default=TIMEOUT_SECONDS)
"""Seconds that a worker started in this context may say nothing while it answers."""
