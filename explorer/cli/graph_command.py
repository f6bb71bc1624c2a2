"""``explorer graph``."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.arguments import SetOption, check_model_arguments, parsed_arguments
from explorer.cli.names import check_name
from explorer.cli.options import JsonOption, StaticOption, TimmOption, WithOption, find_extras, load, timm_before
from explorer.cli.output import check_place, on_terminal, print_json, print_lines, write_file
from explorer.cli.views import ALL, RUNNING, VIEWS, check, dot_picture, flow_request, picture_of, running_pictures
from explorer.errors import OutputError, RequestError

if TYPE_CHECKING:
    from explorer.cli.views import Picture
    from explorer.diagram import GraphvizProcess

_STDOUT = Path("-")
_OWN = "the model's own"


def graph(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[TARGET]", help="A model, arch.tag, deprecated name, family, module, class or function."
        ),
    ] = None,
    view: Annotated[
        str | None,
        typer.Option(metavar="VIEW", help=f"{', '.join(VIEWS)}.", show_default="what suits the target"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help=".svg .png .pdf .html .dot .mmd .json .graphml .gexf; - is stdout."
        ),
    ] = None,
    fmt: Annotated[
        str | None, typer.Option("--format", "-F", help="When FILE's ending is not it; stdout without -o.")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it when it is drawn; as .html without -o.")] = False,
    depth: Annotated[int | None, typer.Option("--depth", "--down", min=1, help="Steps to follow down.")] = None,
    up: Annotated[
        int | None, typer.Option(min=0, help="Steps to follow up: callers, base classes, importers.", show_default="1")
    ] = None,
    nodes: Annotated[int | None, typer.Option(min=2, max=400, help="Boxes there is room for; data has all.")] = None,
    level: Annotated[str | None, typer.Option(help="With dataflow: module or operator.", show_default="module")] = None,
    shade: Annotated[str | None, typer.Option(help="With dataflow: by macs or params.")] = None,
    img_size: Annotated[
        int | None, typer.Option(help="Of a model that runs: height and width of the input.", show_default=_OWN)
    ] = None,
    in_chans: Annotated[int | None, typer.Option(help="Channels of the input.", show_default=_OWN)] = None,
    num_classes: Annotated[int | None, typer.Option(help="Outputs of the classifier.", show_default=_OWN)] = None,
    features_only: Annotated[bool, typer.Option("--features-only", help="The feature extractor made of it.")] = False,
    reparam: Annotated[bool, typer.Option("--reparam", help="Branches fused, as it is deployed.")] = False,
    arguments: SetOption = None,
    source: Annotated[Path | None, typer.Option("--from", metavar="FILE.dot", help="Draw this DOT instead.")] = None,
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
    _check(view, target, source, context.params)
    if view == ALL:
        _check_data("json" if json and not output else fmt)
    graphviz = _started(fmt)
    try:
        picture = _picture(context, target, view, source, static=static, timm=timm, extra=extra)
        _write(picture, output, fmt, nodes, json, graphviz)
    finally:
        if graphviz:
            graphviz.close()
    if open_it and output:
        _open(output)


def _check(view: str | None, target: str | None, source: Path | None, options: Mapping[str, Any]) -> None:
    if source is None:
        check(view, target, options)
    elif target is not None or view is not None:
        raise RequestError("--from draws a file as it is", "leave out the target and --view")


def _check_data(fmt: str | None) -> None:
    from explorer.diagram import DATA

    if fmt not in (*DATA, "dot"):
        raise RequestError(
            "the whole graph has too many nodes for a picture",
            "name a target, --view overview, or write it as data: -o FILE.json, .graphml, .gexf or .dot",
        )


def _picture(
    context: typer.Context,
    target: str | None,
    view: str | None,
    source: Path | None,
    *,
    static: bool,
    timm: Path | None,
    extra: Sequence[str] | None,
) -> "Picture":
    options = context.params
    if source:
        return dot_picture(source, options)
    if view not in RUNNING or view is None or target is None:
        return picture_of(load(context, timm, extra, traces=not static), target, view, options)
    if timm or timm_before(context):
        raise RequestError(f"--timm only reads source; {view} runs the timm that is installed", "leave --timm out")
    extras = find_extras(context, extra)
    args = parsed_arguments(options["arguments"])
    if not extras:
        check_name(target)
        check_model_arguments(target, args)
    request = flow_request(target, {**options, "args": args}, extras)
    (picture,) = (make() for make in running_pictures([(view, request)], options, load(context, None, extra)))
    return picture


def _started(fmt: str | None) -> "GraphvizProcess | None":
    """Graphviz for a picture, so that it starts while the rest is read."""
    from explorer.diagram import LAID_OUT, GraphvizProcess

    return GraphvizProcess() if fmt in LAID_OUT else None


def _write(
    picture: "Picture",
    output: Path | None,
    fmt: str | None,
    nodes: int | None,
    json: bool,
    graphviz: "GraphvizProcess | None",
) -> None:
    from explorer.diagram import DATA, data_of, draw

    if output is None or fmt is None:
        if json:
            print_json(picture.data(nodes))
        else:
            print_lines(picture.lines())
    elif fmt in DATA:
        write_file(output, data_of(picture.data(nodes), fmt))
    else:
        write_file(output, draw(picture.make, fmt, nodes=picture.nodes, fit=nodes is None, graphviz=graphviz))


def _checked_format(output: Path, wanted: str | None) -> str:
    """The format of a picture, checked with its place before any work is done."""
    from explorer.diagram import BINARY, format_of

    fmt = format_of(_ending(output) if wanted is None else wanted)
    if fmt in BINARY and output == _STDOUT and on_terminal(sys.stdout):
        raise RequestError(f"a terminal cannot show a {fmt.upper()}", f"name a file: -o FILE.{fmt}")
    check_place(output)
    return fmt


def _ending(output: Path) -> str:
    if output == _STDOUT:
        raise RequestError("-o - needs a format", "add --format svg, png, pdf, html, dot, mmd, json, graphml or gexf")
    if not output.suffix:
        raise RequestError(f"{output} has no ending to tell the format by", "end it in .svg, .png, .html, .dot...")
    return output.suffix


def _place_to_open(fmt: str | None) -> Path:
    """A file of our own for a picture that is only to be looked at."""
    from tempfile import mkdtemp

    return Path(mkdtemp(prefix="explorer-"), f"picture.{(fmt or 'html').rpartition('.')[2]}")


def _open(output: Path) -> None:
    """Show a file with what the user has for its kind.

    Raises:
        OutputError: nothing here opens files.
    """
    if typer.launch(str(output)):
        raise OutputError("nothing on this machine opens pictures", f"it is in {output}")
