"""``explorer graph``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.options import JsonOption, TimmOption, load, undeprecated
from explorer.cli.output import check_place, notice, on_terminal, print_json, print_lines, write_file
from explorer.errors import RequestError

if TYPE_CHECKING:
    from explorer.diagram import GraphvizProcess
    from explorer.graph import Graph, Node
    from explorer.graph.slices import Slice

_LAID_OUT = ("svg", "png")
_STDOUT = Path("-")


def graph(
    context: typer.Context,
    target: Annotated[str, typer.Argument(help="A model, arch.tag, deprecated name, module, class or function.")],
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
    up: Annotated[int, typer.Option(min=0, help="Callers to follow up from a class, function or module.")] = 1,
    nodes: Annotated[int | None, typer.Option(min=2, max=400, help="The nearest nodes, up to this many.")] = None,
    json: JsonOption = False,
    timm: TimmOption = None,
) -> None:
    """Draw a model's call path, or a part of the code.

    For a model, what runs from create_model down; for a class, function or module, what is around it. Without -o and
    --format it is printed as a tree.
    """
    from explorer.diagram import GraphvizProcess, tree_lines
    from explorer.graph.names import find_node
    from explorer.graph.nodelink import to_node_link

    if output is None and fmt is not None:
        output = _STDOUT
    if output:
        fmt = _checked_format(output, fmt)
    graphviz = GraphvizProcess() if fmt in _LAID_OUT else None
    try:
        whole = load(context, timm)
        node = find_node(whole, target)
        part = _slice(whole, node, depth=depth, up=up, max_nodes=nodes)
        if output and fmt:
            write_file(output, _picture(part, node, fmt, graphviz))
        elif json:
            print_json(to_node_link(part.graph))
        else:
            print_lines(tree_lines(part.graph, part.root))
    finally:
        if graphviz:
            graphviz.close()
    if part.left_out:
        notice(f"{part.left_out} nodes further away are left out; --nodes shows more, --depth fewer")


def _slice(graph: "Graph", node: "Node", *, depth: int | None, up: int, max_nodes: int | None) -> "Slice":
    from explorer.graph.names import model_of
    from explorer.graph.slices import USUAL_NODES, around, model_calls

    room = max_nodes or USUAL_NODES
    model = model_of(graph, undeprecated(graph, node))
    if model:
        return model_calls(graph, model, depth=depth, max_nodes=room)
    return around(graph, node, up=up, depth=depth, max_nodes=room)


def _picture(part: "Slice", node: "Node", fmt: str, graphviz: "GraphvizProcess | None") -> bytes:
    from explorer.diagram import render
    from explorer.graph import NodeKind

    is_model = node.kind in (NodeKind.MODEL, NodeKind.WEIGHTS, NodeKind.ALIAS)
    title = f'create_model("{node.name}")' if is_model else node.id
    notes = [f"{part.left_out} nodes further away are left out."] if part.left_out else []
    return render(part.graph, fmt, title=title, focus=part.focus, notes=notes, graphviz=graphviz)


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
