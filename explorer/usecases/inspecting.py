"""The totals of many models, by several workers at once. Imports no torch; the workers do."""

from collections.abc import Generator, Sequence
from dataclasses import replace

from explorer.engine.client import Client
from explorer.engine.pool import Outcome, each
from explorer.protocol import InspectRequest, InspectResult


def inspect_each(
    names: Sequence[str], wish: InspectRequest, workers: int | None = None
) -> Generator[Outcome[InspectResult], None, None]:
    """Inspect these models, totals only; outcomes come as they are ready, and closing the generator ends the workers.

    Args:
        names: models, each inspected once.
        wish: how; its model is left aside.
        workers: processes, see :func:`explorer.engine.pool.each`.

    Raises:
        ExplorerError: nothing can be inspected here, whatever the model: timm is missing, or every model fails alike.
        KeyboardInterrupt: Ctrl-C.
    """

    def inspect(client: Client, name: str) -> InspectResult:
        return client.run(replace(wish, model=name, totals_only=True))

    return each(names, inspect, workers)
