import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from explorer.introspect import load_graph

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


@pytest.mark.parametrize("output", [(), ("-F", "svg"), ("-o", "a.png"), ("-F", "dot")])
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
