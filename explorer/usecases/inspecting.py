"""What a model is made of, or the totals of many models, by several workers at once."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

from msgspec.structs import replace

from explorer.engine.client import Client
from explorer.engine.pool import Outcome, each, waits_only
from explorer.graph import Graph
from explorer.introspect import find_timm
from explorer.protocol.inspect import InspectRequest, InspectResult
from explorer.report.inspect_csv import TotalsFile, outcome_row
from explorer.usecases.choosing import ModelNames
from explorer.usecases.following import counted
from explorer.usecases.loading import Source, for_worker, worker
from explorer.usecases.telling import Emit, quiet


def inspect(
    name: str,
    *,
    batch_size: int = 1,
    img_size: int | None = None,
    in_chans: int | None = None,
    num_classes: int | None = None,
    features_only: bool = False,
    reparam: bool = False,
    args: Mapping[str, Any] | None = None,
    sources: Sequence[Source] = (),
    client: Client | None = None,
    graph: Graph | None = None,
    emit: Emit = quiet,
) -> InspectResult:
    """What a model is made of: layers, shapes, parameters, MACs, activations. Built without weights, mostly on meta.

    ::

        result = explorer.inspect("resnet34", img_size=160)
        result.totals.macs, [layer.output_shape for layer in result.layers]

    Args:
        name: a model as ``timm.create_model`` takes it.
        batch_size: images in the batch whose shapes are told.
        img_size: height and width of the input in pixels; the model's own when ``None``, as the next two.
        in_chans: channels of the input.
        num_classes: outputs of the classifier; 0: none.
        features_only: the feature extractor made of it.
        reparam: branches fused, as it is deployed.
        args: further arguments of ``create_model``.
        sources: source of the user's own that registers models: files, folders or packages.
        client: a worker to build it in, which stays warm; a fresh one when ``None``.
        graph: where name and arguments are looked up first; the installed timm's when ``None``.
        emit: takes events while it works.

    Returns:
        ``layers`` in the order of ``named_modules``, ``totals``, feature levels and how it was built. MACs are
        multiply-accumulates of one image; activations are elements.

    Raises:
        UnknownName: there is no such model.
        RequestError: it does not take one of the arguments, or a value makes no sense.
        EngineError: it cannot be built or run so.
    """
    known = ModelNames(sources, graph)
    extra = for_worker(known.extras)
    request = InspectRequest(
        name, batch_size, img_size, in_chans, num_classes, features_only, reparam, args or {}, extra=extra
    )
    return inspect_one(request, known, client, emit)


def inspect_one(
    request: InspectRequest, known: ModelNames, client: Client | None = None, emit: Emit = quiet
) -> InspectResult:
    """Inspect a model that is judged first; raises what :func:`inspect` does."""
    known.check(request.model, request.args)
    with worker(client) as near:
        return near.run(request, emit)


# many models


def inspect_each(
    names: Sequence[str], wish: InspectRequest, emit: Emit = quiet, workers: int | None = None
) -> Generator[Outcome[InspectResult], None, None]:
    """Inspect these models, totals only; outcomes come as they are ready, and closing the generator ends the workers.

    Args:
        names: models, each inspected once.
        wish: how; its model is left aside.
        emit: takes progress and failures.
        workers: processes, see :func:`explorer.engine.pool.each`.

    Raises:
        ExplorerError: nothing can be inspected here, whatever the model: timm is missing, or every model fails alike.
        KeyboardInterrupt: Ctrl-C.
    """

    def inspect_totals(client: Client, name: str) -> InspectResult:
        return client.run(replace(wish, model=name, totals_only=True), waits_only(emit))

    one_more = counted(emit, len(names), "inspecting", "inspected")
    # Closing ends the workers, so that Ctrl-C in the middle leaves none behind.
    with closing(each(names, inspect_totals, workers)) as coming:
        for outcome in coming:
            one_more(outcome.model, outcome.error.message if outcome.error else None)
            yield outcome


def timm_version() -> str:
    """The version of the installed timm, as its source states it."""
    return find_timm(None).version


def add_totals(file: TotalsFile, names: Sequence[str], wish: InspectRequest, emit: Emit = quiet) -> list[str]:
    """Add a row to a file of totals for each model that it does not have.

    Returns:
        The names of those that failed, now or before.

    Raises:
        OutputError: it cannot be written.
        KeyboardInterrupt: Ctrl-C; what was done by then is in the file.
    """
    done = file.done()
    todo = [name for name in names if name not in done]
    failed = {name for name in names if name in done and done[name]["error"]}
    with file.open(todo) as add, closing(inspect_each(todo, wish, emit)) as outcomes:
        for outcome in outcomes:
            add(outcome_row(outcome, file.timm_version, file.options))
            if outcome.error:
                failed.add(outcome.model)
    return [name for name in names if name in failed]
