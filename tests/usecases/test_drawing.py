from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.errors import RequestError, UnknownName
from explorer.graph import Graph
from explorer.introspect import load_graph
from explorer.usecases.drawing import VIEWS, PictureWish, check, dot_picture, draw, flow_request, neighbourhood
from explorer.usecases.telling import Notice


@pytest.fixture
def graph(make_timm: Callable[..., Path]) -> Graph:
    return load_graph(make_timm())


@pytest.mark.parametrize(
    ("view", "target", "wish", "said"),
    [
        ("kalls", "x", {}, "no view"),
        ("calls", None, {}, "no target"),
        ("overview", "x", {}, "all of timm"),
        ("calls", "x", {"level": "operator"}, "--level says nothing to --view calls"),
        ("family", "x", {"args": {"a": 1}}, "--set says nothing to --view family"),
        ("all", None, {"nodes": 9}, "--nodes says nothing"),
        ("dataflow", "x", {"level": "layer"}, "no level 'layer'"),
        ("dataflow", "x", {"shade": "time"}, "no shade 'time'"),
    ],
)
def test_what_makes_no_sense_is_refused(view: str, target: str | None, wish: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        check(view, target, PictureWish(**wish))


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_can_be_asked_for(view: str) -> None:
    check(view, None if view == "overview" else "x", PictureWish())


def test_a_model_is_drawn_with_its_calls_and_a_class_with_its_relatives(graph: Graph) -> None:
    assert "model:toy_small" in {node["id"] for node in draw("toy_small", graph=graph).data()["nodes"]}
    assert any("ToyNet" in line for line in draw("ToyNet", graph=graph).lines())
    with pytest.raises(UnknownName, match="toy_small"):
        draw("toy_smal", graph=graph)
    with pytest.raises(RequestError, match="makes no calls"):
        draw("ToyNet", view="calls", graph=graph)


def test_what_is_left_out_is_told_when_it_is(graph: Graph) -> None:
    told: list[object] = []
    picture = draw("toy_small", nodes=2, graph=graph, emit=told.append)

    assert told == []
    picture.lines()
    assert any(isinstance(event, Notice) and "left out" in event.message for event in told)


def test_the_whole_graph_is_data(graph: Graph) -> None:
    picture = draw(view="all", graph=graph)

    assert len(picture.data()["nodes"]) == len(graph)
    with pytest.raises(RequestError, match="is data"):
        picture.lines()


def test_the_neighbourhood_of_what_is_no_model_goes_up_too(graph: Graph) -> None:
    node = graph.node("timm.models._factory:create_model")

    assert neighbourhood(graph, node).root == node.id
    assert "timm.models._registry:model_entrypoint" in neighbourhood(graph, node).graph


def test_what_runs_is_asked_with_the_wishes_that_were_made(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.touch()
    request = flow_request("toy_small", PictureWish(img_size=64, args={"depth": 2}), [str(own)])

    assert (request.img_size, request.in_chans, request.args) == (64, None, {"depth": 2})
    assert [name for name, _ in request.extra] == ["own"]


def test_a_dot_of_the_users_own_is_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "a.dot"
    file.write_text("digraph { a -> b }")
    assert len(dot_picture(file, PictureWish()).view.nodes) == 2
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(RequestError, match="no DOT"):
        dot_picture(file, PictureWish())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_dot_in_any_usual_encoding(tmp_path: Path, encoding: str) -> None:
    file, told = tmp_path / "a.dot", list[str]()
    file.write_bytes('digraph { a [label="Über"] }'.encode(encoding))
    picture = dot_picture(file, PictureWish(), lambda event: told.append(event.message))

    assert [node.label for node in picture.view.nodes] == ["Über"]
    assert [message.endswith("no UTF-8: read as Latin-1") for message in told] == [True] * (encoding == "latin-1")


LARGE = {
    "a path": ("->", [(i, i + 1) for i in range(3000)]),
    "a star": ("->", [(0, i) for i in range(1, 3000)]),
    "a tree": ("--", [(i, (i - 1) // 3) for i in range(1, 3000)]),
    "a tangle": ("->", [(i, i * k % 1009) for i in range(1009) for k in (2, 3, 5, 7)]),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_drawing_too_large_for_a_picture_is_folded_and_told(tmp_path: Path, name: str) -> None:
    sign, pairs = LARGE[name]
    file, told = tmp_path / "large.dot", list[str]()
    body = "\n".join(f"n{a} {sign} n{b};" for a, b in pairs)
    file.write_text(f"{'digraph' if sign == '->' else 'graph'} {{ {body} }}")
    picture = dot_picture(file, PictureWish(), lambda event: told.append(event.message))
    svg = picture.render()

    assert len(picture.view.nodes) <= 40
    assert f"{len({n for pair in pairs for n in pair}):,} nodes and {len(pairs):,} edges are folded into" in told[-1]
    assert svg.startswith(b"<svg")
    assert len(picture.data()["nodes"]) == len({n for pair in pairs for n in pair})
    assert dot_picture(file, PictureWish()).render() == svg


def test_a_text_of_megabytes_is_cut_and_told(tmp_path: Path) -> None:
    file, told = tmp_path / "long.dot", list[str]()
    file.write_text(f'digraph {{ a [label="{"x" * 5_000_000}"]; a -> b }}')
    svg = dot_picture(file, PictureWish(), lambda event: told.append(event.message)).render()

    assert told == ["Cut to 4,000 letters: 1 text."]
    assert len(svg) < 100_000


def test_clusters_in_clusters_without_end(tmp_path: Path) -> None:
    file = tmp_path / "deep.dot"
    opened = "".join(f"subgraph cluster_{i} {{ n{i};" for i in range(150))
    file.write_text(f"digraph {{ {opened}{'}' * 150} }}")

    assert dot_picture(file, PictureWish()).render().startswith(b"<svg")
