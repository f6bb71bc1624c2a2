"""``explorer inspect``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.arguments import SetOption, check_model_arguments, parsed_arguments
from explorer.cli.names import check_name, is_pattern
from explorer.cli.narrator import narrator
from explorer.cli.options import JsonOption, WithOption, find_extras, nothing_matches
from explorer.cli.output import check_place, narrate, print_json, write_file
from explorer.errors import RequestError

if TYPE_CHECKING:
    from explorer.introspect.reading.source import Extra
    from explorer.protocol import InspectRequest, InspectResult

_OWN = "the model's own"


def inspect(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="A model, as timm takes it; several, or a pattern, for their totals."),
    ] = None,
    img_size: Annotated[
        int | None, typer.Option(help="Height and width of the input in pixels.", show_default=_OWN)
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Images in the batch whose shapes are shown.")] = 1,
    in_chans: Annotated[int | None, typer.Option(help="Channels of the input.", show_default=_OWN)] = None,
    num_classes: Annotated[
        int | None, typer.Option(help="Outputs of the classifier; 0: none.", show_default=_OWN)
    ] = None,
    features_only: Annotated[bool, typer.Option("--features-only", help="The feature extractor made of it.")] = False,
    reparam: Annotated[bool, typer.Option("--reparam", help="Branches fused, as it is deployed.")] = False,
    arguments: SetOption = None,
    extra: WithOption = None,
    depth: Annotated[
        int | None, typer.Option(min=0, help="Levels of layers to show.", show_default="what fits a screen")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Show every layer, repeats and all.")] = False,
    sort: Annotated[
        str | None, typer.Option(metavar="FIELD", help="One flat list, greatest first: params, macs, activations...")
    ] = None,
    like: Annotated[
        str | None, typer.Option("--filter", metavar="TEXT", help="Only layers whose name or class is like this.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="The totals of every model; a pattern narrows it.")] = False,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A row a layer; of several models a row each, added to what FILE has."),
    ] = None,
    json: JsonOption = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of --json.")] = False,
) -> None:
    """Show what a model is made of: layers, shapes, parameters, MACs, activations.

    Runs in a process of its own, without weights and mostly without memory for them. MACs are multiply-accumulates of
    one image. --full opens what is folded, --sort and --filter give a flat list.
    """
    from explorer.protocol import InspectRequest

    if schema:
        from explorer.results.schema import load

        print_json(load("inspect"))
        return
    view = _View(depth, full, sort, like, csv, json)
    several = everything or len(names or ()) > 1 or any(map(is_pattern, names or ()))
    _check_together(names or [], view, several)
    extras = find_extras(context, extra)
    wish = InspectRequest(
        (names or ["every model"])[0],
        batch_size,
        img_size,
        in_chans,
        num_classes,
        features_only,
        reparam,
        parsed_arguments(arguments),
        totals_only=several,
        extra=tuple((name, str(path)) for name, path in extras),
    )
    if several:
        from explorer.cli.inspect_many import inspect_many

        inspect_many(_chosen(names or [], everything, extras), wish, csv=csv, json=json)
    else:
        _inspect_one(wish, view)


class _View:
    """How a model is shown."""

    def __init__(
        self, depth: int | None, full: bool, sort: str | None, like: str | None, csv: Path | None, json: bool
    ) -> None:
        self.depth = depth
        self.full = full
        self.sort = sort
        self.like = like
        self.csv = csv
        self.json = json

    @property
    def is_flat(self) -> bool:
        return self.sort is not None or self.like is not None


def _check_together(names: Sequence[str], view: _View, several: bool) -> None:
    """Refuse options that say nothing together, before any work is done."""
    if not names and not several:
        raise RequestError("no model to inspect", "explorer inspect NAME, or --all")
    if view.json and view.csv:
        raise RequestError("--json and --csv are two forms of one thing", "leave one of the two out")
    if several and (view.is_flat or view.full or view.depth is not None):
        raise RequestError("--depth, --full, --sort and --filter are for one model", "name one")
    if view.is_flat and view.depth is not None:
        raise RequestError("--depth opens the tree, --sort and --filter give a flat list", "leave one of them out")
    if view.csv:
        check_place(view.csv)


def _chosen(texts: Sequence[str], everything: bool, extras: "Sequence[Extra]") -> list[str]:
    """The models that names and patterns stand for, in their order, each once; patterns mean current names alone.

    Raises:
        RequestError: a pattern matches nothing, or a name stands with ``--all``.
        UnknownName: there is no such model.
    """
    from explorer.introspect import load_graph
    from explorer.queries.model_list import list_models

    graph = load_graph(extras=extras)
    for name in texts if everything else ():
        if not is_pattern(name):
            raise RequestError(f"--all takes patterns, not the name {name!r}", "leave one of the two out")
    chosen: list[str] = []
    for text in texts or ["*"]:
        if is_pattern(text):
            found = [entry.name for entry in list_models(graph, [text], include_tags=False)]
            if not found:
                raise nothing_matches(graph, [text])
            chosen += found
        else:
            if not extras:
                check_name(text)
            chosen.append(text)
    return list(dict.fromkeys(chosen))


# one model


def _inspect_one(wish: "InspectRequest", view: _View) -> None:
    from explorer.engine.client import Client
    from explorer.report.layer_tree import check_sort

    check_sort(view.sort)
    if not wish.extra:
        check_name(wish.model)
        check_model_arguments(wish.model, wish.args)
    with Client() as client, narrator() as tell:
        result = client.run(wish, tell)
    _show(result, view)


def _show(result: "InspectResult", view: _View) -> None:
    from explorer.report.inspect_csv import layers_csv

    if view.json:
        print_json(result.to_json())
    elif view.csv:
        write_file(view.csv, layers_csv(result.layers).encode())
        if str(view.csv) != "-":
            narrate(f"{len(result.layers):,} layers written to {view.csv}")
    else:
        _print(result, view)


def _print(result: "InspectResult", view: _View) -> None:
    from explorer.cli.layer_table import print_layers, print_summary
    from explorer.report.layer_tree import flat_rows, tree_rows

    if view.is_flat:
        rows = flat_rows(result.layers, sort=view.sort, text=view.like)
    else:
        options: dict[str, Any] = {"fold": False, "idle": True} if view.full else {}
        depth = max(layer.name.count(".") + 1 for layer in result.layers) if view.full else view.depth
        rows = tree_rows(result.layers, depth=view.depth if view.depth is not None else depth, **options)
    print_layers(result, rows, tree=not view.is_flat)
    print_summary(result)
    if not view.is_flat and len(rows) < len(result.layers):
        narrate(f"{len(result.layers):,} layers in {len(rows)} rows: --depth N opens more, --full all")
        if any(row.count > 1 for row in rows):
            narrate("the figures of a row with ×N are those of one of them")
