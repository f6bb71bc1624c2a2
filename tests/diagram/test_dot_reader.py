from dataclasses import replace

import pytest

from explorer.diagram import Group, View, ViewEdge, ViewNode, view_of
from explorer.diagram.dot_reader import read_dot
from explorer.diagram.formats.dot import dot_of
from explorer.diagram.style import Flow, Look
from explorer.errors import RequestError
from explorer.graph import Graph
from tests.diagram.samples import RESNET34, draw, render


def test_our_own_dot_reads_back_whole(graph: Graph) -> None:
    view = view_of(graph, title="How it hangs together", focus=(RESNET34,))
    read = read_dot(dot_of(view), title="unused")
    plain = [replace(node, sublabel=" ".join(node.sublabel.split("\n"))) for node in view.nodes]
    assert sorted(read.nodes, key=lambda node: node.id) == sorted(plain, key=lambda node: node.id)
    assert sorted(map(repr, read.edges)) == sorted(map(repr, view.edges))
    assert {g.id: (g.label, g.holds, g.parent) for g in read.groups} == {
        g.id: (g.label, g.holds, g.parent) for g in view.groups
    }
    assert (read.title, read.subtitle) == (view.title, view.subtitle)


def test_frames_in_frames_read_back() -> None:
    nodes = (ViewNode("a", Look.LAYER, "a", group="inner"), ViewNode("b", Look.OPERATOR, "b", group="outer"))
    groups = (Group("outer", "Outer", 1), Group("inner", "Inner ×3", 1, parent="outer"))
    view = View("t", "s", nodes, (ViewEdge("a", "b", Flow.RESIDUAL, "64×56×56", ()),), groups)
    read = read_dot(dot_of(view), title="")
    assert {g.id: g.parent for g in read.groups} == {"outer": None, "inner": "outer"}
    assert {n.id: (n.kind, n.group) for n in read.nodes} == {n.id: (n.kind, n.group) for n in nodes}
    (edge,) = read.edges
    assert (edge.kind, edge.label, edge.evidence) == (Flow.RESIDUAL, "64×56×56", ())


FOREIGN = r"""
digraph G {
  label = "My own";  node [shape=box]; rankdir=LR;
  a -> b -> {c d} [label="goes\nto"];
  subgraph cluster_one {
    label = <<b>Bold</b> &amp; <i>more</i>>; b;
    "e f" [label="\N: second\lline", URL="https://x.org/"];
  }
  subgraph { g } a:port:n -> "e f"; h [tooltip="T", URL="javascript:alert(1)"];
}
"""


@pytest.fixture
def foreign() -> View:
    return read_dot(FOREIGN, title="file.dot")


def test_a_foreign_graph_has_its_nodes_edges_and_clusters(foreign: View) -> None:
    assert {node.id: node.group for node in foreign.nodes} == {
        **dict.fromkeys("acdgh"),
        "b": "one",
        "e f": "one",
    }
    assert {(edge.source, edge.target) for edge in foreign.edges} == {
        *(("a", "b"), ("b", "c"), ("b", "d"), ("a", "e f"))
    }
    assert [(group.id, group.label, group.holds) for group in foreign.groups] == [("one", "Bold & more", 2)]
    assert foreign.title == "My own"


def test_foreign_nodes_are_nodes_and_edges_lead_on(foreign: View) -> None:
    assert {node.kind for node in foreign.nodes} == {Look.NODE}
    assert {edge.kind for edge in foreign.edges} == {Flow.LEADS}
    assert {edge.label for edge in foreign.edges} == {"goes to", ""}


def test_labels_are_read_with_their_escapes_and_links_only_to_the_web(foreign: View) -> None:
    nodes = {node.id: node for node in foreign.nodes}
    assert (nodes["e f"].label, nodes["e f"].sublabel) == ("e f: second", "line")
    assert nodes["e f"].href == "https://x.org/"
    assert (nodes["h"].tooltip, nodes["h"].href) == ("T", "")


def test_an_undirected_graph_joins() -> None:
    view = read_dot("graph { a -- b }", title="file.dot")
    assert [edge.kind for edge in view.edges] == [Flow.JOINS]
    assert view.title == "file.dot"


@pytest.mark.parametrize(
    "text",
    ["", "hello", "digraph {", "digraph { a -> }", "[]" * 40, "\x00\x01"],
    ids=["empty", "words", "open", "half", "brackets", "controls"],
)
def test_what_is_no_dot_is_one_clear_error(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RequestError, match="no DOT"):
        read_dot(text, title="t")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["digraph {}", "strict graph x { a; a; a -- a }"], ids=["nothing", "loop"])
def test_odd_graphs_are_drawn(text: str) -> None:
    view = read_dot(text, title="t")
    assert b"</svg>" in draw(lambda _: view, "svg")


def test_a_graph_drawn_from_its_own_dot_is_the_same_picture(medium: Graph) -> None:
    view = view_of(medium, title="t")
    again = read_dot(dot_of(view), title="")
    assert sorted(again.nodes, key=repr) == sorted(view.nodes, key=repr)
    assert len(draw(lambda _: again, "svg", fit=False)) == len(render(medium, "svg", title="t"))


@pytest.mark.parametrize(
    ("text", "nodes", "edges"),
    [
        ('digraph { n [label="mine"]; nn; n -> nn }', {"n": "mine", "nn": "nn"}, [("n", "nn", "")]),
        ("digraph { n; m }", {"n": "n", "m": "m"}, []),
        ("graph { a [color=red; shape=box]; b }", {"a": "a", "b": "b"}, []),
        ("digraph { -.5 -> 3 }", {"-.5": "-.5", "3": "3"}, [("-.5", "3", "")]),
        ('digraph G { a [label="\\N of \\G"]; }', {"a": "a of G"}, []),
        ('digraph { a -> b [label="\\T to \\H: \\E"] }', {"a": "a", "b": "b"}, [("a", "b", "a to b: a->b")]),
        ('graph { a -- b [label="\\E"] }', {"a": "a", "b": "b"}, [("a", "b", "a--b")]),
        ("digraph { node [label=D]; a; subgraph { node [label=E] b } c }", {"a": "D", "b": "E", "c": "D"}, []),
        ("digraph { edge [label=D]; a -> b }", {"a": "a", "b": "b"}, [("a", "b", "D")]),
        ("strict digraph { a -> b; a -> b }", {"a": "a", "b": "b"}, [("a", "b", "")]),
        ("digraph { a -> b; a -> b }", {"a": "a", "b": "b"}, [("a", "b", "")] * 2),
        ('digraph { a [label=<<i>x</i><br/>y>]; b [label="<i>x</i>"] }', {"a": "x", "b": "<i>x</i>"}, []),
        ('digraph { "" -> "x"; /* "a */ // "b\n# "c\n }', {"": "", "x": "x"}, [("", "x", "")]),
        ('digraph { a [label="x" + "y"] }', {"a": "xy"}, []),
        ('digraph { a -> { b:p:n c } }', {"a": "a", "b": "b", "c": "c"}, [("a", "b", ""), ("a", "c", "")]),
    ],
)  # fmt: skip
def test_it_is_read_as_graphviz_reads_it(text: str, nodes: dict[str, str], edges: list[tuple[str, str, str]]) -> None:
    view = read_dot(text, title="t")
    assert {node.id: node.label for node in view.nodes} == nodes
    assert [(edge.source, edge.target, edge.label) for edge in view.edges] == edges


def test_a_node_is_in_the_innermost_cluster_that_has_it() -> None:
    view = read_dot("digraph { subgraph cluster_a { subgraph cluster_b { x } subgraph { y } } z }", title="t")
    assert {node.id: node.group for node in view.nodes} == {"x": "b", "y": "a", "z": None}
    assert {group.id: group.parent for group in view.groups} == {"a": None, "b": "a"}


def test_more_graphs_than_one_are_told() -> None:
    view = read_dot("digraph { a } digraph { b } graph { c }", title="t")
    assert [node.id for node in view.nodes] == ["a"]
    assert view.notes == ("The file has 3 graphs; this is the first, the others are left out.",)


@pytest.mark.parametrize("text", ["digraph {\n a ->\n}", "digraph {\n a [label=<\n<b/>>] x=;}"])
def test_what_is_wrong_is_told_with_its_line(text: str) -> None:
    with pytest.raises(RequestError, match="from line 3 on, near"):
        read_dot(text, title="t")


@pytest.mark.parametrize("label", ["x" * 100_000, "\\N" * 50_000, 'a\\"' * 9_000])
def test_a_long_label_is_read_and_cut(label: str) -> None:
    (node,) = read_dot(f'digraph {{ a [label="{label}"] }}', title="t").nodes
    assert len(node.label) == 2001
    assert node.label[:4] in ("xxxx", "aaaa", 'a"a"')
