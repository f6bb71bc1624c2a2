"""No command reads the graph more than once, whatever it asks of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.cli.main import COMMANDS
from explorer.graph import Graph
from explorer.introspect.cache import cached_graph
from tests.cli.test_bench_command import FAKE_WORKER
from tests.cli.test_inspect_command import FAKE_INSPECTOR
from tests.cli.test_trace_command import FAKE_TRACER

SET = ("--set", "drop_rate=0.1")
LINES: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "list": ([], ("list", "resnet*", "--long")),
    "show": ([], ("show", "tv_resnet34")),
    "search": ([], ("search", "resnet34")),
    "path": ([], ("path", "tv_resnet34", "timm.models.resnet.BasicBlock")),
    "graph": ([], ("graph", "tv_resnet34")),
    "graph runs": (FAKE_INSPECTOR, ("graph", "resnet34", "--view", "architecture", *SET)),
    "gallery": (FAKE_INSPECTOR, ("gallery", ".")),
    "trace": (FAKE_TRACER, ("trace", "resnet34")),
    "trace all": (FAKE_TRACER, ("trace", "--all", "resnet1?")),
    "verify": (FAKE_TRACER, ("verify", "resnet1?")),
    "inspect": (FAKE_INSPECTOR, ("inspect", "resnet34", *SET)),
    "inspect many": (FAKE_INSPECTOR, ("inspect", "resnet34", "resnet50", "resnet1?", *SET)),
    "bench": (FAKE_WORKER, ("bench", "resnet34", *SET, "--no-save")),
    "bench many": (FAKE_WORKER, ("bench", "resnet34", "resnet1?", *SET, "--no-save")),
    "bench against": (FAKE_WORKER, ("bench", "resnet34", "--vs", "resnet50", "--no-save")),
    "results": ([], ("results", "list")),
}


@pytest.mark.usefixtures("warm_cache")
@pytest.mark.parametrize("line", LINES)
def test_a_command_reads_the_graph_at_most_once(
    line: str, explorer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    worker, arguments = LINES[line]
    loaded: list[object] = []

    def load(source: Any, *rest: Any) -> Graph:
        loaded.append(source)
        return cached_graph(source, *rest)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("explorer.introspect.cache.cached_graph", load)
    monkeypatch.setenv("TRACED", str(tmp_path / "traced"))
    monkeypatch.setenv("INSPECTED", str(tmp_path / "inspected"))
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: worker)
    explorer(*arguments)

    assert len(loaded) == (line != "results")


def test_every_command_is_held_to_it() -> None:
    assert {line.split()[0] for line in LINES} == set(COMMANDS)
