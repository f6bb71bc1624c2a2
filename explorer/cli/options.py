"""Options that several commands share, the structs they are collected in, and the graph they name."""

import ast
import json
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, signature
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from explorer.cli.output import tell_plainly
from explorer.engine.timeout import TIMEOUT, TIMEOUT_SECONDS
from explorer.errors import RequestError

if TYPE_CHECKING:
    from explorer.graph import Graph
    from explorer.introspect import Extra

JsonOption = Annotated[bool, Option("--json", help="Print JSON.")]
TimmOption = Annotated[
    Path | None,
    Option("--timm", metavar="PATH", help="Read this timm (folder, wheel or sdist), not the installed one."),
]
WithOption = Annotated[
    list[str] | None,
    Option("--with", metavar="SOURCE", help="Your own models: a file, folder or package (repeatable)."),
]


def _wait_for(seconds: float) -> float:
    if not isfinite(seconds):
        raise RequestError("--timeout takes seconds", "--timeout 86400 waits a day")
    TIMEOUT.set(seconds)
    return seconds


TimeoutOption = Annotated[
    float,
    Option(
        "--timeout",
        metavar="SECONDS",
        min=1,
        callback=_wait_for,
        help="End a model that runs without a word for so long.",
    ),
]
StaticOption = Annotated[
    bool, Option("--static", help="Leave out what was seen at run time: what the source says, alone.")
]
_OWN = "the model's own"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """How a model is built, on every command line that builds one."""

    img_size: Annotated[int | None, Option(help="Height and width of the input in pixels.", show_default=_OWN)] = None
    in_chans: Annotated[int | None, Option(help="Channels of the input.", show_default=_OWN)] = None
    num_classes: Annotated[int | None, Option(help="Outputs of the classifier; 0: none.", show_default=_OWN)] = None
    reparam: Annotated[
        bool, Option("--reparam", help="Fuse the branches of models that can, as they are deployed.")
    ] = False
    arguments: Annotated[
        list[str] | None,
        Option("--set", metavar="KEY=VALUE", help="An argument of the model, as create_model takes it (repeatable)."),
    ] = None
    timeout: TimeoutOption = TIMEOUT_SECONDS

    def building(self) -> dict[str, Any]:
        """The options as a request to the worker names them.

        Raises:
            RequestError: ``--set`` is no ``key=value``.
        """
        given = {option.name: getattr(self, option.name) for option in fields(self)}
        given["args"] = parsed_arguments(given.pop("arguments"))
        del given["timeout"]  # which the worker's client is told
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions(BuildOptions):
    """The same of a model that is run once, which may be its feature extractor."""

    features_only: Annotated[bool, Option("--features-only", help="The feature extractor made of it.")] = False


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """Have typer see each field of the structs that a command takes as an option of its own.

    The command itself gets the structs: a parameter whose type is a dataclass is filled with the fields' values.
    """
    parameters = signature(command).parameters.values()
    structs: dict[str, Any] = {p.name: p.annotation for p in parameters if is_dataclass(p.annotation)}
    shown: dict[str, Parameter] = {}
    for name, parameter in signature(command).parameters.items():
        if name not in structs:
            shown[name] = parameter.replace(kind=Parameter.KEYWORD_ONLY)
            continue
        for option in fields(structs[name]):
            default = Parameter.empty if option.default is MISSING else option.default
            shown[option.name] = Parameter(option.name, Parameter.KEYWORD_ONLY, default=default, annotation=option.type)

    @wraps(command)
    def spread_command(**given: Any) -> None:
        for name, struct in structs.items():
            given[name] = struct(**{option.name: given.pop(option.name) for option in fields(struct)})
        command(**given)

    # typer reads the signature for the options and the annotations for their types.
    spread_command.__signature__ = signature(command).replace(parameters=list(shown.values()))  # type: ignore[attr-defined]
    spread_command.__annotations__ = {name: parameter.annotation for name, parameter in shown.items()}
    return spread_command


def parsed_arguments(texts: Sequence[str] | None) -> dict[str, Any]:
    """Arguments of a model by name; a value is a Python literal where it can be read as one, else text.

    Raises:
        RequestError: one is no ``key=value``, stands twice, or is a value that JSON cannot hold.
    """
    found: dict[str, Any] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name.isidentifier():
            raise RequestError(f"--set takes KEY=VALUE, not {text!r}", "--set drop_path_rate=0.1 --set act_layer=silu")
        if name in found:
            raise RequestError(f"--set {name} stands twice", "each argument once")
        found[name] = _value(name, value)
    return found


def _value(name: str, text: str) -> Any:
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RequestError(f"--set {name}: {text} is no value that can be handed on", "numbers, text, lists") from error
    return value


# what stands before the command


def load(
    context: typer.Context, timm: Path | None, sources: Sequence[str] | None = None, *, traces: bool = True
) -> "Graph":
    """The graph of the timm asked for, at the command or before it; files that were skipped are named on stderr.

    Args:
        context: what stands before the command.
        timm: as ``--timm`` has it.
        sources: the user's own, as ``--with`` has them.
        traces: join what was seen at run time.
    """
    from explorer.usecases import loading  # which the help and the results do not need and should not wait for

    extras = find_extras(context, sources)
    return loading.load(timm or timm_before(context), extras, traces=traces, emit=tell_plainly)


def running_refused(what: str) -> RequestError:
    """Why a command or view that runs models does not take ``--timm``."""
    return RequestError(
        f"--timm only reads source; {what} runs the timm that is installed",
        "leave --timm out, or install that timm: uv run --with timm==VERSION explorer ...",
    )


def timm_before(context: typer.Context) -> Path | None:
    """``--timm`` as it stands before the command."""
    timm: Path | None = (context.obj or {}).get("timm")
    return timm


def find_extras(context: typer.Context, sources: Sequence[str] | None) -> "list[Extra]":
    """The user's own sources, those named before the command first, each once.

    Raises:
        RequestError: one is no source, or two have the same name.
    """
    from explorer.usecases.loading import find_sources

    return find_sources([*(context.obj or {}).get("with", ()), *(sources or ())])
