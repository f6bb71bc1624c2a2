"""What timm really calls: one model traced and its story told, or every model traced and stored for the graph."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from explorer.engine.client import Client
from explorer.engine.pool import Outcome, each, is_of_the_model, waits_only
from explorer.errors import OutputError
from explorer.graph import Graph
from explorer.graph.contexts import Traced
from explorer.introspect import Extra, traces
from explorer.protocol.trace import TraceRequest, TraceResult
from explorer.usecases.choosing import ModelNames, registered_models
from explorer.usecases.following import counted
from explorer.usecases.loading import Source, find_sources, for_worker, load, worker
from explorer.usecases.telling import Emit, quiet, tell


def trace(
    name: str,
    *,
    forward: bool = False,
    sources: Sequence[Source] = (),
    save: bool = True,
    client: Client | None = None,
    graph: Graph | None = None,
    emit: Emit = quiet,
) -> TraceResult:
    """Create a model without weights and record every call inside timm, with its values, in order.

    ::

        result = explorer.trace("resnet34", forward=True)
        [step["callee"] for step in result.story["steps"]]

    Args:
        name: a model as ``timm.create_model`` takes it.
        forward: record one forward pass too.
        sources: source of the user's own that registers models: files, folders or packages.
        save: store the trace, so that graphs loaded from now on have it as evidence.
        client: a worker to run it in, which stays warm; a fresh one when ``None``.
        graph: where the name is looked up first; the installed timm's when ``None``.
        emit: takes events while it works.

    Returns:
        The steps as a tree (``story``), and the ``pairs`` of caller and callee with the places of the calls.

    Raises:
        UnknownName: there is no such model.
        EngineError: it cannot be created.
    """
    known = ModelNames(sources, graph)
    request = TraceRequest(name, forward, for_worker(known.extras))
    known.check(name)
    with worker(client) as near:
        result = near.run(request, emit)
    if save:
        try:
            keep_trace(result)
        except OutputError as error:
            tell(emit, error.message)
    return result


def keep_trace(result: TraceResult) -> Path:
    """Store a trace beside the cache; the file it is in.

    Raises:
        OutputError: it cannot be stored.
    """
    return traces.save(result.to_json())


# many models


@dataclass(frozen=True, slots=True)
class TracedModels:
    """What came of tracing many models.

    ``names`` are those asked for, ``traced`` those of them with a trace, made now or before; ``failed`` says why others
    have none; ``already`` needed none; ``have`` are the user's traces of this source, ``None`` where there are none.
    """

    names: Sequence[str]
    traced: Sequence[str]
    failed: dict[str, str]
    already: Sequence[str]
    have: Traced | None

    @property
    def pairs(self) -> int:
        """How many pairs of caller and callee they have together."""
        return len({pair for name in self.traced for pair in self.have.models[name]}) if self.have else 0

    def bundle(self) -> bytes | None:
        """The pairs of all as one file's content, ``None`` where there is no trace."""
        return traces.bundle_bytes(traces.only(self.have, self.names)) if self.have else None


def trace_every(
    pattern: str | None = None,
    *,
    sources: Sequence[Source] = (),
    forward: bool = False,
    again: bool = False,
    emit: Emit = quiet,
) -> TracedModels:
    """Trace every registered model that is like a pattern and not traced yet, by several workers.

    Args:
        pattern: shell wildcards; every model when ``None``.
        sources: source of the user's own that registers models.
        forward: trace a forward pass too.
        again: those too that are traced.
        emit: takes events while it works.

    Raises:
        RequestError: the pattern matches nothing.
        ExplorerError: nothing can be traced here, whatever the model.
    """
    extras = find_sources(sources)
    graph = load(sources=extras)
    version, digest = graph.info.timm_version, graph.info.digest
    names = registered_models(graph, [pattern] if pattern else ())
    # A trace is of one source: after any change to timm or to the user's own all are to be made anew.
    todo = names if again else untraced(names, traces.own_traces(version, digest))
    outcomes = trace_all(todo, version, digest, extras=extras, forward=forward, emit=emit)
    have = traces.own_traces(version, digest)
    known_failures = {**(have.failed if have else {}), **failures(outcomes)}
    return TracedModels(
        names,
        [name for name in names if have and name in have.models],
        {name: known_failures[name] for name in names if name in known_failures},
        sorted(set(names) - set(todo)),
        have,
    )


def failures(outcomes: Sequence[Outcome[None]]) -> dict[str, str]:
    """Why models failed, of those that did."""
    return {outcome.model: outcome.error.message for outcome in outcomes if outcome.error}


def untraced(names: Sequence[str], have: Traced | None) -> list[str]:
    """Those of the names of which there is neither a trace nor a noted failure."""
    return [name for name in names if have is None or (name not in have.models and name not in have.failed)]


def trace_all(
    names: Sequence[str],
    version: str,
    digest: str,
    *,
    extras: Sequence[Extra] = (),
    forward: bool = False,
    workers: int | None = None,
    emit: Emit = quiet,
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
        emit: takes progress and failures.

    Raises:
        ExplorerError: nothing can be traced here, whatever the model: timm is missing, or every model fails alike.
        OutputError: a trace cannot be stored.
        KeyboardInterrupt: Ctrl-C; what was traced is stored.
    """
    own = for_worker(extras)
    one_more = counted(emit, len(names), "tracing", "traced")

    def trace_one(client: Client, name: str) -> None:
        keep_trace(client.run(TraceRequest(name, forward, own), waits_only(emit)))

    outcomes: list[Outcome[None]] = []
    with closing(each(names, trace_one, workers)) as coming:
        for outcome in coming:
            outcomes.append(outcome)
            if outcome.error and is_of_the_model(outcome.model, outcome.error):
                traces.save_failure(version, digest, outcome.model, outcome.error.message)
            one_more(outcome.model, outcome.error.message if outcome.error else None)
    return outcomes
