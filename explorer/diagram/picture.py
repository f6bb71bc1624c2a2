"""One entry for every format: a view in, a file's bytes out; what does not fit is folded further, and says so."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from explorer.diagram.formats import writer_of
from explorer.diagram.formats.interchange import data_of, view_node_link
from explorer.diagram.geometry import Geometry
from explorer.diagram.layout.choose import READABLE_WIDTH_PX, lay_out
from explorer.diagram.layout.graphviz import GraphvizProcess
from explorer.diagram.view import View, view_of
from explorer.errors import LayoutTimeout, RequestError
from explorer.graph import Graph
from explorer.graph.node_link import to_node_link
from explorer.queries.slices import USUAL_NODES

LAID_OUT = ("svg", "png", "pdf", "html")
"""Formats that need positions."""
DATA = ("json", "graphml", "gexf")
"""Formats for machines."""
BINARY = ("png", "pdf")
"""Formats that are no text."""
FORMATS = (*LAID_OUT, "dot", "mmd", *DATA)
"""What :func:`draw` can make, as file name endings without the dot."""

_LEAST_NODES = 5
_FEWER = 0.7
"""What is left of a budget that was too much."""


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


def draw(
    make: Callable[[int], View],
    fmt: str,
    *,
    nodes: int = USUAL_NODES,
    time_limit_s: float = 10.0,
    fit: bool = True,
    graphviz: GraphvizProcess | None = None,
) -> bytes:
    """A view in a format.

    Args:
        make: gives the view for a budget of open nodes. It is asked again for fewer when the layout runs into its
            limit, or comes out wider than a page shows readably; a note in the picture says so.
        fmt: one of :data:`FORMATS`, with or without a dot before it.
        nodes: the budget to begin with.
        time_limit_s: for the first layout; once that has run out, a quarter for each further one.
        fit: ``False`` lets a picture be as wide as it comes out.
        graphviz: a child started earlier with :class:`GraphvizProcess`, to save its start; it is used up.

    Raises:
        RequestError: there is no such format, or ``make`` refuses.
        LayoutError: Graphviz failed, or ran into the time limit with the fewest nodes too.
        OutputError: a PNG or a PDF could not be drawn.
    """
    wanted = format_of(fmt)
    if wanted not in LAID_OUT:
        return _written(make(nodes), wanted)
    return _drawn(*_placed(make, nodes, time_limit_s, fit, graphviz), wanted)


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
    """A slice of the graph, as it is, as a picture or as data.

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
        OutputError: a PNG or a PDF could not be drawn.
    """
    wanted = format_of(fmt)
    if wanted in DATA:
        return data_of(to_node_link(graph), wanted)
    view = view_of(graph, title=title, focus=focus, notes=notes)
    return draw(lambda _: view, wanted, time_limit_s=time_limit_s, fit=False, graphviz=graphviz)


def _placed(
    make: Callable[[int], View], nodes: int, time_limit_s: float, fit: bool, graphviz: GraphvizProcess | None
) -> tuple[View, Geometry]:
    """The first view that is laid out in time and readably wide, or the narrowest there is."""
    best: tuple[View, Geometry] | None = None
    late: LayoutTimeout | None = None
    for view in _ever_smaller(make, nodes):
        note = late and f"Folded to {len(view.nodes)} nodes: the layout of more took longer than {time_limit_s:g} s."
        try:
            geometry = lay_out(view, time_limit_s / (4 if late else 1), graphviz)
        except LayoutTimeout as error:
            late, graphviz = error, None
            continue
        graphviz = None
        if note:
            view = replace(view, notes=(*view.notes, note))
        elif best:
            view = replace(view, notes=(*view.notes, f"Folded to {len(view.nodes)} nodes, to be read on a page."))
        if best is None or geometry.width < best[1].width:
            best = view, geometry
        if not fit or geometry.width <= READABLE_WIDTH_PX:
            break
    if best is None:
        raise late or LayoutTimeout("there was nothing to lay out")
    return best


def _ever_smaller(make: Callable[[int], View], nodes: int) -> Iterator[View]:
    """The view, then folded further and further, as long as that makes a difference."""
    last: View | None = None
    while True:
        view = make(nodes)
        if last is None or len(view.nodes) < len(last.nodes):
            yield view
            last = view
        if nodes <= _LEAST_NODES:
            return
        nodes = max(int(min(nodes, len(view.nodes)) * _FEWER), _LEAST_NODES)


def _drawn(view: View, geometry: Geometry, fmt: str) -> bytes:
    if fmt in BINARY:
        picture: bytes = writer_of(fmt)(writer_of("svg")(view, geometry))
        return picture
    text: str = writer_of(fmt)(view, geometry)
    return text.encode()


def _written(view: View, fmt: str) -> bytes:
    if fmt in DATA:
        return data_of(view_node_link(view), fmt)
    text: str = writer_of(fmt)(view)
    return text.encode()
