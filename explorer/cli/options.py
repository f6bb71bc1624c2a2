"""Options that several commands share, and the graph they act on."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.output import notice
from explorer.errors import RequestError

if TYPE_CHECKING:
    from explorer.graph import Graph, Node
    from explorer.introspect.reading.source import Extra

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TimmOption = Annotated[
    Path | None,
    typer.Option("--timm", metavar="PATH", help="Read this timm (folder, wheel or sdist), not the installed one."),
]
WithOption = Annotated[
    list[str] | None,
    typer.Option("--with", metavar="SOURCE", help="Your own models: a file, folder or package (repeatable)."),
]
StaticOption = Annotated[
    bool, typer.Option("--static", help="Leave out what was seen at run time: what the source says, alone.")
]


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
    from explorer.introspect import load_graph

    extras = find_extras(context, sources)
    graph = load_graph(timm or timm_before(context), extras=extras, traces=traces)
    own = own_files(extras) if graph.info.problems else set()
    for problem in graph.info.problems:
        place = f"{problem.file}:{problem.line}" if problem.line else problem.file
        folder = "" if problem.file in own else "timm/"
        notice(f"skipped {folder}{place}: {problem.message}; the rest was read")
    return graph


def timm_before(context: typer.Context) -> Path | None:
    """``--timm`` as it stands before the command."""
    timm: Path | None = _before(context).get("timm")
    return timm


def find_extras(context: typer.Context, sources: Sequence[str] | None) -> "list[Extra]":
    """The user's own sources, those named before the command first, each once.

    Raises:
        RequestError: one is no source, or two have the same name.
    """
    named = [*_before(context).get("with", ()), *(sources or ())]
    if not named:
        return []
    from explorer.introspect.reading.source import find_extra

    extras = list(dict.fromkeys(find_extra(text) for text in named))
    paths: dict[str, Path] = {}
    for name, path in extras:
        if paths.setdefault(name, path) != path:
            raise RequestError(f"--with: {paths[name]} and {path} are both imported as {name}", "rename one")
    return extras


def own_files(extras: "Sequence[Extra]") -> set[str]:
    """The files of the user's own sources, as nodes and problems name them."""
    from explorer.introspect.reading.source import source_files

    return {name for extra in extras for name, _ in source_files(extra)}


def _before(context: typer.Context) -> dict[str, Any]:
    return context.obj or {}


def undeprecated(graph: "Graph", node: "Node") -> "Node":
    """What a deprecated name stands for, said so on stderr; any other node is returned as it is.

    Raises:
        RequestError: nothing stands behind the name any more.
    """
    from explorer.queries.names import current
    from explorer.queries.node_data import AliasData

    found = current(graph, node)
    if found is not node:
        notice(f"{node.name} is deprecated: timm maps it to {AliasData.of(node).replaced_by}")
    return found


def nothing_matches(graph: "Graph", patterns: Sequence[str]) -> RequestError:
    """The error for patterns that no model's name is like, with the names that are closest."""
    from explorer.graph.fuzzy import closest
    from explorer.queries.model_list import list_models

    names = [entry.name for entry in list_models(graph, deprecated=True)]
    near = dict.fromkeys(name for pattern in patterns for name in closest(pattern.strip("*?"), names))
    return RequestError(
        f"nothing matches {' '.join(patterns) or 'these filters'}",
        f"closest: {', '.join(near)}" if near else "`explorer list` shows all; quote wildcards",
    )
