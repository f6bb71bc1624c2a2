"""Model names, judged before a worker is started for them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from explorer.errors import ExplorerError, TimmNotFound

if TYPE_CHECKING:
    from explorer.graph import Graph
    from explorer.introspect.reading.source import Extra

_WILDCARDS = frozenset("*?[")


def check_name(name: str) -> None:
    """Refuse an unknown name at once, from timm's source, before the worker spends seconds on importing torch.

    Names with a source are the worker's to judge, and so is every name on a machine that lacks what the graph needs.
    """
    if ":" in name:
        return
    with suppress(ImportError, TimmNotFound):
        from explorer.introspect import load_graph
        from explorer.queries.names import find_model

        find_model(load_graph(), name)


def chosen_models(texts: Sequence[str], extras: "Sequence[Extra]" = ()) -> list[str]:
    """The models that names and patterns stand for, in their order, each once; names are judged.

    Args:
        texts: names as timm takes them, or patterns with ``*``, ``?`` or ``[``, which stand for architectures.
        extras: source of the user's own; what it registers only the worker can judge.

    Raises:
        UnknownName: there is no such model.
        RequestError: a pattern matches nothing.
        ExplorerError: a pattern on a machine that lacks what the graph needs.
    """
    names: list[str] = []
    for text in texts:
        if is_pattern(text):
            names += _matching(text, extras)
        else:
            if not extras:
                check_name(text)
            names.append(text)
    return list(dict.fromkeys(names))


def is_pattern(text: str) -> bool:
    """Whether it stands for all models that are like it, and is no name."""
    return ":" not in text and bool(_WILDCARDS & set(text))


def _matching(pattern: str, extras: "Sequence[Extra]") -> list[str]:
    """Current models that are like a pattern; their weights one by one where the pattern has a tag."""
    from explorer.cli.options import nothing_matches

    try:
        from explorer.introspect import load_graph
        from explorer.queries.model_list import list_models

        graph = load_graph(extras=extras)
        names = [entry.name for entry in list_models(graph, [pattern], include_tags="." in pattern)]
        if not names:
            raise nothing_matches(graph, [pattern])
    except ImportError as error:
        raise ExplorerError(
            f"patterns need {error.name}, which is not installed", f"pip install {error.name}"
        ) from error
    return names


def model_names(graph: "Graph", patterns: Sequence[str]) -> list[str]:
    """Registered models that are like one of the patterns, deprecated names among them, but not those timm removed.

    Raises:
        RequestError: none is.
    """
    from explorer.cli.options import nothing_matches
    from explorer.queries.model_list import list_models

    entries = list_models(graph, patterns, include_tags=False, deprecated=True)
    names = [entry.name for entry in entries if entry.replaced_by or not entry.deprecated]
    if not names:
        raise nothing_matches(graph, patterns)
    return names
