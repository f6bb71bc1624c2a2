"""Names to models: what timm calls a name, the model built for it, and the input it takes."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import timm
from timm.data import resolve_model_data_config
from timm.models import (
    get_arch_pretrained_cfgs,
    get_deprecated_models,
    get_pretrained_cfg,
    is_model,
    list_models,
)
from timm.utils import reparameterize_model
from torch import nn

from explorer.errors import RequestError, UnknownName
from explorer.protocol import Emit, Log, ModelOptions

SOURCES = ("hf-hub", "hf_hub", "local-dir")
"""The sources timm takes models from besides its registry."""


def resolve_name(name: str, emit: Emit) -> str:
    """The name timm goes by now for a registered model; a deprecated one is replaced, with a notice.

    A name with a source (``hf-hub:``, ``local-dir:``) comes back as it is.

    Raises:
        UnknownName: no such architecture, or no such tag of it.
        RequestError: timm removed the model without a replacement, or the source is none of :data:`SOURCES`.
    """
    if _has_source(name):
        _check_source(name)
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
    _check_known(arch, tag)
    return _joined(arch, tag)


def _has_source(name: str) -> bool:
    return ":" in name


def _check_source(name: str) -> None:
    source, _, place = name.partition(":")
    if source not in SOURCES:
        raise RequestError(f"no model source {source!r}", f"sources: {', '.join(f'{s}:' for s in SOURCES)}")
    if source == "local-dir" and not Path(place, "config.json").is_file():
        raise RequestError(f"{place or 'an empty path'} is no model folder", "it has to hold a config.json")


def _joined(arch: str, tag: str) -> str:
    return f"{arch}.{tag}" if tag else arch


def _check_known(arch: str, tag: str) -> None:
    if not is_model(arch):
        raise UnknownName.of("model", arch, get_close_matches(arch.lower(), list_models(), n=3, cutoff=0.6))
    known = get_arch_pretrained_cfgs(arch)
    name = _joined(arch, tag)
    if tag and name not in known:
        raise UnknownName.of("weights", name, get_close_matches(name, list(known), n=3, cutoff=0.0))


def build(name: str, options: ModelOptions) -> nn.Module:
    """The model with random weights, in eval mode, on the default device in float32.

    The image size is handed to the constructor of models that fix their input size when built, and to no other.

    Args:
        name: as :func:`resolve_name` gives it.
        options: how to build it.

    Raises:
        Exception: whatever timm or the model raises.
    """
    model: nn.Module = timm.create_model(name, pretrained=False, **create_args(name, options))
    model.eval()
    return reparameterize_model(model) if options.reparam else model


def create_args(name: str, options: ModelOptions) -> dict[str, Any]:
    """What ``create_model`` is given beside the name and ``pretrained``."""
    wishes: dict[str, Any] = dict(options.args)
    if options.in_chans is not None:
        wishes["in_chans"] = options.in_chans
    if options.num_classes is not None:
        wishes["num_classes"] = options.num_classes
    if options.features_only:
        wishes["features_only"] = True
    if options.img_size is not None and _is_fixed(_cfg_of(name)):
        wishes["img_size"] = options.img_size
    return wishes


def _cfg_of(name: str) -> Any:
    """The pretrained cfg; where it comes with the source, it takes a model to see it."""
    return timm.create_model(name, pretrained=False).pretrained_cfg if _has_source(name) else get_pretrained_cfg(name)


def _is_fixed(cfg: Any) -> bool:
    value = cfg.get("fixed_input_size") if isinstance(cfg, dict) else getattr(cfg, "fixed_input_size", False)
    return bool(value)


def input_size(model: nn.Module, options: ModelOptions) -> tuple[int, int, int]:
    """Channels, height and width of the input: the model's own, or those it was built for."""
    channels, height, width = resolve_model_data_config(model)["input_size"]
    args = options.args
    wished = options.img_size or args.get("img_size") or (height, width)
    height, width = (wished, wished) if isinstance(wished, int) else wished
    return (options.in_chans or args.get("in_chans") or channels, height, width)


def param_count(model: nn.Module) -> int:
    """How many numbers the model's parameters hold, shared ones counted once."""
    return sum(p.numel() for p in model.parameters())
