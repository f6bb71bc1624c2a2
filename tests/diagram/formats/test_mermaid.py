import re

from explorer.diagram import Group, View, ViewEdge, ViewNode, view_of
from explorer.diagram.formats.mermaid import mermaid_of
from explorer.diagram.style import Flow, Look
from explorer.graph import Graph

_NODE = re.compile(r'^ *(n\d+)(?:\("|\["|\(\[")(.*?)(?:"\)|"\]|"\]\))$')
_EDGE = re.compile(r'^ *(n\d+) (-->|-\.->)(?:\|"(.*)"\|)? (n\d+)$')
_ENTITY = re.compile(r"#(\d+);")


def plain(label: str) -> str:
    """A label as Mermaid shows it."""
    return _ENTITY.sub(lambda found: chr(int(found[1])), label.replace("<br/>", "\n"))


def test_every_node_and_edge_is_there_with_its_words(graph: Graph) -> None:
    view = view_of(graph, title="t")
    lines = mermaid_of(view).splitlines()
    nodes = {found[1]: plain(found[2]) for line in lines if (found := _NODE.match(line))}
    edges = [(found[1], found[4], plain(found[3] or "")) for line in lines if (found := _EDGE.match(line))]
    shown = {f"n{i}": "\n".join(filter(None, (n.label, n.sublabel))) for i, n in enumerate(view.nodes)}
    names = {n.id: f"n{i}" for i, n in enumerate(view.nodes)}
    assert nodes == shown
    assert edges == [(names[e.source], names[e.target], e.label) for e in view.edges]


def test_no_name_ends_a_line_or_a_quote(nasty: Graph) -> None:
    for line in mermaid_of(view_of(nasty, title='a "title"\nof two')).splitlines()[3:]:
        assert line.count('"') % 2 == 0
        assert line.isprintable() or "\x07" in line or "\t" in line


def test_frames_are_subgraphs_in_each_other() -> None:
    nodes = (ViewNode("a", Look.LAYER, "a", group="inner"),)
    view = View("t", "", nodes, (), (Group("outer", "Outer", 0), Group("inner", "Inner", 1, parent="outer")))
    lines = [line.strip() for line in mermaid_of(view).splitlines()]
    start = lines.index('subgraph g0["Outer"]')
    assert lines[start : start + 4] == ['subgraph g0["Outer"]', 'subgraph g1["Inner"]', 'n0("a")', "end"]
    assert lines.count("end") == 2


def test_kinds_have_their_colours_and_edges_their_lines() -> None:
    nodes = (ViewNode("a", Look.LAYER, "a"), ViewNode("b", Look.OPERATOR, "b", focus=True))
    edges = (ViewEdge("a", "b", Flow.TENSORS, evidence=()), ViewEdge("a", "b", Flow.RESIDUAL, evidence=()))
    text = mermaid_of(View("t", "", nodes, edges))
    assert "class n0 kind_layer" in text
    assert "class n1 kind_operator" in text
    assert "n0 --> n1" in text
    assert "n0 -.-> n1" in text
    assert re.search(r"linkStyle 1 stroke:#\w{6},stroke-width:[\d.]+px,stroke-dasharray:8 3", text)


def test_source_nodes_link_to_their_line(small: Graph) -> None:
    text = mermaid_of(view_of(small, title="t"))
    assert re.search(r'click n\d+ href "https://github.com/\S+/models/_factory.py#L162" "', text)
