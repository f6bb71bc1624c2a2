"""A picture, and one entry for every format: what does not fit a page is folded further, and says so."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from explorer.diagram.formats import writer_of
from explorer.diagram.formats.interchange import data_of, view_node_link
from explorer.diagram.formats.terminal import view_lines
from explorer.diagram.geometry import Geometry
from explorer.diagram.layout.choose import READABLE_WIDTH_PX, lay_out
from explorer.diagram.layout.graphviz import GraphvizProcess
from explorer.diagram.plain_view import plain_view
from explorer.diagram.view import View
from explorer.errors import LayoutTimeout, OutputError, RequestError
from explorer.files import write_whole
from explorer.queries.slices import USUAL_NODES

LAID_OUT = ("svg", "png", "pdf", "html")
"""Formats that need positions."""
DATA = ("json", "graphml", "gexf")
"""Formats for machines."""
BINARY = ("png", "pdf")
"""Formats that are no text."""
FORMATS = (*LAID_OUT, "dot", "mmd", *DATA)
"""What a picture can be written as, by file name endings without the dot."""

_LEAST_NODES = 5
_FEWER = 0.7
"""What is left of a budget that was too much."""


EVERYTHING = 100_000
"""A budget of nodes that nothing exceeds: data has all."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Something to show: in a notebook, as a file, as node-link data, or as lines for a terminal.

    Attributes:
        make: gives the view for a budget of boxes.
        nodes: the budget it opens with.
        is_fixed: that budget was asked for, so that the picture may be as wide as it comes out.
        may_be_wide: it may be that without.
        time_limit_s: for the first layout; once that has run out, a quarter for each further one.
        tell: takes each note of what is shown, as far as a user is to see them beside the picture too.
        make_data: node-link data for a budget, of everything when ``None``; what the view shows when there is none.
        make_lines: lines for a terminal; those of the view when there is none.
    """

    make: Callable[[int], View]
    nodes: int = USUAL_NODES
    is_fixed: bool = False
    may_be_wide: bool = False
    time_limit_s: float = 10.0
    tell: Callable[[str], None] | None = None
    make_data: Callable[[int | None], dict[str, Any]] | None = None
    make_lines: Callable[[], list[str]] | None = None

    @property
    def view(self) -> View:
        """What it opens with, before anything has a place."""
        return self._told(plain_view(self.make(self.nodes)))

    def _told(self, view: View) -> View:
        for note in view.notes if self.tell else ():
            self.tell(note)  # type: ignore[misc]
        return view

    def data(self) -> dict[str, Any]:
        """Node-link data as networkx has it: of everything, unless a number of nodes was asked for."""
        budget = self.nodes if self.is_fixed else None
        if self.make_data:
            return self.make_data(budget)
        return view_node_link(self._told(self.make(budget or EVERYTHING)))

    def lines(self) -> list[str]:
        """A tree of lines for a terminal."""
        return self.make_lines() if self.make_lines else view_lines(self.view)

    def render(self, fmt: str = "svg", *, graphviz: GraphvizProcess | None = None) -> bytes:
        """A file's content.

        The view is made again for fewer boxes when its layout runs into the limit, or comes out wider than a page shows
        readably; a note in the picture says so.

        Args:
            fmt: one of :data:`FORMATS`, with or without a dot before it.
            graphviz: a child started earlier with :class:`GraphvizProcess`, to save its start; it is used up.

        Raises:
            RequestError: there is no such format, or ``make`` refuses.
            LayoutError: Graphviz failed, or ran into the time limit with the fewest nodes too.
            OutputError: a PNG or a PDF could not be drawn.
        """
        wanted = format_of(fmt)
        if wanted in DATA:
            return data_of(self.data(), wanted)
        if wanted in LAID_OUT:
            content = writer_of("svg" if wanted in BINARY else wanted)(*self._placed(graphviz))
        else:
            content = writer_of(wanted)(self.view)
        return bytes(writer_of(wanted)(content) if wanted in BINARY else content.encode())

    def _placed(self, graphviz: GraphvizProcess | None) -> tuple[View, Geometry]:
        """The first view that is laid out in time and readably wide, or the narrowest there is."""
        best: tuple[View, Geometry] | None = None
        late: LayoutTimeout | None = None
        for view in self._ever_smaller():
            reason = late and f": the layout of more took longer than {self.time_limit_s:g} s."
            # Who waited through one limit is not made to wait as long again for each smaller picture.
            try:
                geometry = lay_out(view, self.time_limit_s / (4 if late else 1), graphviz)
            except LayoutTimeout as error:
                late, graphviz = error, None
                continue
            graphviz = None
            if best and not reason:
                reason = ", to be read on a page."
            if reason:
                view = replace(view, notes=(*view.notes, f"Folded to {len(view.nodes)} nodes{reason}"))
            if best is None or geometry.width < best[1].width:
                best = view, geometry
            if self.is_fixed or self.may_be_wide or geometry.width <= READABLE_WIDTH_PX:
                break
        if best is None:
            raise late or LayoutTimeout("there was nothing to lay out")
        return self._told(best[0]), best[1]

    def _ever_smaller(self) -> Iterator[View]:
        """The view, then folded further and further, as long as that makes a difference."""
        nodes = self.nodes
        last: View | None = None
        # A view may have no smaller form: a budget that leaves as many boxes is not laid out once more.
        while True:
            view = plain_view(self.make(nodes))
            if last is None or len(view.nodes) < len(last.nodes):
                yield view
                last = view
            if nodes <= _LEAST_NODES:
                return
            nodes = max(int(min(nodes, len(view.nodes)) * _FEWER), _LEAST_NODES)

    def svg(self) -> str:
        """The picture as an SVG document."""
        return self.render("svg").decode()

    def save(self, path: str | Path) -> Path:
        """Write it to a file, whose ending says the format; the file.

        Raises:
            RequestError: the ending is that of no format.
            OutputError: the file cannot be written.
        """
        path = Path(path)
        content = self.render(path.suffix)
        try:
            write_whole(path, content)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
        return path

    _repr_svg_ = svg

    def _repr_html_(self) -> str:
        """The page that folds, in a frame: so its style and the notebook's leave each other alone."""
        page = escape(self.render("html").decode())
        return f'<iframe srcdoc="{page}" style="width:100%;height:36em;border:0"></iframe>'


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
