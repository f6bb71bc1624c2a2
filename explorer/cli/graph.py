"""``explorer graph``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.options import JsonOption, StaticOption, TimmOption, WithOption, load, undeprecated
from explorer.cli.output import check_place, notice, on_terminal, print_json, print_lines, write_file
from explorer.errors import RequestError

if TYPE_CHECKING:
    from explorer.diagram import GraphvizProcess
    from explorer.graph import Graph, Node
    from explorer.graph.slices import Slice

_LAID_OUT = ("svg", "png")
_DATA = "json"
_STDOUT = Path("-")
_CALLS, _ALL = _VIEWS = ("calls", "all")


def graph(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(metavar="[TARGET]", help="A model, arch.tag, deprecated name, module, class or function."),
    ] = None,
    view: Annotated[
        str | None,
        typer.Option(help="calls: what a model's creation or a function calls; all: the whole graph, as JSON."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help=".svg, .png, .dot or .json; - is stdout."),
    ] = None,
    fmt: Annotated[
        str | None,
        typer.Option("--format", "-F", help="svg, png, dot or json, when FILE's ending is not it; stdout without -o."),
    ] = None,
    depth: Annotated[
        int | None, typer.Option(min=1, help="Calls to follow down from the entrypoint or target.")
    ] = None,
    up: Annotated[
        int | None,
        typer.Option(min=0, help="Callers to follow up from a class, function or module.", show_default="1"),
    ] = None,
    nodes: Annotated[
        int | None,
        typer.Option(min=2, max=400, help="The nearest nodes, up to this many; JSON of a model has all without."),
    ] = None,
    static: StaticOption = False,
    json: JsonOption = False,
    timm: TimmOption = None,
    extra: WithOption = None,
) -> None:
    """Draw a model's call path, or a part of the code.

    For a model, what runs from create_model down; for a class, function or module, what is around it. Without -o and
    --format it is printed as a tree.
    """
    from explorer.diagram import GraphvizProcess
    from explorer.graph.names import find_node

    if output is None and fmt is not None:
        output = _STDOUT
    if output:
        fmt = _checked_format(output, fmt)
    is_data = fmt == _DATA if output else json
    _check_view(view, target, is_data, limited=not (depth is up is nodes is None))
    graphviz = GraphvizProcess() if fmt in _LAID_OUT else None
    try:
        whole = load(context, timm, extra, traces=not static)
        node = find_node(whole, target) if target is not None else None
        if node is None or view == _ALL:
            _write_data(whole, output)
            return
        part = _slice(whole, node, view, depth=depth, up=up, max_nodes=nodes, cut=not is_data)
        if is_data:
            _write_data(part.graph, output)
        else:
            _draw(part, node, output, fmt, graphviz)
    finally:
        if graphviz:
            graphviz.close()
    if part.left_out:
        notice(f"{part.left_out} nodes further away are left out; --nodes shows more, --depth fewer")


def _check_view(view: str | None, target: str | None, is_data: bool, limited: bool) -> None:
    if view is not None and view not in _VIEWS:
        raise RequestError(f"no view {view!r}", f"views: {', '.join(_VIEWS)}")
    if view != _ALL:
        if target is None:
            raise RequestError("no target", "explorer graph TARGET, or --view all -o FILE.json")
    elif not is_data:
        raise RequestError(
            "the whole graph has too many nodes for a picture", "name a target, or write it as data: -o FILE.json"
        )
    elif limited:
        raise RequestError("--depth, --up and --nodes cut a part out of the graph", "leave out --view all, or them")


def _slice(
    graph: "Graph",
    node: "Node",
    view: str | None,
    *,
    depth: int | None,
    up: int | None,
    max_nodes: int | None,
    cut: bool,
) -> "Slice":
    from explorer.graph import NodeKind
    from explorer.graph.names import model_of
    from explorer.graph.slices import USUAL_NODES, around, model_calls

    model = model_of(graph, undeprecated(graph, node))
    if model:
        return model_calls(graph, model, depth=depth, max_nodes=max_nodes or (USUAL_NODES if cut else None))
    if view == _CALLS and node.kind is not NodeKind.FUNCTION:
        raise RequestError(f"a {node.kind} makes no calls", "--view calls takes a model or function; leave it out")
    return around(graph, node, up=1 if up is None else up, depth=depth, max_nodes=max_nodes or USUAL_NODES)


def _write_data(graph: "Graph", output: Path | None) -> None:
    from explorer.diagram import render
    from explorer.graph.nodelink import to_node_link

    if output:
        write_file(output, render(graph, _DATA, title=""))
    else:
        print_json(to_node_link(graph))


def _draw(
    part: "Slice", node: "Node", output: Path | None, fmt: str | None, graphviz: "GraphvizProcess | None"
) -> None:
    from explorer.diagram import render, tree_lines
    from explorer.graph import NodeKind

    if output is None or fmt is None:
        print_lines(tree_lines(part.graph, part.root))
        return
    is_model = node.kind in (NodeKind.MODEL, NodeKind.WEIGHTS, NodeKind.ALIAS)
    title = f'create_model("{node.name}")' if is_model else node.id
    notes = [f"{part.left_out} nodes further away are left out."] if part.left_out else []
    write_file(output, render(part.graph, fmt, title=title, focus=part.focus, notes=notes, graphviz=graphviz))


def _checked_format(output: Path, wanted: str | None) -> str:
    """The format of a picture, checked with its place before any work is done."""
    from explorer.diagram import format_of

    fmt = format_of(_ending(output) if wanted is None else wanted)
    if fmt == "png" and output == _STDOUT and on_terminal(sys.stdout):
        raise RequestError("a terminal cannot show a PNG", "name a file: -o FILE.png")
    check_place(output)
    return fmt


def _ending(output: Path) -> str:
    if output == _STDOUT:
        raise RequestError("-o - needs a format", "add --format svg, png, dot or json")
    if not output.suffix:
        raise RequestError(f"{output} has no ending to tell the format by", "end it in .svg, .png, .dot or .json")
    return output.suffix
