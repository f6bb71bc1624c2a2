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
from torch import nn

from explorer.engine.protocol import Emit, Log
from explorer.errors import RequestError, UnknownName

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


def build(name: str, img_size: int | None) -> nn.Module:
    """The model with random weights, in eval mode, on the CPU in float32.

    Args:
        name: as :func:`resolve_name` gives it.
        img_size: height and width to build for; reaches only models that fix their input size when built.

    Raises:
        Exception: whatever timm or the model raises.
    """
    if img_size is None:
        return _created(name)
    # Where the cfg comes with the source, it takes a model to see it.
    cfg = _created(name).pretrained_cfg if _has_source(name) else get_pretrained_cfg(name)
    return _created(name, img_size=img_size) if _is_fixed(cfg) else _created(name)


def _created(name: str, **kwargs: Any) -> nn.Module:
    model: nn.Module = timm.create_model(name, pretrained=False, **kwargs)
    return model.eval()


def _is_fixed(cfg: Any) -> bool:
    value = cfg.get("fixed_input_size") if isinstance(cfg, dict) else getattr(cfg, "fixed_input_size", False)
    return bool(value)


def input_size(model: nn.Module, img_size: int | None) -> tuple[int, int, int]:
    """Channels, height and width of the input: the model's own, or with the given height and width."""
    channels, height, width = resolve_model_data_config(model)["input_size"]
    return (channels, img_size or height, img_size or width)


def param_count(model: nn.Module) -> int:
    """How many numbers the model's parameters hold, shared ones counted once."""
    return sum(p.numel() for p in model.parameters())
