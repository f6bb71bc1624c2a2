"""Many models traced and stored, by several workers at once. Imports no torch; the workers do."""

from collections.abc import Sequence
from contextlib import closing

from explorer.engine.client import Client
from explorer.engine.pool import Outcome, Report, each, is_of_the_model
from explorer.introspect import traces
from explorer.introspect.reading.source import Extra
from explorer.protocol import TraceRequest

__all__ = ["Outcome", "trace_all", "untraced"]


def untraced(names: Sequence[str], version: str, digest: str) -> list[str]:
    """Those of the names that the user has neither a trace of, made from this source, nor a noted failure."""
    have = traces.own_traces(version, digest)
    return [name for name in names if have is None or (name not in have.models and name not in have.failed)]


def trace_all(
    names: Sequence[str],
    version: str,
    digest: str,
    *,
    extras: Sequence[Extra] = (),
    forward: bool = False,
    workers: int | None = None,
    report: Report[None] = lambda outcome, done, total: None,
) -> list[Outcome[None]]:
    """Trace these models and store what comes of it; one that fails, or ends its worker, does not stop the others.

    A model's own failure is stored; that of a worker, or for want of memory, is not, so that it is tried again.

    Args:
        names: models, each traced once.
        version: timm's, as its source states it.
        digest: of timm's source and the extras together.
        extras: sources of the user's own.
        forward: trace a forward pass too.
        workers: processes, see :func:`explorer.engine.pool.each`.
        report: is called in this thread.

    Raises:
        ExplorerError: nothing can be traced here, whatever the model: timm is missing, or every model fails alike.
        OutputError: a trace cannot be stored.
        KeyboardInterrupt: Ctrl-C; what was traced is stored.
    """
    sources = tuple((name, str(path)) for name, path in extras)

    def trace(client: Client, name: str) -> None:
        traces.save(client.run(TraceRequest(name, forward, sources)).to_json())

    outcomes: list[Outcome[None]] = []
    with closing(each(names, trace, workers)) as coming:
        for outcome in coming:
            outcomes.append(outcome)
            if outcome.error and is_of_the_model(outcome.model, outcome.error):
                traces.save_failure(version, digest, outcome.model, outcome.error.message)
            report(outcome, len(outcomes), len(names))
    return outcomes
