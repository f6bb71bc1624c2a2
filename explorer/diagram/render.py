"""One entry for every format: a slice of the graph in, a file's bytes out."""

from collections.abc import Collection, Sequence

from explorer.diagram.process import GraphvizProcess
from explorer.diagram.view import View, view_of
from explorer.errors import RequestError
from explorer.graph.model import Graph

FORMATS = ("svg", "png", "dot", "json")
"""What :func:`render` can make, as file name endings without the dot."""


def format_of(name: str) -> str:
    """The format meant by a format's name, or by a file name's ending (``.SVG``, ``svg``).

    Raises:
        RequestError: there is no such format; the message lists those there are.
    """
    wanted = name.lower().rpartition(".")[2]
    if wanted not in FORMATS:
        known = ", ".join(f".{f}" for f in FORMATS)
        raise RequestError(f"no diagram format {name!r}", f"formats: {known}")
    return wanted


def render(
    graph: Graph,
    fmt: str,
    *,
    title: str,
    focus: Collection[str] = (),
    notes: Sequence[str] = (),
    time_limit_s: float = 10.0,
    graphviz: GraphvizProcess | None = None,
) -> bytes:
    """A slice of the graph as a picture.

    Args:
        graph: what to show; about 40 nodes read well.
        fmt: one of :data:`FORMATS`, with or without a dot before it.
        title: the line above the picture.
        focus: ids of the nodes that were asked for.
        notes: lines under the picture.
        time_limit_s: for the layout.
        graphviz: a child started earlier with :class:`GraphvizProcess`, to save its start; it is used up.

    Raises:
        RequestError: there is no such format.
        LayoutError: Graphviz failed, or ran into the time limit.
        OutputError: a PNG could not be drawn.
    """
    wanted = format_of(fmt)
    if wanted == "json":
        return _json(graph)
    view = view_of(graph, title=title, focus=focus, notes=notes)
    if wanted == "dot":
        from explorer.diagram.dot import dot_of

        return dot_of(view).encode()
    svg = _svg(view, time_limit_s, graphviz)
    if wanted == "svg":
        return svg.encode()
    from explorer.diagram.png import png_of

    return png_of(svg)


def _svg(view: View, time_limit_s: float, graphviz: GraphvizProcess | None) -> str:
    from explorer.diagram.layout import lay_out
    from explorer.diagram.svg import svg_of

    return svg_of(view, lay_out(view, time_limit_s, graphviz))


def _json(graph: Graph) -> bytes:
    import json

    from explorer.graph.nodelink import to_node_link

    return (json.dumps(to_node_link(graph), ensure_ascii=False, indent=2) + "\n").encode()
