"""Measuring models: one, two in turns, or one with ever faster settings; what comes of it is kept."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from explorer.errors import ExplorerError, RequestError, StoreError, UnknownName
from explorer.graph import Graph
from explorer.graph.fuzzy import closest
from explorer.protocol.bench import BenchRequest, BenchResult, VersusRequest, VersusResult
from explorer.protocol.tune import TUNED, TuneRequest, TuneResult
from explorer.usecases.choosing import ModelNames
from explorer.usecases.loading import Source, for_worker, worker
from explorer.usecases.recording import Keeper
from explorer.usecases.telling import Emit, quiet, tell

if TYPE_CHECKING:
    from explorer.engine.client import Client

SETTINGS = tuple(name for name in BenchRequest.__struct_fields__ if name not in ("model", "extra"))
"""What a measurement can be told besides the model, as :class:`~explorer.protocol.bench.BenchRequest` describes it."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement that ended: with a result, or with an error."""

    request: BenchRequest
    result: BenchResult | None = None
    error: ExplorerError | None = None

    def to_json(self) -> dict[str, Any]:
        """The result as JSON, or what failed and why."""
        if self.result is not None:
            return self.result.to_json()
        assert self.error is not None
        return {"model": self.request.model, "error": self.error.to_dict(), "request": self.request.to_json()}


# Python


def bench(
    name: str,
    *,
    sources: Sequence[Source] = (),
    save: bool = True,
    label: str = "",
    client: "Client | None" = None,
    graph: Graph | None = None,
    emit: Emit = quiet,
    **settings: Any,
) -> BenchResult:
    """Measure forward passes or training steps of a model with random weights, in a process of its own.

    ::

        result = explorer.bench("resnet34", batch_size=8, dtype="bfloat16")
        result.samples_per_sec, result.latency_ms.p50

    Args:
        name: a model as ``timm.create_model`` takes it.
        sources: source of the user's own that registers models: files, folders or packages.
        save: keep what is measured in the results file.
        label: a name for it there.
        client: a worker to measure in, which stays warm; a fresh one when ``None``.
        graph: where names are looked up first; the installed timm's when ``None``.
        emit: takes events while it works: phases, figures so far, notes.
        settings: ``batch_size``, ``img_size`` (pixels), ``device``, ``dtype``, ``seconds``, ``compile``, ``train``,
            ``args`` (of ``create_model``), ...: the fields of :class:`~explorer.protocol.bench.BenchRequest`. What is
            left out is chosen to suit the device.

    Returns:
        Latency in milliseconds a batch, throughput in samples a second, peak memory in bytes, MACs of one image, and
        all that these depend on.

    Raises:
        UnknownName: there is no such model, or no such setting.
        RequestError: a setting cannot have its value.
        OutOfMemory: the device has too little memory for a batch of one.
        EngineError: the model cannot be built or run.
    """
    keeper = Keeper(label, is_wanted=save, emit=emit)
    request = bench_requests([name], settings, ModelNames(sources, graph))[0]
    measured = measure(request, keeper, client, emit)
    _tell_lost(keeper, emit)
    if measured.result is None:
        assert measured.error is not None
        raise measured.error
    return measured.result


def versus(
    name: str,
    other: str,
    *,
    sources: Sequence[Source] = (),
    save: bool = True,
    label: str = "",
    client: "Client | None" = None,
    graph: Graph | None = None,
    emit: Emit = quiet,
    **settings: Any,
) -> VersusResult:
    """Measure two models or settings in one process, their passes in turns, so that both see the same machine.

    ::

        explorer.versus("resnet34", "resnet50", batch_size=8).ratio
        explorer.versus("resnet34", "dtype=bfloat16,threads=2").ratio

    Args:
        name: the first one.
        other: the second one, as a change to the first: a model, settings as ``key=value``, or both.
        sources, save, label, client, graph, emit, settings: as :func:`bench` has them.

    Returns:
        Both measurements, and the ratio of their throughputs, first over second, with its 95 % interval.

    Raises:
        UnknownName: there is no such model, or no such setting.
        RequestError: a setting cannot have its value, or both are the same.
        EngineError: one of them cannot be built or run.
    """
    keeper = Keeper(label, is_wanted=save, emit=emit)
    names = ModelNames(sources, graph)
    a = bench_requests([name], settings, names)[0]
    result = measure_both(a, other_side(other, a, names), keeper, client, emit)
    _tell_lost(keeper, emit)
    return result


def tune(
    name: str,
    *,
    keep: Sequence[str] = (),
    limit_seconds: float = 300.0,
    sources: Sequence[Source] = (),
    save: bool = True,
    label: str = "",
    client: "Client | None" = None,
    graph: Graph | None = None,
    emit: Emit = quiet,
    **settings: Any,
) -> TuneResult:
    """Search the settings with which a model is fastest on this machine, one after the other.

    ::

        tuned = explorer.tune("resnet34", batch_size=8, keep=["dtype"])
        tuned.request, tuned.ratio

    Args:
        name: a model as ``timm.create_model`` takes it.
        keep: settings that are left as they are: of ``dtype``, ``memory_format``, ``compile``, ``threads``, ...
        limit_seconds: past this no further value is tried.
        sources, save, label, client, graph, emit, settings: as :func:`bench` has them; the search begins with these.

    Returns:
        The settings found, the measurements before and after, their ratio, and every step that was tried.

    Raises:
        UnknownName: there is no such model, or no such setting.
        EngineError: the settings to begin with failed.
    """
    keeper = Keeper(label, is_wanted=save, emit=emit)
    request = bench_requests([name], settings, ModelNames(sources, graph))[0]
    result = search_settings(request, keep, limit_seconds, keeper, client, emit)
    _tell_lost(keeper, emit)
    return result


def _tell_lost(keeper: Keeper, emit: Emit) -> None:
    """A caller that holds the measurement is not to lose it because the file could not take it."""
    try:
        keeper.finish()
    except StoreError as error:
        tell(emit, f"not kept: {error}")


# what the fronts share


def bench_requests(names: Sequence[str], settings: Mapping[str, Any], known: ModelNames) -> list[BenchRequest]:
    """A request for each model that names and patterns stand for.

    Args:
        names: as timm takes them, or patterns; a pattern with a tag stands for weights.
        settings: values of :data:`SETTINGS`.
        known: judges names and arguments.

    Raises:
        UnknownName: there is no such model, or no such setting.
        RequestError: there is none, or a value makes no sense.
    """
    if not names:
        raise RequestError("no model to measure", "explorer bench NAME...")
    for setting in settings:
        if setting not in SETTINGS:
            raise UnknownName.of("setting", setting, closest(setting, SETTINGS))
    # A value that makes no sense is refused before names are looked up, which may take a graph.
    first = BenchRequest(names[0], **settings, extra=for_worker(known.extras))
    requests = [replace(first, model=name) for name in known.chosen(names, tags=True)]
    for request in requests if first.args else ():
        known.check(request.model, request.args)
    return requests


def measure(request: BenchRequest, keeper: Keeper, client: "Client | None" = None, emit: Emit = quiet) -> Measurement:
    """Measure one and keep what came of it, which may be an error."""
    try:
        with worker(client) as near:
            result = near.run(request, emit)
    except ExplorerError as error:
        keeper.keep(request, error)
        return Measurement(request, error=error)
    keeper.keep(request, result)
    return Measurement(request, result)


def measure_both(
    a: BenchRequest, b: BenchRequest, keeper: Keeper, client: "Client | None" = None, emit: Emit = quiet
) -> VersusResult:
    """Measure two in turns; both are kept.

    Raises:
        ExplorerError: one of them failed.
    """
    with worker(client) as near:
        # Both are measured alone first, for `seconds` each; the turns get as much again.
        result = near.run(VersusRequest(a, b, 2 * a.seconds), emit)
    keeper.keep(a, result.a)
    keeper.keep(b, result.b)
    return result


def search_settings(
    request: BenchRequest,
    keep: Sequence[str],
    limit_seconds: float,
    keeper: Keeper,
    client: "Client | None" = None,
    emit: Emit = quiet,
) -> TuneResult:
    """Search the fastest settings; the first and the last measurement are kept.

    Raises:
        ExplorerError: the settings to begin with failed, which is kept too.
    """
    try:
        with worker(client) as near:
            result = near.run(TuneRequest(request, keep, limit_seconds), emit)
    except ExplorerError as error:
        keeper.keep(request, error)
        raise
    keeper.keep(request, result.baseline)
    if result.is_faster:
        keeper.keep(result.request, result.tuned)
    return result


def tuned_settings(named: Collection[str]) -> list[str]:
    """Those of the settings that a search would change, and so has to be told to leave alone."""
    return [name for name in TUNED if name in named]


# the other side of a comparison

_NUMBERS = ("batch_size", "img_size", "threads", "in_chans", "num_classes")
_TEXTS = ("device", "dtype", "memory_format", "compile")
_FLAGS = ("channels_last", "cuda_graphs", "cudnn_benchmark", "fused_attn", "inference_mode", "train", "reparam")
_KEYS = (*_NUMBERS, *_TEXTS, *_FLAGS)
_BOOLS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def other_side(spec: str, request: BenchRequest, known: ModelNames) -> BenchRequest:
    """The request that ``spec`` makes of another one.

    Args:
        spec: a model's name, settings as ``key=value``, or both, with commas or spaces between. Keys are the names of
            the options, with ``-`` or ``_``; one that is on or off may stand alone, and ``no-`` before it turns it off.
        request: the side that it changes.
        known: judges the name.

    Raises:
        UnknownName: a key that is no setting, or there is no such model.
        RequestError: a value that the setting does not take, two models, nothing at all, or the very same request.
    """
    tokens = [token for token in re.split(r"[,\s]+", spec) if token]
    if not tokens:
        raise RequestError("--vs names nothing to compare with", "--vs resnet50, --vs dtype=bfloat16, or both")
    changes: dict[str, Any] = {}
    for token in tokens:
        name, value = _change(token)
        if name in changes:
            raise RequestError(f"--vs: {name} is given twice", "each once")
        changes[name] = value
    other = replace(request, **changes)
    if other == request:
        raise RequestError(f"--vs {spec} is the very same measurement", "name another model or setting")
    if other.model != request.model:
        known.check(other.model)
    return other


def _change(token: str) -> tuple[str, Any]:
    """The field of a request that one word of the spec sets, and its value."""
    key, equals, text = token.partition("=")
    name = key.strip("-").replace("-", "_")
    if not equals:
        flag = name.removeprefix("no_")
        if flag not in _FLAGS:
            return "model", token
        text, name = ("off" if name.startswith("no_") else "on"), flag
    if name not in _KEYS:
        raise UnknownName.of("setting", key, closest(name, _KEYS))
    value = _value(name, text)
    return ("memory_format", "channels_last" if value else "contiguous") if name == "channels_last" else (name, value)


def _value(name: str, text: str) -> Any:
    if name in _NUMBERS:
        if not re.fullmatch(r"-?\d+", text):
            raise RequestError(f"--vs: {name} must be a whole number, not {text!r}")
        return int(text)
    if name in _FLAGS:
        if text.lower() not in _BOOLS:
            raise RequestError(f"--vs: {name} must be on or off, not {text!r}")
        return _BOOLS[text.lower()]
    return text
