"""Options that several commands share, and the graph they act on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.output import notice

if TYPE_CHECKING:
    from explorer.graph import Graph, Node

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TimmOption = Annotated[
    Path | None,
    typer.Option("--timm", metavar="PATH", help="Read this timm (folder, wheel or sdist), not the installed one."),
]


def load(context: typer.Context, timm: Path | None) -> "Graph":
    """The graph of the timm asked for, at the command or before it; files that were skipped are named on stderr."""
    from explorer.introspect import load_graph

    graph = load_graph(timm or (context.obj or {}).get("timm"))
    for problem in graph.info.problems:
        place = f"{problem.file}:{problem.line}" if problem.line else problem.file
        notice(f"skipped timm/{place}: {problem.message}; the rest was read")
    return graph


def undeprecated(graph: "Graph", node: "Node") -> "Node":
    """What a deprecated name stands for, said so on stderr; any other node is returned as it is.

    Raises:
        RequestError: nothing stands behind the name any more.
    """
    from explorer.graph.names import current

    found = current(graph, node)
    if found is not node:
        notice(f"{node.name} is deprecated: timm maps it to {node.data['replaced_by']}")
    return found
