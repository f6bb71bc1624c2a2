"""Options that several commands share, and the graph they act on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.output import notice

if TYPE_CHECKING:
    from explorer.graph import Graph

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
