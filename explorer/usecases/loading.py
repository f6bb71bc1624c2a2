"""The graph that a use case answers from, and the worker that runs models for it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import RequestError
from explorer.graph import NodeKind
from explorer.introspect import Extra, find_extra, load_graph, source_files
from explorer.introspect.reading.versions import RANGE, is_newer
from explorer.queries.node_data import registration_of
from explorer.usecases.telling import Emit, quiet, tell

if TYPE_CHECKING:
    from explorer.engine.client import Client
    from explorer.graph import Graph

Source = str | Extra
"""Source of the user's own that registers models: as ``--with`` names it, or found before."""


def load(
    timm: Path | None = None, sources: Sequence[Source] = (), *, traces: bool = True, emit: Emit = quiet
) -> "Graph":
    """The graph of a timm and of source of the user's own, with a line for each file that could not be read.

    Args:
        timm: a folder, wheel or sdist of timm; the installed package when ``None``.
        sources: the user's own.
        traces: join what was seen at run time.
        emit: takes the lines.

    Raises:
        TimmNotFound: no timm is installed.
        TimmSourceError: there is no timm at the path given, or it is too old.
        RequestError: source of the user's own cannot be read, or two have the same name.
    """
    extras = find_sources(sources)
    graph = load_graph(timm, extras=extras, traces=traces)
    for line in [*untried(graph), *skipped_files(graph, extras), *untold(graph), *registering_nothing(graph, extras)]:
        tell(emit, line)
    return graph


def untried(graph: "Graph") -> list[str]:
    """A line where the timm is newer than those that explorer was tried with."""
    version = graph.info.timm_version
    return [f"timm {version} is newer than what explorer was tried with ({RANGE})"] if is_newer(version) else []


def untold(graph: "Graph") -> list[str]:
    """A line where the user's own source may register models that it does not tell."""
    places = [f"{each.file}:{each.line} ({each.message})" for each in graph.info.untold]
    if not places:
        return []
    count = "1 registration" if len(places) == 1 else f"{len(places)} registrations"
    more = f" and {len(places) - _MOST} more" if len(places) > _MOST else ""
    return [f"{count} cannot be told from source: {'; '.join(places[:_MOST])}{more}"]


_MOST = 3
"""Places that are named in a line."""


def registering_nothing(graph: "Graph", extras: Sequence[Extra]) -> list[str]:
    """A line for each source of the user's own that was read and registers no model."""
    found: set[str] = set()
    for node in graph.nodes(NodeKind.MODEL, NodeKind.ALIAS) if extras else ():
        registration = registration_of(node)
        places = (registration.module if registration else "", (node.file or "").removesuffix(".py").replace("/", "."))
        found.update(place.partition(".")[0] for place in places)
    found.update(problem.file.partition("/")[0].removesuffix(".py") for problem in graph.info.problems)
    mend = "timm's @register_model above a function makes it one"
    return [f"{path.name} registers no model ({mend})" for name, path in extras if name not in found]


def skipped_files(graph: "Graph", extras: Sequence[Extra] = ()) -> list[str]:
    """A line for each file that was left out of the graph, and why."""
    problems = graph.info.problems
    own = {name for extra in extras for name, _ in source_files(extra)} if problems else set()
    lines = []
    for problem in problems:
        place = f"{problem.file}:{problem.line}" if problem.line else problem.file
        folder = "" if problem.file in own else "timm/"
        lines.append(f"skipped {folder}{place}: {problem.message}; the rest was read")
    return lines


def find_sources(sources: Sequence[Source]) -> list[Extra]:
    """The user's own sources, each once.

    Raises:
        RequestError: one is no source, or two have the same name.
    """
    extras = list(dict.fromkeys(find_extra(source) if isinstance(source, str) else source for source in sources))
    paths: dict[str, Path] = {}
    for name, path in extras:
        if paths.setdefault(name, path) != path:
            raise RequestError(f"--with: {paths[name]} and {path} are both imported as {name}", "rename one")
    return extras


def for_worker(extras: Sequence[Extra]) -> tuple[tuple[str, str], ...]:
    """The user's own sources as a request to the worker names them."""
    return tuple((name, str(path)) for name, path in extras)


@contextmanager
def worker(client: "Client | None" = None) -> "Iterator[Client]":
    """A worker for a request: the one given, which stays, or a fresh one that is ended with the block."""
    if client is not None:
        yield client
        return
    # The engine is of no use to what only reads the graph.
    from explorer.engine.client import Client

    with Client() as own:
        yield own
