"""``explorer search``."""

from typing import Annotated

import typer

from explorer.cli.options import JsonOption, TimmOption, WithOption, load
from explorer.cli.output import print_json, print_table
from explorer.errors import RequestError


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
    from explorer.graph import NodeKind
    from explorer.queries.names import search as search_names
    from explorer.queries.node_data import home_of

    for name in kind or ():
        if name not in set(NodeKind):
            raise RequestError(f"no kind of node {name!r}", f"one of: {', '.join(NodeKind)}")
    query = " ".join(text)
    hits = search_names(load(context, timm, extra), query, [NodeKind(k) for k in kind or ()], limit)
    if json:
        fields = ("id", "kind", "name", "file", "line")
        print_json([{**{f: getattr(hit.node, f) for f in fields}, "score": hit.score} for hit in hits])
    else:
        rows = [(str(h.node.kind), h.node.name, home_of(h.node)) for h in hits]
        if hits:
            print_table(("kind", "name", "where"), rows)
    if not hits:
        raise RequestError(f"nothing is like {query!r}", "try fewer letters")
