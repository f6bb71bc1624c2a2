import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import networkx as nx
import pytest

from explorer.introspect import load_graph

from ..diagram.views.flows import FlowMaker

Explorer = Callable[..., Any]


def test_a_tree_without_a_file(explorer: Explorer, toy: Path) -> None:
    done = explorer("graph", "toy_small", "--timm", toy)

    assert (done.code, done.err) == (0, "")
    for name in ("create_model", "toy_small", "_create_toy", "build_model_with_cfg", "ToyNet.__init__"):
        assert name in done.out


def test_json_is_node_link(explorer: Explorer, toy: Path) -> None:
    graph = nx.node_link_graph(explorer("graph", "toy_small", "--json", "--timm", toy).json, edges="edges")

    assert "timm.models.toy:ToyNet.__init__" in graph
    assert "timm.models.toy:toy_large" not in graph


@pytest.mark.parametrize("target", ["toy_small", "old_toy_b", "ToyNet", "timm.models.toy", "torch.nn.Module"])
def test_svg(explorer: Explorer, toy: Path, tmp_path: Path, target: str) -> None:
    output = tmp_path / "picture.svg"
    done = explorer("graph", target, "-o", output, "--timm", toy)

    assert (done.code, done.out) == (0, "")
    assert ET.parse(output).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.json", b"{"), ("a.dot", b"digraph"), ("a.png", b"\x89PNG"), ("A.SVG", b"<"), ("ä b.svg", b"<")],
)
def test_the_ending_is_the_format(explorer: Explorer, toy: Path, tmp_path: Path, name: str, start: bytes) -> None:
    assert explorer("graph", "toy_small", "-o", tmp_path / name, "--timm", toy).code == 0
    assert start in (tmp_path / name).read_bytes()[:400]


def test_the_format_may_be_named(explorer: Explorer, toy: Path, tmp_path: Path) -> None:
    explorer("graph", "toy_small", "-o", tmp_path / "picture", "-F", "json", "--timm", toy)

    assert json.loads((tmp_path / "picture").read_text("utf-8"))["nodes"]


@pytest.mark.parametrize("output", [("-o", "-"), ()])
@pytest.mark.parametrize(("fmt", "start"), [("json", "{"), ("svg", "<"), ("dot", "digraph")])
def test_stdout(explorer: Explorer, toy: Path, output: tuple[str, ...], fmt: str, start: str) -> None:
    done = explorer("graph", "toy_small", *output, "-F", fmt, "--timm", toy)

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(start)


def test_what_was_left_out_is_said(explorer: Explorer, toy: Path) -> None:
    done = explorer("graph", "toy_small", "--nodes", "4", "--timm", toy)

    assert done.code == 0
    assert "left out" in done.err


def test_a_deprecated_name_comes_with_a_notice(explorer: Explorer, toy: Path) -> None:
    assert explorer("graph", "old_toy", "--timm", toy).err == "note: old_toy is deprecated: timm maps it to toy_small\n"


def test_a_file_that_is_there_is_replaced_whole_or_not_at_all(explorer: Explorer, toy: Path, tmp_path: Path) -> None:
    output = tmp_path / "picture.json"
    output.write_text("old")

    assert explorer("graph", "no_such_model", "-o", output, "--timm", toy).code == 2
    assert output.read_text() == "old"
    assert explorer("graph", "toy_small", "-o", output, "--timm", toy).code == 0
    assert output.read_text() != "old"


def nodes(data: Any) -> set[str]:
    return {node["id"] for node in data["nodes"]}


def test_the_calls_of_a_model_are_its_slice_whole(explorer: Explorer, toy: Path, tmp_path: Path) -> None:
    output = tmp_path / "slice.json"
    done = explorer("graph", "toy_small", "--view", "calls", "--static", "-o", output, "--timm", toy)
    data = json.loads(output.read_text("utf-8"))
    graph = load_graph(toy)
    pairs = {
        p for p in graph.contexts.pairs(graph.contexts.models["toy_small"]) if all(i.startswith("timm") for i in p)
    }

    assert (done.code, done.out, done.err) == (0, "", "")
    assert {(e["source"], e["target"]) for e in data["edges"] if e["kind"] in ("calls", "dispatches")} == pairs
    assert ("timm.models._factory:create_model", "timm.models.toy:toy_small") in pairs


@pytest.mark.parametrize("output", [("--json",), ("-F", "json")])
def test_data_has_all_unless_told_how_many(explorer: Explorer, make_timm: Any, output: tuple[str, ...]) -> None:
    calls = "\n".join(f"    f{i}()" for i in range(40))
    functions = "\n".join(f"def f{i}(): pass" for i in range(40))
    many = f"from ._registry import register_model\n{functions}\n@register_model\ndef net(**kwargs):\n{calls}\n"
    timm = make_timm({"models/toy.py": many})

    whole = explorer("graph", "net", *output, "--timm", timm)
    part = explorer("graph", "net", *output, "--nodes", "9", "--timm", timm)
    assert len(json.loads(whole.out)["nodes"]) > 40
    assert (len(json.loads(part.out)["nodes"]), "left out" in part.err) == (9, True)
    assert "left out" in explorer("graph", "net", "--timm", timm).err


@pytest.mark.parametrize("target", [(), ("toy_small",)])
@pytest.mark.parametrize("output", [("--json",), ("-F", "json")])
def test_the_whole_graph_is_data(explorer: Explorer, toy: Path, target: Any, output: tuple[str, ...]) -> None:
    done = explorer("graph", *target, "--view", "all", *output, "--timm", toy)
    whole = load_graph(toy)
    data = json.loads(done.out)

    assert (done.code, done.err) == (0, "")
    assert nodes(data) == set(whole.ids())
    assert len(data["edges"]) == len(list(whole.edges()))


@pytest.mark.parametrize("output", [(), ("-F", "svg"), ("-o", "a.png"), ("-F", "html"), ("-F", "mmd")])
def test_the_whole_graph_is_no_picture(explorer: Explorer, toy: Path, output: tuple[str, ...]) -> None:
    done = explorer("graph", "--view", "all", *output, "--timm", toy)

    assert (done.code, done.out) == (2, "")
    assert "too many nodes" in done.error
    assert "name a target" in done.error


def test_calls_of_a_function(explorer: Explorer, toy: Path) -> None:
    data = explorer("graph", "_create_toy", "--view", "calls", "--json", "--timm", toy).json

    assert "timm.models.toy:ToyNet.__init__" in nodes(data)


def test_what_was_traced_is_shown_and_can_be_left_out(
    explorer: Explorer, toy: Path, keep_trace: Callable[..., None]
) -> None:
    keep_trace(
        "toy_small",
        [
            ("_factory:create_model", "toy:toy_small", "models/_factory.py:5"),
            ("toy:toy_small", "toy:_cfg", "models/toy.py:33"),
        ],
    )
    traced = explorer("graph", "toy_small", "--json", "--timm", toy).json
    static = explorer("graph", "toy_small", "--json", "--static", "--timm", toy).json
    evidence = {(e["source"], e["target"]): e["evidence"] for e in traced["edges"]}

    assert evidence["timm.models.toy:toy_small", "timm.models.toy:_cfg"] == ["traced"]
    assert evidence["timm.models._factory:create_model", "timm.models.toy:toy_small"] == ["static", "traced"]
    assert "timm.models.toy:_create_toy" not in nodes(traced)
    assert {e for edge in static["edges"] for e in edge["evidence"]} == {"static"}
    assert "timm.models.toy:_create_toy" in nodes(static)
    assert "timm.models.toy:_cfg" not in nodes(static)


def test_source_of_ones_own_has_no_link_into_timms_repository(
    explorer: Explorer, toy: Path, own: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "picture.svg"
    assert explorer("graph", "own_net", "--with", own, "-o", picture, "--timm", toy).code == 0
    shown = ET.parse(picture).getroot()
    links = [link.get("href", "") for link in shown.iter("{http://www.w3.org/2000/svg}a")]

    assert "OwnNet" in "".join(shown.itertext())
    assert any("timm/models/_builder.py" in link for link in links)
    assert [link for link in links if "own.py" in link] == []


# views


def svg_words(path: Path) -> str:
    return "".join(ET.parse(path).getroot().itertext())


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        ((), "timm on one whiteboard"),
        (("toy_small",), 'create_model("toy_small")'),
        (("timm.models.toy:_create_toy",), "timm.models.toy:_create_toy"),
        (("ToyNet",), "ToyNet"),
        (("timm.models.toy",), "timm.models.toy"),
        (("toy",), "toy family"),
        (("toy_small", "--view", "family"), "toy family"),
        (("toy", "--view", "classes"), "toy"),
        (("ConvAct", "--view", "uses"), "ConvAct"),
        (("toy_small", "--view", "classes"), "toy_small"),
    ],
    ids=["nothing", "model", "function", "class", "module", "family", "its-family", "classes", "uses", "model-classes"],
)
def test_each_target_has_the_view_that_suits_it(
    explorer: Explorer, toy: Path, tmp_path: Path, arguments: tuple[str, ...], title: str
) -> None:
    picture = tmp_path / "picture.svg"
    done = explorer("graph", *arguments, "-o", picture, "--timm", toy)

    assert (done.code, done.out, done.err) == (0, "", "")
    assert title in svg_words(picture)


@pytest.mark.parametrize("arguments", [(), ("ToyNet",), ("toy",)], ids=["overview", "class", "family"])
def test_a_view_is_a_tree_in_the_terminal_and_data_on_request(
    explorer: Explorer, toy: Path, arguments: tuple[str, ...]
) -> None:
    tree = explorer("graph", *arguments, "--timm", toy)
    data = explorer("graph", *arguments, "--json", "--timm", toy)

    assert (tree.code, tree.err, data.code, data.err) == (0, "", 0, "")
    assert "└─" in tree.out
    assert {node["kind"] for node in data.json["nodes"]}
    assert nx.node_link_graph(data.json, edges="edges").number_of_nodes() == len(data.json["nodes"])


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.pdf", b"%PDF"),
        ("a.html", b"<!doctype html>"),
        ("a.mmd", b"---"),
        ("a.graphml", b"<?xml"),
        ("a.gexf", b"<?xml"),
    ],
)
def test_more_endings(explorer: Explorer, toy: Path, tmp_path: Path, name: str, start: bytes) -> None:
    done = explorer("graph", "toy_small", "-o", tmp_path / name, "--timm", toy)

    assert (done.code, done.out, done.err) == (0, "", "")
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("toy_small", "--view", "family", "--depth", "2"), "--depth"),
        (("toy_small", "--view", "calls", "--level", "operator"), "--level"),
        (("--view", "calls"), "explorer graph TARGET"),
        (("toy_small", "--view", "dataflow", "--level", "kernel"), "module or operator"),
        (("toy_small", "--from", "x.dot"), "--from"),
        (("--from", "no_such.dot"), "no_such.dot"),
        (("--view", "all", "--nodes", "9", "-o", "a.json"), "--nodes"),
    ],
    ids=["depth", "level", "target", "kernel", "both", "missing", "all"],
)
def test_what_does_not_go_together_is_refused(
    explorer: Explorer, toy: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = explorer("graph", *arguments, "--timm", toy)

    assert (done.code, done.out) == (2, "")
    assert words in done.error


# the user's own DOT


def test_a_dot_of_ones_own_is_drawn(explorer: Explorer, tmp_path: Path) -> None:
    own = tmp_path / "own.dot"
    own.write_text(
        'digraph { label="Mine"; subgraph cluster_a { label="残差"; x; } x -> "y z" [label="1\\2"] }', "utf-8"
    )
    done = explorer("graph", "--from", own, "-o", tmp_path / "own.svg")

    assert (done.code, done.out, done.err) == (0, "", "")
    words = svg_words(tmp_path / "own.svg")
    assert all(text in words for text in ("Mine", "残差", "y z"))


@pytest.mark.parametrize("content", [b"digraph {", b"\xff\xfe\x00", b""], ids=["open", "bytes", "empty"])
def test_a_file_that_is_no_dot_is_one_clear_error(explorer: Explorer, tmp_path: Path, content: bytes) -> None:
    own = tmp_path / "own.dot"
    own.write_bytes(content)
    done = explorer("graph", "--from", own)

    assert (done.code, done.out) == (2, "")
    assert done.error


def test_a_picture_drawn_from_our_dot_has_the_same_nodes(explorer: Explorer, toy: Path, tmp_path: Path) -> None:
    explorer("graph", "toy_small", "-o", tmp_path / "a.dot", "--timm", toy)
    again = explorer("graph", "--from", tmp_path / "a.dot", "--json").json
    picture = explorer("graph", "toy_small", "--json", "--timm", toy).json

    assert {(n["id"], n["kind"]) for n in again["nodes"]} == {(n["id"], n["kind"]) for n in picture["nodes"]}


# opening


def test_open_shows_the_file_that_was_drawn(
    explorer: Explorer, toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("typer.launch", lambda path: opened.append(path) or 0)
    done = explorer("graph", "toy_small", "-o", tmp_path / "a.svg", "--open", "--timm", toy)

    assert (done.code, done.out, opened) == (0, "", [str(tmp_path / "a.svg")])


def test_open_without_a_file_draws_a_page_to_walk_around_in(
    explorer: Explorer, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("typer.launch", lambda path: opened.append(path) or 0)

    assert explorer("graph", "toy_small", "--open", "--timm", toy).code == 0
    assert Path(opened[0]).suffix == ".html"
    assert Path(opened[0]).read_text("utf-8").startswith("<!doctype html>")


def test_where_nothing_opens_files_the_place_is_told(
    explorer: Explorer, toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.launch", lambda path: 1)
    done = explorer("graph", "toy_small", "-o", tmp_path / "a.svg", "--open", "--timm", toy)

    assert done.code == 1
    assert str(tmp_path / "a.svg") in done.error


# models that run


class FakeClient:
    """Answers every request with one small pass, and keeps what was asked."""

    asked: ClassVar[list[Any]] = []

    def __enter__(self) -> "FakeClient":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, request: Any, on_event: Any) -> Any:
        self.asked.append(request)
        maker = FlowMaker()
        with maker.call("", "ToyNet", maker.input):
            maker.layer("conv", "Conv2d", maker.input, (1, 8, 16, 16), 24)
        return maker.result()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, toy: Path) -> list[Any]:
    """What was asked of the worker; the graph is the small timm's."""
    monkeypatch.setattr("explorer.engine.client.Client", FakeClient)
    graph = load_graph(toy)
    monkeypatch.setattr("explorer.usecases.loading.load_graph", lambda *_, **__: graph)
    FakeClient.asked.clear()
    return FakeClient.asked


@pytest.mark.parametrize("view", ["architecture", "dataflow"])
def test_a_model_that_runs_is_drawn(explorer: Explorer, asked: list[Any], tmp_path: Path, view: str) -> None:
    picture = tmp_path / "a.svg"
    options = ("--img-size", "64", "--num-classes", "0", "--reparam")
    done = explorer("graph", "toy_small", "--view", view, *options, "-o", picture)

    assert (done.code, done.out, done.err) == (0, "", "")
    assert "Conv2d" in svg_words(picture)
    (request,) = asked
    assert (request.model, request.img_size, request.num_classes, request.reparam) == ("toy_small", 64, 0, True)


def test_a_dataflow_can_be_shaded(explorer: Explorer, asked: list[Any], tmp_path: Path) -> None:
    picture = tmp_path / "a.svg"
    assert explorer("graph", "toy_small", "--view", "dataflow", "--shade", "params", "-o", picture).code == 0
    assert "parameters" in svg_words(picture)


def test_another_timm_is_not_run(explorer: Explorer, asked: list[Any], toy: Path) -> None:
    done = explorer("graph", "toy_small", "--view", "dataflow", "--timm", toy)

    assert done.code == 2
    assert "--timm only reads source" in done.error
    assert asked == []


def test_an_unknown_model_starts_no_worker(explorer: Explorer, asked: list[Any]) -> None:
    done = explorer("graph", "toy_smal", "--view", "architecture")

    assert done.code == 2
    assert "toy_small" in done.error
    assert asked == []
