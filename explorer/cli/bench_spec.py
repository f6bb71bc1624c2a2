"""What ``--vs`` names: the other side of a comparison, as a change to this one."""

import re
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from explorer.errors import RequestError, UnknownName
from explorer.protocol import BenchRequest

_NUMBERS = ("batch_size", "img_size", "threads", "in_chans", "num_classes")
_TEXTS = ("device", "dtype", "memory_format", "compile")
_FLAGS = ("channels_last", "cuda_graphs", "cudnn_benchmark", "fused_attn", "inference_mode", "train", "reparam")
_SETTINGS = (*_NUMBERS, *_TEXTS, *_FLAGS)
_BOOLS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def other_side(spec: str, request: BenchRequest) -> BenchRequest:
    """The request that ``spec`` makes of another one.

    Args:
        spec: a model's name, settings as ``key=value``, or both, with commas or spaces between. Keys are the names of
            the options, with ``-`` or ``_``; one that is on or off may stand alone, and ``no-`` before it turns it off.

    Raises:
        UnknownName: a key that is no setting.
        RequestError: a value that the setting does not take, two models, or nothing at all.
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
    return replace(request, **changes)


def _change(token: str) -> tuple[str, Any]:
    """The field of a request that one word of the spec sets, and its value."""
    key, equals, text = token.partition("=")
    name = key.strip("-").replace("-", "_")
    if not equals:
        flag = name.removeprefix("no_")
        if flag not in _FLAGS:
            return "model", token
        text, name = ("off" if name.startswith("no_") else "on"), flag
    if name not in _SETTINGS:
        raise UnknownName.of("setting", key, get_close_matches(name, _SETTINGS, n=3, cutoff=0.5) or _SETTINGS)
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
