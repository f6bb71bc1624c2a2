"""``explorer list`` and ``search``: what there is."""

from dataclasses import asdict
from typing import Annotated

import typer
from typer import Argument, Option

from explorer.cli.options import JsonOption, TimmOption, WithOption, load
from explorer.cli.output import print_json, print_lines, print_table
from explorer.errors import RequestError
from explorer.queries.node_data import home_of
from explorer.usecases import finding


def list_models(
    context: typer.Context,
    patterns: Annotated[
        list[str] | None, Argument(metavar="[PATTERN]...", help="Shell wildcards, as timm.list_models takes them.")
    ] = None,
    family: Annotated[list[str] | None, Option("--family", "-f", help="Only this family (repeatable).")] = None,
    exclude: Annotated[list[str] | None, Option("--exclude", "-x", help="Leave out what matches (repeatable).")] = None,
    pretrained: Annotated[bool, Option("--pretrained", "-p", help="Only what has weights.")] = False,
    tags: Annotated[
        bool | None, Option("--tags/--no-tags", help="List arch.tag names; on with --pretrained, as in timm.")
    ] = None,
    deprecated: Annotated[bool, Option("--deprecated", help="Only deprecated names.")] = False,
    everything: Annotated[bool, Option("--all", "-a", help="Current and deprecated names.")] = False,
    long: Annotated[bool, Option("--long", "-l", help="With family, tags and what replaces a name.")] = False,
    json: JsonOption = False,
    timm: TimmOption = None,
    extra: WithOption = None,
) -> None:
    """List models, with timm's own pattern rules."""
    graph = load(context, timm, extra)
    entries = finding.list_models(
        *(patterns or ()),
        exclude=exclude or (),
        family=family or (),
        pretrained=pretrained,
        tags=tags,
        deprecated=deprecated or everything,
        current=everything or not deprecated,
        graph=graph,
    )
    if json:
        print_json([asdict(entry) for entry in entries])
    elif long and entries:
        rows = []
        for entry in entries:
            tags_shown = ", ".join(tag for tag in entry.tags if tag)
            replaced_by = (entry.replaced_by or "removed") if entry.deprecated else ""
            rows.append((entry.name, entry.family, tags_shown, replaced_by))
        print_table(("name", "family", "tags", "replaced by"), rows)
    else:
        print_lines([entry.name for entry in entries])
    if not entries:
        raise finding.nothing_matches(graph, patterns or ())


def search(
    context: typer.Context,
    text: Annotated[list[str], Argument(metavar="TEXT", help="What to look for; spelling need not be exact.")],
    kind: Annotated[
        list[str] | None, Option("--kind", "-k", help="Only this kind of node (repeatable): model, class, ...")
    ] = None,
    limit: Annotated[int, Option("--limit", "-n", min=1, help="How many at the most.")] = 20,
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
