"""Which models a request is for: names and patterns, judged by timm's source before a worker is started for them."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property

from explorer.errors import ExplorerError, RequestError, TimmNotFound
from explorer.graph import Graph
from explorer.queries.model_arguments import check_arguments
from explorer.queries.model_list import list_models
from explorer.queries.names import find_model
from explorer.usecases.finding import nothing_matches
from explorer.usecases.loading import Source, find_sources, load

_WILDCARDS = frozenset("*?[")


def is_pattern(text: str) -> bool:
    """Whether it stands for all models that are like it, and is no name."""
    return ":" not in text and bool(_WILDCARDS & set(text))


class ModelNames:
    """Judges names and arguments of models by timm's source, before a worker spends seconds on importing torch.

    The graph is read when it is first needed, once. Names with a source (``hf-hub:``) are the worker's to judge, and so
    is every name where source of the user's own may register it, or on a machine that lacks what the graph needs.

    Args:
        sources: the user's own.
        graph: the graph of both; read where ``None``.
    """

    def __init__(self, sources: Sequence[Source] = (), graph: Graph | None = None) -> None:
        self.extras = find_sources(sources)
        self._given = graph

    @cached_property
    def _graph(self) -> Graph:
        return load(sources=self.extras) if self._given is None else self._given

    def check(self, name: str, arguments: Iterable[str] = ()) -> None:
        """Refuse a name that timm does not have, or arguments that the model does not take.

        Raises:
            UnknownName: there is no such model.
            RequestError: it takes no argument of one of these names; the hint has the closest.
        """
        if ":" in name or self.extras:
            return
        # Measuring needs neither a graph nor what it stands on, so their want is no reason to refuse a name here.
        with suppress(ImportError, TimmNotFound):
            model = find_model(self._graph, name)
            if names := list(arguments):
                check_arguments(self._graph, model, names)

    def check_some_take(self, names: Sequence[str], arguments: Iterable[str]) -> None:
        """Refuse arguments that none of the models takes.

        Raises:
            RequestError: of the first.
        """
        arguments = list(arguments)
        refused = []
        for name in names if arguments else ():
            try:
                self.check(name, arguments)
            except RequestError as error:
                refused.append(error)
        if refused and len(refused) == len(names):
            raise refused[0]

    def chosen(self, texts: Sequence[str], *, tags: bool) -> list[str]:
        """The models that names and patterns stand for, in their order, each once.

        Args:
            texts: names as timm takes them, or patterns with ``*``, ``?`` or ``[``, which stand for current
                architectures.
            tags: a pattern with a tag stands for weights, one by one.

        Raises:
            UnknownName: there is no such model.
            RequestError: a pattern matches nothing.
            ExplorerError: a pattern on a machine that lacks what the graph needs.
        """
        names: list[str] = []
        for text in texts:
            if is_pattern(text):
                names += self._matching(text, tags and "." in text)
            else:
                self.check(text)
                names.append(text)
        return list(dict.fromkeys(names))

    def _matching(self, pattern: str, tags: bool) -> list[str]:
        try:
            names = [entry.name for entry in list_models(self._graph, [pattern], include_tags=tags)]
            if not names:
                raise nothing_matches(self._graph, [pattern])
        except ImportError as error:
            raise ExplorerError(
                f"patterns need {error.name}, which is not installed", f"pip install {error.name}"
            ) from error
        return names


def registered_models(graph: Graph, patterns: Sequence[str]) -> list[str]:
    """Registered models that are like one of the patterns, deprecated names among them, but not those timm removed.

    Raises:
        RequestError: none is.
    """
    entries = list_models(graph, patterns, include_tags=False, deprecated=True)
    names = [entry.name for entry in entries if entry.replaced_by or not entry.deprecated]
    if not names:
        raise nothing_matches(graph, patterns)
    return names
