"""One creation of a model, and one forward pass of it, with every call inside timm recorded."""

import functools
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import get_deprecated_models
from torch import nn

from explorer.errors import UnknownName
from explorer.introspect import Extra, SourceTree, digest_with, find_timm
from explorer.protocol.events import Emit, Log, Progress
from explorer.protocol.request import ModelOptions
from explorer.protocol.trace import TraceRequest, TraceResult
from explorer.worker.call_tracing.call_recorder import CallRecording, Root, record
from explorer.worker.hardware import memory
from explorer.worker.model_factory import CPU, META, import_extra, import_extras, input_size, offline, resolve_name
from explorer.worker.model_failures import Attempt, explained, reason

_CACHED = type(functools.cache(len))
"""What ``functools.cache`` and ``lru_cache`` make of a function; the class has no public name."""


def run(request: TraceRequest, emit: Emit) -> TraceResult:
    """Create the model with random weights and record what is called inside timm and the sources given with it.

    It is created on the meta device, and on the CPU where it cannot be created there. A deprecated name is created by
    that name, so that the way to its replacement is part of the recording.

    Raises:
        RequestError: an unknown name, or an extra source that cannot be imported.
        OutOfMemory: there is too little memory for it.
        EngineError: the model cannot be created, or the forward pass fails, on either device.
    """
    start = time.perf_counter()
    extras = [(name, Path(path)) for name, path in request.extra]
    import_extras(request.extra, emit)
    roots = [Root(Path(timm.__file__).parent), *(_root(extra) for extra in extras)]
    try:
        resolve_name(request.model, emit)
    except UnknownName:
        # A deprecated name is known even where timm maps it to weights that there are none of.
        if request.model not in get_deprecated_models():
            raise
    with offline():
        model, created, device = _created(request.model, roots, emit)
        ran, ran_on = _ran(request.model, model, device, roots, emit) if request.forward else (None, None)
    source = _source()
    return TraceResult(
        model=request.model,
        timm_version=source.version,
        digest=digest_with(source.digest, extras),
        python=platform.python_version(),
        device=device.type,
        seconds=round(time.perf_counter() - start, 3),
        pairs=created.pairs,
        story=created.story,
        forward_device=ran_on.type if ran_on else None,
        forward_pairs=ran.pairs if ran else None,
        forward_story=ran.story if ran else None,
    )


# It is read and hashed once: what was imported does not change any more.
@functools.cache
def _source() -> SourceTree:
    """The source that was imported here."""
    return find_timm()


def _created(name: str, roots: Sequence[Root], emit: Emit) -> tuple[nn.Module, CallRecording, torch.device]:
    try:
        return *_create(name, META, roots, emit), META
    except Exception as error:
        emit(Log(f"{name} cannot be created on the meta device, so it is on the CPU: {reason(error)}"))
    memory.release(CPU)
    with explained(Attempt(name, CPU)):
        return *_create(name, CPU, roots, emit), CPU


def _create(name: str, device: torch.device, roots: Sequence[Root], emit: Emit) -> tuple[nn.Module, CallRecording]:
    emit(Progress(f"create-{device.type}", f"creating {name} on the {device.type} device"))
    _forget(roots)
    with device:
        return record(lambda: timm.create_model(name, pretrained=False), roots)


def _ran(
    name: str, model: nn.Module, device: torch.device, roots: Sequence[Root], emit: Emit
) -> tuple[CallRecording, torch.device]:
    """Record one forward pass, on the model's device or else on the CPU, with a model created there for it."""
    if device == META:
        try:
            return _run_forward(name, model, META, roots, emit), META
        except Exception as error:
            emit(Log(f"{name} cannot run on the meta device, so it does on the CPU: {reason(error)}"))
        with explained(Attempt(name, CPU)), CPU:
            model = timm.create_model(name, pretrained=False)
    with explained(Attempt(name, CPU)):
        return _run_forward(name, model, CPU, roots, emit), CPU


def _run_forward(name: str, model: nn.Module, device: torch.device, roots: Sequence[Root], emit: Emit) -> CallRecording:
    emit(Progress(f"forward-{device.type}", f"running {name} on the {device.type} device"))
    model.eval()
    _forget(roots)
    with device, torch.no_grad():
        images = torch.zeros(1, *input_size(model, ModelOptions()))
        _, recording = record(lambda: model(images), roots)
    return recording


def _forget(roots: Sequence[Root]) -> None:
    """Empty every ``functools.cache`` in the roots' modules: a later recording has to be like the first."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and any(root.relative(file) for root in roots):
            for cache in _caches(vars(module)):
                cache.cache_clear()


def _caches(namespace: Any) -> Iterator[Any]:
    """The caches that a module or class holds by name."""
    for value in list(namespace.values()):
        value = getattr(value, "__func__", value) if isinstance(value, staticmethod | classmethod) else value
        if isinstance(value, _CACHED):
            yield value
        elif isinstance(value, type) and value.__module__ == namespace.get("__name__"):
            yield from _caches(vars(value))


def _root(extra: Extra) -> Root:
    """Import a source of the user's own; where its files are."""
    name, path = extra
    file = import_extra(extra)
    return Root(file) if path.is_file() else Root(file.parent, f"{name}/")
