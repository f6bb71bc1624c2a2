import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from explorer.diagram import GraphvizProcess
from explorer.diagram.layout import graphviz
from explorer.errors import LayoutError
from explorer.graph import Edge, EdgeKind, Graph, Node, NodeKind

from ..samples import render


def child(*code: str) -> list[str]:
    return [sys.executable, "-c", "; ".join(code)]


def test_a_layout_past_its_time_limit_is_ended(small: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphviz, "graphviz_command", lambda: child("import time", "time.sleep(60)"))
    started = GraphvizProcess()
    with pytest.raises(LayoutError, match=r"longer than 0\.2 s"):
        render(small, "svg", title="t", time_limit_s=0.2, graphviz=started)
    assert started._child.poll() is not None


def test_a_failure_is_told_in_one_line(small: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphviz, "graphviz_command", lambda: child("import sys", "sys.exit('first\\nout of paper')"))
    with pytest.raises(LayoutError) as error:
        render(small, "svg", title="t")
    assert error.value.message == "Graphviz failed: out of paper"


def test_an_answer_that_is_no_layout_is_an_error(small: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphviz, "graphviz_command", lambda: child("print('{}')"))
    with pytest.raises(LayoutError, match="cannot be read"):
        render(small, "svg", title="t")


def test_no_graphviz_at_all_names_the_mend(small: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    code = child("raise ModuleNotFoundError(\"No module named 'pygraphviz'\")")
    monkeypatch.setattr(graphviz, "graphviz_command", lambda: code)
    with pytest.raises(LayoutError) as error:
        render(small, "svg", title="t")
    assert "pygraphviz" in error.value.hint


def test_a_command_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphviz, "graphviz_command", lambda: ["/nowhere/dot"])
    with pytest.raises(LayoutError, match="cannot be started"):
        GraphvizProcess()


def test_pygraphviz_serves_where_there_is_no_dot(small: Graph, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert graphviz.graphviz_command()[0] == sys.executable
    assert b"</svg>" in render(small, "svg", title="t")


def test_a_dot_on_the_path_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dot = tmp_path / "dot"
    dot.write_text("#!/bin/sh\n")
    dot.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert graphviz.graphviz_command() == [str(dot), "-Tjson0"]


def test_an_early_child_can_be_given_up() -> None:
    with closing(GraphvizProcess()) as started:
        pass
    assert started._child.poll() is not None


def test_cycles_and_self_calls_are_laid_out() -> None:
    graph = Graph()
    for name in "abc":
        graph.add_node(Node(f"timm.m:{name}", NodeKind.FUNCTION))
    for source, target in ("ab", "bc", "ca", "aa"):
        graph.add_edge(Edge(f"timm.m:{source}", f"timm.m:{target}", EdgeKind.CALLS))
    assert render(graph, "svg", title="t").count(b'class="edge ') == 4


def test_four_hundred_nodes_are_laid_out() -> None:
    graph = Graph()
    for i in range(400):
        graph.add_node(Node(f"timm.m{i % 9}:f{i}", NodeKind.FUNCTION))
        if i:
            graph.add_edge(Edge(f"timm.m{i // 3 % 9}:f{i // 3}", f"timm.m{i % 9}:f{i}", EdgeKind.CALLS))
    assert render(graph, "svg", title="t", time_limit_s=60).count(b'class="node ') == 400


def test_importing_the_package_brings_in_nothing_heavy() -> None:
    heavy = "networkx graphviz pygraphviz pydot resvg_py PIL subprocess textual torch"
    code = f"import sys, explorer.diagram; print([m for m in {heavy.split()!r} if m in sys.modules])"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout.strip() == "[]"
