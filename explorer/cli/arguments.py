"""``--set key=value``: arguments of a model, judged before a worker is started for it."""

import ast
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer

from explorer.errors import RequestError, TimmNotFound

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="An argument of the model, as create_model takes it (repeatable)."),
]


def parsed_arguments(texts: Sequence[str] | None) -> dict[str, Any]:
    """The arguments by name; a value is a Python literal where it can be read as one, else text.

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


def check_model_arguments(model: str, names: Iterable[str]) -> None:
    """Refuse arguments that a model does not take, from timm's source, before the worker spends seconds on torch.

    Names with a source are the worker's to judge, and so is every name on a machine that lacks what the graph needs.

    Raises:
        RequestError: it takes no argument of one of these names; the hint has the closest.
        UnknownName: there is no such model.
    """
    names = list(names)
    if ":" in model or not names:
        return
    with suppress(ImportError, TimmNotFound):
        from explorer.introspect import load_graph
        from explorer.queries.model_arguments import check_arguments
        from explorer.queries.names import find_model

        graph = load_graph()
        check_arguments(graph, find_model(graph, model), names)
