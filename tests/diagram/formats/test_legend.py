from explorer.diagram import View, ViewEdge, ViewNode
from explorer.diagram.formats.legend import footer, header, legend_of
from explorer.diagram.style import Flow, Look
from explorer.graph import EdgeKind, Evidence, NodeKind


def keys(view: View) -> list[list[str]]:
    return [[entry.key for entry in row] for row in legend_of(view)]


def test_the_legend_has_what_is_shown_and_nothing_else() -> None:
    nodes = (ViewNode("a", NodeKind.CLASS, "a", focus=True), ViewNode("b", Look.GROUP, "b"))
    edges = (
        ViewEdge("a", "b", EdgeKind.CALLS, evidence=(Evidence.TRACED, Evidence.STATIC)),
        ViewEdge("a", "b", Flow.USES, evidence=()),
    )
    assert keys(View("t", "", nodes, edges)) == [
        ["node:class", "node:group", "mark:focus"],
        ["edge:calls", "edge:uses"],
        ["evidence:static + traced"],
    ]
    assert keys(View("t", "", (), ())) == []


def test_a_shaded_box_is_explained_by_its_shade_and_not_by_its_kind() -> None:
    nodes = (ViewNode("a", Look.LAYER, "a", shade=0.0), ViewNode("b", Look.LAYER, "b", shade=1.0))
    view = View("t", "", nodes, (), shaded_by="of the MACs")
    assert [entry.text for row in legend_of(view) for entry in row] == [
        "0 to 25 % of the MACs",
        "75 to 100 % of the MACs",
    ]


def test_what_stands_around_a_drawing_grows_with_what_it_says() -> None:
    view = View("A title", "subtitle", (ViewNode("a", Look.NODE, "a"),), ())
    long = View("A title " * 20, "subtitle", view.nodes, (), notes=("A note.",))
    assert header(long, 300.0)[1] > header(view, 300.0)[1]
    assert footer(long, 300.0)[1] > footer(view, 300.0)[1]
