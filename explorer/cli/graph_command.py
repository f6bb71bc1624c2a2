"""``explorer graph``."""

import sys
from collections.abc import Callable
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated

import typer
from typer import Argument, Option

from explorer.cli.options import (
    JsonOption,
    RunOptions,
    StaticOption,
    TimmOption,
    WithOption,
    find_extras,
    load,
    running_refused,
    spread,
    timm_before,
)
from explorer.cli.output import check_place, on_terminal, print_json, print_lines, tell_plainly, write_file
from explorer.diagram import BINARY, DATA, LAID_OUT, GraphvizProcess, Picture, format_of
from explorer.errors import OutputError, RequestError
from explorer.usecases import drawing
from explorer.usecases.drawing import ALL, RUNNING, VIEWS, PictureWish

_STDOUT = Path("-")


@spread
def graph(
    context: typer.Context,
    target: Annotated[
        str | None,
        Argument(metavar="[TARGET]", help="A model, arch.tag, deprecated name, family, module, class or function."),
    ] = None,
    *,
    view: Annotated[
        str | None, Option(metavar="VIEW", help=f"{', '.join(VIEWS)}.", show_default="what suits the target")
    ] = None,
    output: Annotated[
        Path | None,
        Option(
            "--output", "-o", metavar="FILE", help=".svg .png .pdf .html .dot .mmd .json .graphml .gexf; - is stdout."
        ),
    ] = None,
    fmt: Annotated[
        str | None, Option("--format", "-F", help="When FILE's ending is not it; stdout without -o.")
    ] = None,
    open_it: Annotated[bool, Option("--open", help="Open it when it is drawn; as .html without -o.")] = False,
    depth: Annotated[int | None, Option("--depth", "--down", min=1, help="Steps to follow down.")] = None,
    up: Annotated[
        int | None, Option(min=0, help="Steps to follow up: callers, base classes, importers.", show_default="1")
    ] = None,
    nodes: Annotated[int | None, Option(min=2, max=400, help="Boxes there is room for; data has all.")] = None,
    level: Annotated[str | None, Option(help="With dataflow: module or operator.", show_default="module")] = None,
    shade: Annotated[str | None, Option(help="With dataflow: by macs or params.")] = None,
    model: RunOptions,
    source: Annotated[Path | None, Option("--from", metavar="FILE.dot", help="Draw this DOT instead.")] = None,
    static: StaticOption = False,
    json: JsonOption = False,
    timm: TimmOption = None,
    extra: WithOption = None,
) -> None:
    """Draw how it hangs together: all of timm, a model, a family, or a piece of code.

    Without a target: timm on one whiteboard. Without -o and --format it is printed as a tree.
    """
    if output is None and (fmt is not None or open_it):
        output = _place_to_open(fmt) if open_it else _STDOUT
    if output == _STDOUT and open_it:
        raise RequestError("--open needs a file", "-o FILE, or leave -o out")
    if output:
        fmt = _checked_format(output, fmt)
    wishes = {"depth": depth, "up": up, "nodes": nodes, "level": level, "shade": shade, **model.building()}
    wish = PictureWish(**wishes)
    draw = partial(drawing.draw, target, view=view, **wishes)
    if source is None:
        drawing.check(view, target, wish)
    elif target is not None or view is not None:
        raise RequestError("--from draws a file as it is", "leave out the target and --view")
    if view == ALL:
        _check_data("json" if json and not output else fmt)
    with closing(GraphvizProcess()) if fmt in LAID_OUT else nullcontext() as graphviz:
        # Graphviz starts while the rest is read.
        if source:
            picture = drawing.dot_picture(source, wish, tell_plainly)
        elif view in RUNNING:
            picture = _running_picture(context, draw, view, timm, extra)
        else:
            picture = draw(graph=load(context, timm, extra, traces=not static), emit=tell_plainly)
        _write(picture, output, fmt, json, graphviz)
    if open_it and output and typer.launch(str(output)):
        raise OutputError("nothing on this machine opens pictures", f"it is in {output}")


def _running_picture(
    context: typer.Context, draw: Callable[..., Picture], view: str, timm: Path | None, extra: list[str] | None
) -> Picture:
    from explorer.cli.narrator import narrator  # views of the source run nothing

    if timm or timm_before(context):
        raise running_refused(view)
    sources = find_extras(context, extra)
    graph = load(context, None, extra)
    with narrator() as tell:
        return draw(sources=sources, graph=graph, emit=tell)


def _check_data(fmt: str | None) -> None:
    if fmt not in (*DATA, "dot"):
        raise RequestError(
            "the whole graph has too many nodes for a picture",
            "name a target, --view overview, or write it as data: -o FILE.json, .graphml, .gexf or .dot",
        )


def _write(
    picture: Picture, output: Path | None, fmt: str | None, json: bool, graphviz: GraphvizProcess | None
) -> None:
    if output is not None and fmt is not None:
        write_file(output, picture.render(fmt, graphviz=graphviz))
    elif json:
        print_json(picture.data())
    else:
        print_lines(picture.lines())


def _checked_format(output: Path, wanted: str | None) -> str:
    """The format of a picture, checked with its place before any work is done."""
    if wanted is None and output == _STDOUT:
        raise RequestError("-o - needs a format", "add --format svg, png, pdf, html, dot, mmd, json, graphml or gexf")
    if wanted is None and not output.suffix:
        raise RequestError(f"{output} has no ending to tell the format by", "end it in .svg, .png, .html, .dot...")
    fmt = format_of(wanted or output.suffix)
    if fmt in BINARY and output == _STDOUT and on_terminal(sys.stdout):
        raise RequestError(f"a terminal cannot show a {fmt.upper()}", f"name a file: -o FILE.{fmt}")
    check_place(output)
    return fmt


def _place_to_open(fmt: str | None) -> Path:
    """A file of our own for a picture that is only to be looked at."""
    return Path(mkdtemp(prefix="explorer-"), f"picture.{(fmt or 'html').rpartition('.')[2]}")
