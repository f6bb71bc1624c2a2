"""What a model of the user's own does not do as timm or explorer asks of it, and the mend.

Such a model runs in plain torch, so that an error's own words say nothing of who called it with what.
"""

import inspect
import re
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import timm
from timm.models import is_model, model_entrypoint
from torch import nn

from explorer.errors import EngineError, words_of

_FORCED = ("pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir")
"""What ``timm.create_model`` hands every entrypoint."""

_GIVEN = "timm hands every entrypoint pretrained_cfg, pretrained_cfg_overlay and cache_dir"
_REFUSED = re.compile(r"(\S+)\(\) got (?:an unexpected keyword|multiple values for(?: keyword)?) argument '(\w+)'")
_MISSING = re.compile(r"(\S+)\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.+)")


def entrypoint_failure(name: str, error: BaseException) -> EngineError | None:
    """The error that names the mend, where the model or its entrypoint cannot be called as it has to be; else ``None``.

    Args:
        name: the model's, as timm has it.
        error: what creating or running it raised.
    """
    for frame in list(_frames(error))[-1:]:
        if frame.f_code is inspect.unwrap(timm.create_model).__code__ and "model" in frame.f_locals:
            return not_a_model(name, frame.f_locals["model"])
    if not isinstance(error, TypeError):
        return None
    entrypoint = _entrypoint(name)
    known = getattr(entrypoint, "__qualname__", "")
    if (refused := _REFUSED.search(words_of(error))) and refused[2] in _FORCED:
        return _refused(name, refused[2], None if refused[1] == known else refused[1])
    if missing := _MISSING.search(words_of(error)):
        return _missing(name, missing[1], re.findall(r"'(\w+)'", missing[2]), known, error)
    return None


def not_a_model(name: str, value: Any) -> EngineError | None:
    """The error of an entrypoint that returned this; ``None`` where it is a model."""
    if isinstance(value, nn.Module):
        return None
    what = "nothing" if value is None else f"a {type(value).__name__}"
    return EngineError(f"the entrypoint of {name} returns {what}", "it has to return the model, a torch.nn.Module")


def _entrypoint(name: str) -> Callable[..., Any] | None:
    """The function registered for a name, without its tag; of a name with a source none is known."""
    arch = name.partition(".")[0]
    return model_entrypoint(arch) if ":" not in name and is_model(arch) else None


def names_argument(name: str, argument: str, error: BaseException) -> bool:
    """Whether the entrypoint, or the class of the model that raised the error, names such an argument."""
    model = _running(error)
    return argument in _parameters(_entrypoint(name)) or argument in _parameters(model and type(model).__init__)


def _parameters(function: Callable[..., Any] | None) -> dict[str, inspect.Parameter]:
    try:
        return {} if function is None else dict(inspect.signature(function, follow_wrapped=False).parameters)
    except (TypeError, ValueError):
        return {}


def _refused(name: str, argument: str, function: str | None) -> EngineError:
    """``function`` did not take what timm hands on, the entrypoint itself where it is ``None``."""
    if function is None:
        mend = f"{_GIVEN}: it has to be `def {name.partition('.')[0]}(pretrained=False, **kwargs)`"
        return EngineError(f"the entrypoint of {name} takes no {argument}", mend)
    mend = f"{_GIVEN}: pop them from its kwargs, or build the model by timm.models.build_model_with_cfg"
    return EngineError(f"the entrypoint of {name} hands {argument} on to {function}(), which does not take it", mend)


def _missing(name: str, function: str, arguments: list[str], known: str, error: BaseException) -> EngineError | None:
    if function == known:
        wanted = " ".join(f"--set {argument}=VALUE" for argument in arguments)
        return EngineError(f"the entrypoint of {name} has no default for {', '.join(arguments)}", wanted)
    model = _running(error)
    if model is None or function != getattr(type(model).forward, "__qualname__", ""):
        return None
    _, *rest = _parameters(type(model).forward).values()
    inputs = [p.name for p in rest if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    mend = "explorer runs models of one image alone: give the others defaults, or register one that makes them itself"
    return EngineError(f"{name} takes several inputs: {', '.join(inputs)}", mend)


def _running(error: BaseException) -> nn.Module | None:
    """The outermost module that was called when it was raised."""
    for frame in _frames(error):
        module = frame.f_locals.get("self")
        if isinstance(module, nn.Module) and frame.f_code.co_name.endswith("_call_impl"):
            return module
    return None


def _frames(error: BaseException) -> Iterator[FrameType]:
    return (frame for frame, _ in traceback.walk_tb(error.__traceback__))
