"""``explorer list``."""

from typing import Annotated

import typer

from explorer.cli.options import JsonOption, TimmOption, WithOption, load, nothing_matches
from explorer.cli.output import print_json, print_lines, print_table
from explorer.errors import UnknownName


def list_models(
    context: typer.Context,
    patterns: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATTERN]...", help="Shell wildcards, as timm.list_models takes them."),
    ] = None,
    family: Annotated[list[str] | None, typer.Option("--family", "-f", help="Only this family (repeatable).")] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", "-x", help="Leave out what matches (repeatable).")
    ] = None,
    pretrained: Annotated[bool, typer.Option("--pretrained", "-p", help="Only what has weights.")] = False,
    tags: Annotated[
        bool | None,
        typer.Option("--tags/--no-tags", help="List arch.tag names; on with --pretrained, as in timm."),
    ] = None,
    deprecated: Annotated[bool, typer.Option("--deprecated", help="Only deprecated names.")] = False,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Current and deprecated names.")] = False,
    long: Annotated[bool, typer.Option("--long", "-l", help="With family, tags and what replaces a name.")] = False,
    json: JsonOption = False,
    timm: TimmOption = None,
    extra: WithOption = None,
) -> None:
    """List models, with timm's own pattern rules."""
    from dataclasses import asdict

    from explorer.graph.fuzzy import closest
    from explorer.queries import model_list

    graph = load(context, timm, extra)
    known = model_list.families(graph)
    for name in family or ():
        if name not in known:
            raise UnknownName.of("family", name, closest(name, known))
    entries = model_list.list_models(
        graph,
        patterns or (),
        exclude=exclude or (),
        families=family or (),
        pretrained=pretrained,
        include_tags=tags,
        deprecated=deprecated or everything,
        current=everything or not deprecated,
    )
    if json:
        print_json([asdict(entry) for entry in entries])
    elif long and entries:
        rows = [
            (
                e.name,
                e.family,
                ", ".join(t for t in e.tags if t),
                (e.replaced_by or "removed") if e.deprecated else "",
            )
            for e in entries
        ]
        print_table(("name", "family", "tags", "replaced by"), rows)
    else:
        print_lines([entry.name for entry in entries])
    if not entries:
        raise nothing_matches(graph, patterns or ())
