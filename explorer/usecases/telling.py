"""What a use case tells while it works, and who takes it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.protocol import Event

Emit = Callable[["Event"], None]
"""Takes what a use case tells while it works: a :class:`~explorer.protocol.Progress`, ``Partial`` or ``Log``."""


def quiet(event: "Event") -> None:
    """An ``emit`` for who wants the answer alone."""


def tell(emit: Emit, message: str) -> None:
    """Emit one line that the user should see."""
    # Most answers from the graph tell nothing, and the protocol costs a tenth of a warm start.
    from explorer.protocol import Log

    emit(Log(message))
