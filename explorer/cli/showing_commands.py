"""``explorer show`` and ``path``: what one thing is, and how it is reached."""

from typing import Annotated, Any

import typer
from typer import Argument

from explorer.cli.options import JsonOption, StaticOption, TimmOption, WithOption, load
from explorer.cli.output import print_facts, print_json, print_lines, print_table, tell_plainly
from explorer.report.wording import in_words
from explorer.usecases import reaching, showing

_MOST = 12
"""So many items of a list are printed; a page is to be read, and JSON has all."""


def show(
    context: typer.Context,
    name: Annotated[str, Argument(help="A model, arch.tag, deprecated name, module, class or function.")],
    static: StaticOption = False,
    json: JsonOption = False,
    timm: TimmOption = None,
    extra: WithOption = None,
) -> None:
    """Show all that is known of one thing, on a page."""
    record = showing.show(name, graph=load(context, timm, extra, traces=not static), emit=tell_plainly)
    if json:
        print_json(record)
    else:
        _print_page(record)


def _print_page(record: dict[str, Any]) -> None:
    """Short facts first, then the pretrained cfg, then lists, then the docstring."""
    record = dict(record)
    print_lines([f"{record.pop('kind')} {record.pop('name')}", ""])
    doc, cfg = record.pop("doc", None), record.pop("cfg", None)
    if record.get("file"):
        folder = "timm/" if record["source_url"] else ""
        record["file"] = f"{folder}{record['file']}:{record.pop('line')}-{record.pop('end_line')}"
    lists = {k: record.pop(k) for k in list(record) if isinstance(record[k], list) and len(record[k]) > 1}
    print_facts([(k.replace("_", " "), in_words(v)) for k, v in record.items() if v not in (None, [], "")])
    if cfg:
        print_lines(["", "pretrained cfg"])
        print_facts([(f"  {k}", in_words(v)) for k, v in cfg.items() if v not in (None, "")])
    for title, items in lists.items():
        more = [f"  … and {len(items) - _MOST} more (--json has all)"] if len(items) > _MOST else []
        print_lines(["", f"{title.replace('_', ' ')} ({len(items)})", *(f"  {i}" for i in items[:_MOST]), *more])
    if doc:
        print_lines(["", *doc.expandtabs().splitlines()])


def path(
    context: typer.Context,
    names: Annotated[list[str], Argument(metavar="[FROM] TO", help="FROM is create_model when left out.")],
    static: StaticOption = False,
    json: JsonOption = False,
    timm: TimmOption = None,
    extra: WithOption = None,
) -> None:
    """Show how one thing reaches another.

    The shortest chain of calls, with the registry's dispatch on the way; of other relations where no calls lead there.
    """
    reaching.check_ends(names)
    way = reaching.path(*names, graph=load(context, timm, extra, traces=not static), emit=tell_plainly)
    if json:
        print_json(way.to_json())
    else:
        print_table(("how", "reaches", "at"), [(stop.how, stop.id, stop.place) for stop in way.stops])
