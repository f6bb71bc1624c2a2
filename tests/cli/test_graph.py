import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

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
