"""Names to models: what timm calls a name, the user's own sources, the model built for it, and the input it takes.

Models are built with random weights. Where only shapes are wanted they are built and run on the meta device, which
holds no values, and else on the CPU.
"""

import importlib.util
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

import timm
import torch
from huggingface_hub import constants as hub
from timm.data import resolve_model_data_config
from timm.models import (
    _registry,
    get_arch_pretrained_cfgs,
    get_deprecated_models,
    get_pretrained_cfg,
    is_model,
    list_models,
)
from timm.utils import reparameterize_model
from torch import nn
from torch.nn.parameter import is_lazy

from explorer.errors import EngineError, ExplorerError, RequestError, UnknownName
from explorer.graph.fuzzy import closest
from explorer.introspect import Extra
from explorer.protocol.events import Emit, Log, Progress
from explorer.protocol.request import ModelOptions
from explorer.queries.names import hub_name_error
from explorer.worker.counting import Unfilled
from explorer.worker.entrypoint_failures import entrypoint_failure, not_a_model
from explorer.worker.hardware import memory
from explorer.worker.model_failures import Attempt, explained, reason

META = torch.device("meta")
CPU = torch.device("cpu")

SOURCES = ("hf-hub", "hf_hub", "local-dir")
"""The sources timm takes models from besides its registry."""


def resolve_name(name: str, emit: Emit) -> str:
    """The name timm goes by now for a registered model; a deprecated one is replaced, with a notice.

    A name with a source (``hf-hub:``, ``local-dir:``) comes back as it is.

    Raises:
        UnknownName: no such architecture, or no such tag of it.
        RequestError: timm removed the model without a replacement, or the source is none of :data:`SOURCES`.
    """
    if ":" in name:
        source, _, place = name.partition(":")
        if source not in SOURCES:
            raise RequestError(f"no model source {source!r}", f"sources: {', '.join(f'{s}:' for s in SOURCES)}")
        if source == "local-dir" and not Path(place, "config.json").is_file():
            raise RequestError(f"{place or 'an empty path'} is no model folder", "it has to hold a config.json")
        return name
    arch, _, tag = name.partition(".")
    deprecated = get_deprecated_models()
    if arch in deprecated:
        replacement = deprecated[arch]
        if replacement is None:
            raise RequestError(f"timm removed {arch} and has no replacement for it")
        arch, _, own_tag = replacement.partition(".")
        tag = tag or own_tag
        emit(Log(f"timm calls {name} {_joined(arch, tag)} now"))
    if not is_model(arch):
        known_names = list_models()
        raise hub_name_error(name, known_names) or UnknownName.of("model", arch, closest(arch, known_names))
    known = get_arch_pretrained_cfgs(arch)
    found = _joined(arch, tag)
    if tag and found not in known:
        raise UnknownName.of("weights", found, closest(found, known))
    return found


def _joined(arch: str, tag: str) -> str:
    return f"{arch}.{tag}" if tag else arch


def create(name: str, options: ModelOptions) -> nn.Module:
    """The model with random weights, in eval mode, on the default device in float32.

    The image size is handed to the constructor of models that fix their input size when built, and to no other.

    Args:
        name: as :func:`resolve_name` gives it.
        options: how to build it.

    Raises:
        Exception: whatever timm or the model raises.
    """
    model: nn.Module = timm.create_model(name, pretrained=False, **create_args(name, options))
    if failure := not_a_model(name, model):
        raise failure
    _stop_training(model)
    if any(map(is_lazy, chain(model.parameters(), model.buffers()))):
        # Lazy layers learn their sizes from the first pass, and have no parameters before.
        with torch.no_grad():
            model(torch.randn(1, *input_size(model, options)))
    return reparameterize_model(model) if options.reparam else model


def _stop_training(model: nn.Module) -> None:
    """Put a model in eval mode; parts that torch exported refuse to be told, and are as they were exported."""
    try:
        model.eval()
    except NotImplementedError:
        for module in model.modules():
            module.training = False


def create_args(name: str, options: ModelOptions) -> dict[str, Any]:
    """What ``create_model`` is given beside the name and ``pretrained``."""
    wishes: dict[str, Any] = {
        "in_chans": options.in_chans,
        "num_classes": options.num_classes,
        "features_only": options.features_only or None,
    }
    if options.img_size is not None:
        # Where the cfg comes with the source, it takes a model to see it.
        is_own = ":" in name
        cfg = timm.create_model(name, pretrained=False).pretrained_cfg if is_own else get_pretrained_cfg(name)
        if cfg.get("fixed_input_size") if isinstance(cfg, dict) else getattr(cfg, "fixed_input_size", False):
            wishes["img_size"] = options.img_size
    return dict(options.args) | {name: value for name, value in wishes.items() if value is not None}


def input_size(model: nn.Module, options: ModelOptions) -> tuple[int, int, int]:
    """Channels, height and width of the input: the model's own, or those it was built for.

    Raises:
        EngineError: the model declares an input that is no image.
    """
    channels, height, width = _declared_size(model)
    args = options.args
    wished = options.img_size or args.get("img_size") or (height, width)
    height, width = (wished, wished) if isinstance(wished, int) else wished
    return (options.in_chans or args.get("in_chans") or channels, height, width)


def _declared_size(model: nn.Module) -> tuple[int, int, int]:
    size = resolve_model_data_config(model)["input_size"]
    try:
        channels, height, width = (max(1, operator.index(length)) for length in size)
    except (TypeError, ValueError) as error:
        said = "×".join(map(str, size)) if isinstance(size, list | tuple) else str(size)
        raise EngineError(
            f"{type(model).__name__} declares an input_size of {said[:100]}",
            "explorer runs models of one image, (channels, height, width)",
        ) from error
    return channels, height, width


def param_count(model: nn.Module) -> int:
    """How many numbers the model's parameters hold, shared ones counted once."""
    return sum(p.numel() for p in model.parameters())


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ModelRun(Generic[T]):
    """A model and what running it gave; ``device`` is where it ran, ``built_on`` where it was created."""

    model: nn.Module
    outcome: T
    device: torch.device
    built_on: torch.device


def build_and_run(
    name: str, options: ModelOptions, run: Callable[[nn.Module, torch.device], T], emit: Emit, *, batch_size: int = 1
) -> ModelRun[T]:
    """Build a model and run it: on meta, else built on the CPU and run on meta, else all on the CPU.

    Args:
        name: as :func:`resolve_name` gives it.
        options: how to build it.
        run: runs it on a device.
        emit: takes progress and notices.
        batch_size: images in the batch it is run on, for what is said when it fails.

    Raises:
        RequestError: it refuses a wish of the user's.
        OutOfMemory: the CPU has too little memory.
        EngineError: it fails as it is.
    """
    emit(Progress("build", f"building {name} on the meta device"))
    try:
        model, built_on = build_for_meta(name, options)
        emit(Progress("run", f"running {name} on the meta device"))
        return ModelRun(model, run(model, META), META, built_on)
    except ExplorerError:
        raise
    except Exception as error:
        if failure := entrypoint_failure(name, error):
            raise failure from error
        emit(Log(f"{name} does not run on the meta device, so it does on the CPU: {reason(error)}"))
    model = None
    memory.release(CPU)
    with explained(Attempt(name, CPU, batch_size, options=options)):
        emit(Progress("build", f"building {name} on the CPU"))
        model = build_on(name, options, CPU)
        emit(Progress("run", f"running {name} on the CPU"))
        return ModelRun(model, run(model, CPU), CPU, CPU)


def build_on(name: str, options: ModelOptions, device: torch.device) -> nn.Module:
    """The model, created on this device, without gradients."""
    with device, Unfilled():
        return create(name, options).requires_grad_(False)


def build_for_meta(name: str, options: ModelOptions) -> tuple[nn.Module, torch.device]:
    """The model on the meta device, and the device it was created on.

    Raises:
        Exception: it can be created on neither, or not moved there.
    """
    try:
        return build_on(name, options, META), META
    except ExplorerError:
        raise
    except Exception:
        # The constructor may read values, as of a stochastic depth schedule with ``.item()``: these need real tensors.
        memory.release(CPU)
    model = build_on(name, options, CPU)
    params = param_count(model)
    model = model.to(META)
    # ``Module.to`` makes a meta copy of a parameter for every module that holds it, where on other devices it moves the
    # one there is.
    if param_count(model) != params:
        raise RuntimeError("it shares parameters, which it would not there")
    return model, CPU


@contextmanager
def offline() -> Iterator[None]:
    """Keep the Hugging Face hub's client off the network: it asks its own constant, read from the environment once."""
    before = hub.HF_HUB_OFFLINE
    hub.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        hub.HF_HUB_OFFLINE = before


def import_extras(extras: Sequence[tuple[str, str]], emit: Emit) -> None:
    """Import the sources of a request, as :func:`import_extra` does."""
    for name, path in extras:
        emit(Progress(f"extra {name}", f"importing {path}"))
        is_new = name not in sys.modules
        before = dict(_registry._model_entrypoints)
        import_extra((name, Path(path)))
        if is_new and before == _registry._model_entrypoints:
            emit(Log(f"{path} registers no model (timm's @register_model above a function makes it one)"))


def import_extra(extra: Extra) -> Path:
    """Import a source of the user's own, once in the life of this process.

    Its folder comes last on the search path, so that nothing beside it hides another module.

    Returns:
        The file of the module, of a package its ``__init__.py``.

    Raises:
        RequestError: it cannot be imported, or another module has its name.
    """
    name, path = extra
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        module = sys.modules.get(name) or (_import_file(name, path) if path.is_file() else import_module(name))
    except BaseException as error:
        raise RequestError(f"{path} cannot be imported: {type(error).__name__}: {reason(error)}") from error
    file = Path(getattr(module, "__file__", None) or ".")
    if not (file if path.is_file() else file.parent).resolve() == path.resolve():
        raise RequestError(f"{path} cannot be imported: {file} has the name {name} here", "rename it")
    return file


def _import_file(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("it is not Python source")
    module = importlib.util.module_from_spec(spec)
    # timm's register_model looks the module up there, by the name that the function says it is from.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
