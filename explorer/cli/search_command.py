"""``explorer search``."""

from typing import Annotated

import typer

from explorer.cli.options import JsonOption, TimmOption, WithOption, load
from explorer.cli.output import print_json, print_table
from explorer.errors import RequestError
from explorer.queries.node_data import home_of
from explorer.usecases import finding


def search(
    context: typer.Context,
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="What to look for; spelling need not be exact.")],
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", "-k", help="Only this kind of node (repeatable): model, class, ..."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at the most.")] = 20,
    json: JsonOption = False,
    timm: TimmOption = None,
    extra: WithOption = None,
) -> None:
    """Find anything by a name like this one.

    Looks at models, weights, deprecated names, modules, classes, functions and what timm uses from elsewhere.
    """
    finding.check_kinds(kind or ())
    query = " ".join(text)
    hits = finding.search(query, kinds=kind or (), limit=limit, graph=load(context, timm, extra))
    if json:
        fields = ("id", "kind", "name", "file", "line")
        print_json([{**{f: getattr(hit.node, f) for f in fields}, "score": hit.score} for hit in hits])
    elif hits:
        rows = [(str(h.node.kind), h.node.name, home_of(h.node)) for h in hits]
        print_table(("kind", "name", "where"), rows)
    if not hits:
        raise RequestError(f"nothing is like {query!r}", "try fewer letters")
