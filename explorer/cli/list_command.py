"""``explorer list``."""

from dataclasses import asdict
from typing import Annotated

import typer

from explorer.cli.options import JsonOption, TimmOption, WithOption, load
from explorer.cli.output import print_json, print_lines, print_table
from explorer.usecases import finding
from explorer.usecases.resolving import nothing_matches


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
        raise nothing_matches(graph, patterns or ())
