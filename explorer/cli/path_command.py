"""``explorer path``."""

from typing import Annotated

import typer

from explorer.cli.options import JsonOption, StaticOption, TimmOption, WithOption, load
from explorer.cli.output import print_json, print_table, tell_plainly
from explorer.usecases import reaching


def path(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="[FROM] TO", help="FROM is create_model when left out.")],
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
