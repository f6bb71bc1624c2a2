"""``explorer gallery``."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument

from explorer.cli.narrator import narrator
from explorer.cli.options import JsonOption, load
from explorer.cli.output import print_json, print_lines, report, write_file
from explorer.errors import ExplorerError, RequestError
from explorer.usecases.drawing import draw
from explorer.usecases.loading import worker

PICTURES = (
    ("overview.svg", None, "overview"),
    ("resnet34-calls.svg", "resnet34", "calls"),
    ("resnet-family.svg", "resnet", "family"),
    ("SEModule-uses.svg", "timm.layers.squeeze_excite:SEModule", "uses"),
    ("resnet34-architecture.svg", "resnet34", "architecture"),
    ("vit_base_patch16_224-architecture.svg", "vit_base_patch16_224", "architecture"),
    ("convnext_tiny-dataflow.svg", "convnext_tiny", "dataflow"),
)
"""File, target and view of each."""

APP = ("app.svg", "resnet34")
"""The terminal app's file, and the model it shows."""


def gallery(
    context: typer.Context,
    folder: Annotated[Path, Argument(metavar="DIR", help="Where the pictures go.")],
    json: JsonOption = False,
) -> None:
    """Draw the pictures that the README shows, into a folder.

    Each picture's file is printed when it is written; one that fails does not stop the rest.
    """
    if not folder.is_dir():
        raise RequestError(f"there is no folder {folder}", f"mkdir -p {folder}")
    written, failed = [], {}
    for name, drawn in _pictures(context):
        try:
            write_file(folder / name, drawn())
        except ExplorerError as error:
            failed[name] = error
            report(type(error)(f"{name}: {error.message}", error.hint))
        else:
            written.append(str(folder / name))
            if not json:
                print_lines([written[-1]])
    if json:
        print_json({"written": written, "failed": {name: error.to_dict() for name, error in failed.items()}})
    if failed:
        raise typer.Exit(ExplorerError.exit_code)


def _pictures(context: typer.Context) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Every picture's file, and what draws it."""
    graph = load(context, None)
    with worker() as client, narrator(at_once=False) as tell:

        def svg(target: str | None, view: str) -> bytes:
            return draw(target, view=view, client=client, graph=graph, emit=tell).render()

        for name, target, view in PICTURES:
            yield name, partial(svg, target, view)
    take_screenshot = context.obj.get("take_screenshot")
    if take_screenshot:
        yield APP[0], lambda: take_screenshot(APP[1]).encode()
