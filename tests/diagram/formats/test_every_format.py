import json
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pydot
import pygraphviz
import pytest
from graphviz.quoting import quote

from explorer.diagram import FORMATS, format_of, view_of
from explorer.diagram.formats.dot import quoted_name as dot_name
from explorer.diagram.formats.png import png_of
from explorer.diagram.style import MONO_STACK, SANS_STACK
from explorer.errors import OutputError, RequestError
from explorer.graph import Graph
from explorer.plain_text import plain_line

from ..samples import NASTY, render

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("name", ["pptx", "", "svg.exe"])
def test_an_unknown_format_names_the_known_ones(small: Graph, name: str) -> None:
    with pytest.raises(RequestError) as error:
        render(small, name, title="t")
    assert all(f".{fmt}" in str(error.value) for fmt in FORMATS)


def test_formats_are_taken_by_name_or_file_ending() -> None:
    assert [format_of(name) for name in ("svg", ".PNG", "out/a.b.dot")] == ["svg", "png", "dot"]


# dot


def test_pygraphviz_reads_the_dot_back(graph: Graph) -> None:
    view = view_of(graph, title="t")
    read = pygraphviz.AGraph(string=render(graph, "dot", title="t").decode())
    assert set(map(str, read.nodes())) == {_as_dot_name(n.id) for n in view.nodes}
    assert len(read.edges()) == len(view.edges)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pydot_reads_the_dot_back(graph: Graph) -> None:
    view = view_of(graph, title="t")
    (read,) = pydot.graph_from_dot_data(render(graph, "dot", title="t").decode())
    names = {name[1:-1].replace('\\"', '"') for name in _node_names(read)}
    assert names == {_as_dot_name(n.id) for n in view.nodes}
    assert len(read.get_edges()) == len(view.edges)


def test_dot_labels_are_read_as_text(nasty: Graph) -> None:
    drawn = pygraphviz.AGraph(string=render(nasty, "dot", title="t").decode()).draw(format="svg", prog="dot").decode()
    for shown in ("&lt;angle&gt; &amp; &lt;/svg&gt;", "back\\slash", "\\N \\n", "&amp;lt;", "残差网络"):
        assert f">{shown}</text>" in drawn.replace("&#45;", "-").replace("&#160;", " ")


def _node_names(graph: pydot.Graph) -> Iterator[str]:
    settings = ("node", "edge", "graph")
    yield from (node.get_name() for node in graph.get_nodes() if node.get_name() not in settings)
    for part in graph.get_subgraphs():
        yield from _node_names(part)


def _as_dot_name(node_id: str) -> str:
    """Controls are shown. DOT cannot hold an odd run of backslashes before a quote or at the end; it is made even."""
    node_id = plain_line(node_id)
    if node_id.endswith('\\"'):
        return node_id.replace('\\"', '\\\\"')
    return node_id.replace(":\\", ":\\\\") if node_id.endswith(":\\") else node_id


def test_dot_names_are_quoted_as_the_graphviz_package_does(nasty: Graph) -> None:
    names = [name for name in (*nasty.ids(), *NASTY) if "\\" not in name and not name.startswith("<")]
    packages = {name: quote(name) for name in names}
    assert {name: dot_name(name) for name, quoted in packages.items() if quoted != name} == {
        name: quoted for name, quoted in packages.items() if quoted != name
    }


# json


def test_json_is_read_back_as_the_same_graph(graph: Graph) -> None:
    data = json.loads(render(graph, "json", title="t"))
    assert Graph.from_node_link(data).to_node_link() == graph.to_node_link()
    read = nx.node_link_graph(data, edges="edges")
    assert set(read) == set(graph.ids())
    assert set(read.edges(keys=True)) == {(e.source, e.target, str(e.kind)) for e in graph.edges()}


# png


def test_png_is_drawn_on_white_at_twice_the_size(small: Graph) -> None:
    image = _decoded(render(small, "png", title="t"))
    svg = render(small, "svg", title="t").decode()
    assert f'width="{image.size[0] // 2}" height="{image.size[1] // 2}"' in svg
    assert image.getpixel((0, 0))[:3] == (255, 255, 255)
    assert len(image.getcolors(1 << 24)) > 50


def test_png_has_text_where_there_are_no_fonts() -> None:
    box = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="20">{}</svg>'
    text = '<text x="2" y="15" font-family="ui-monospace, monospace" font-size="13">ResNet</text>'
    empty, written = (png_of(box.format(content), system_fonts=False) for content in ("", text))
    assert empty != written


@pytest.mark.parametrize("system_fonts", [True, False])
def test_png_has_the_letters_of_our_pictures(system_fonts: bool) -> None:
    """A letter that a font lacks is a box, the same for all that it lacks."""
    box = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="20">{}</svg>'
    for family in (SANS_STACK, MONO_STACK):
        text = f'<text x="2" y="15" font-family="{family}">{{}}</text>'
        drawn = [png_of(box.format(text.format(letter)), system_fonts=system_fonts) for letter in "×→–…≠·\u0378"]
        assert len(set(drawn)) == len(drawn)


def test_png_without_any_font_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("explorer.diagram.formats.png._SHIPPED", tmp_path / "none.ttf")
    with pytest.raises(OutputError, match="no font"):
        png_of("<svg/>", system_fonts=False)


def test_a_picture_that_cannot_be_drawn_is_a_clear_error() -> None:
    with pytest.raises(OutputError, match="could not be drawn"):
        png_of("<svg")


@pytest.mark.parametrize("fmt", FORMATS)
def test_nasty_names_break_no_format(nasty: Graph, fmt: str) -> None:
    assert render(nasty, fmt, title=" ".join(NASTY), notes=NASTY)


def _decoded(png: bytes):  # type: ignore[no-untyped-def]
    from io import BytesIO

    from PIL import Image

    assert png.startswith(PNG_MAGIC)
    return Image.open(BytesIO(png))
