"""Each use case called from Python, on the timm that is installed; what runs a model shares one worker."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import explorer
from explorer.errors import RequestError, UnknownName
from explorer.protocol.events import Event, Progress
from explorer.usecases.telling import Notice

pytestmark = pytest.mark.usefixtures("warm_cache")

MODEL = "test_resnet"
QUICK: dict[str, Any] = {"batch_size": 2, "seconds": 0.1, "iterations": 3, "roofline": False, "threads": 1}


@pytest.fixture(scope="module")
def client() -> Iterator[explorer.Client]:
    with explorer.Client() as client:
        yield client


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "results.db"
    monkeypatch.setenv("EXPLORER_RESULTS", str(path))
    return path


# from the source alone


def test_list_models(timm_graph: explorer.Graph) -> None:
    found = explorer.list_models("resnet3?", graph=timm_graph)

    assert [(entry.name, entry.family) for entry in found] == [("resnet34", "resnet")]
    assert explorer.list_models("nothing_is_like_this", graph=timm_graph) == []
    with pytest.raises(UnknownName, match="resnet"):
        explorer.list_models(family=["resnett"], graph=timm_graph)


def test_show(timm_graph: explorer.Graph) -> None:
    told: list[Event | Notice] = []

    assert explorer.show("resnet34", graph=timm_graph)["cfg"]["input_size"] == [3, 224, 224]
    assert explorer.show("tv_resnet34", graph=timm_graph, emit=told.append)["replaced_by"] == "resnet34.tv_in1k"
    assert told == [Notice("tv_resnet34 is deprecated: timm maps it to resnet34.tv_in1k")]


def test_search(timm_graph: explorer.Graph) -> None:
    (hit,) = explorer.search("squeeze excite", kinds=["module"], limit=1, graph=timm_graph)

    assert hit.node.id == "timm.layers.squeeze_excite"
    with pytest.raises(RequestError, match="no kind"):
        explorer.search("x", kinds=["modul"], graph=timm_graph)


def test_path(timm_graph: explorer.Graph) -> None:
    way = explorer.path("resnet34", "timm.models.resnet.BasicBlock", graph=timm_graph)

    assert [stop.id for stop in way.stops][:2] == ["model:resnet34", "timm.models.resnet:resnet34"]
    assert way.stops[-1].id.startswith("timm.models.resnet:BasicBlock")
    assert len(way.stops) == len(way.edges) + 1


def test_draw(timm_graph: explorer.Graph, tmp_path: Path) -> None:
    picture = explorer.draw("resnet34", graph=timm_graph)

    assert "model:resnet34" in {node["id"] for node in picture.data()["nodes"]}
    assert picture._repr_svg_().startswith("<svg")
    assert picture.save(tmp_path / "a.dot").read_text().startswith("digraph")
    with pytest.raises(RequestError, match="says nothing"):
        explorer.draw("resnet34", level="operator", graph=timm_graph)
    with pytest.raises(RequestError, match="no 'dept'"):
        explorer.draw("resnet34", dept=2, graph=timm_graph)


def test_the_graph_is_loaded_where_none_is_given() -> None:
    assert explorer.show("resnet34")["name"] == "resnet34"


# with a worker


def test_draw_a_model_that_runs(client: explorer.Client, timm_graph: explorer.Graph) -> None:
    picture = explorer.draw(MODEL, view="architecture", depth=2, client=client, graph=timm_graph)

    assert "Conv2d" in picture.render("svg").decode()


def test_inspect(client: explorer.Client, timm_graph: explorer.Graph) -> None:
    result = explorer.inspect(MODEL, img_size=64, num_classes=10, client=client, graph=timm_graph)

    assert tuple(result.layers[0].output_shape or ()) == (1, 10)
    assert result.totals.macs > 0
    with pytest.raises(RequestError, match="no_such"):
        explorer.inspect(MODEL, args={"no_such": 1}, client=client, graph=timm_graph)


def test_trace(client: explorer.Client, timm_graph: explorer.Graph) -> None:
    told: list[Event | Notice] = []
    result = explorer.trace(MODEL, client=client, graph=timm_graph, save=False, emit=told.append)

    assert "timm.models.resnet:ResNet.__init__" in {step["callee"] for step in result.story["steps"]}
    assert any(isinstance(event, Progress) for event in told)


def test_bench_is_told_and_kept(client: explorer.Client, timm_graph: explorer.Graph, results: Path) -> None:
    told: list[Event | Notice] = []
    result = explorer.bench(MODEL, client=client, graph=timm_graph, label="mine too", emit=told.append, **QUICK)
    (run,) = explorer.runs(MODEL, label="mine too")

    assert result.batch_size == 2
    assert run.samples_per_sec == result.samples_per_sec
    assert any(isinstance(event, Progress) for event in told)
    with pytest.raises(UnknownName, match="batch_size"):
        explorer.bench(MODEL, client=client, graph=timm_graph, batchsize=2)


def test_compare_what_was_kept(client: explorer.Client, timm_graph: explorer.Graph, results: Path) -> None:
    for label in "ab":
        explorer.bench(MODEL, client=client, graph=timm_graph, label=label, **QUICK)
    one, other = explorer.runs()

    assert explorer.compare(one.id, other.id).to_json()["samples_per_sec_ratio"] > 0
    assert explorer.compare("a", "b").to_json()["pairs"][0]["model"] == MODEL


def test_versus(client: explorer.Client, timm_graph: explorer.Graph, results: Path) -> None:
    result = explorer.versus(MODEL, "batch_size=1", client=client, graph=timm_graph, **QUICK)

    assert (result.a.batch_size, result.b.batch_size) == (2, 1)
    assert len(explorer.runs()) == 2


def test_tune(client: explorer.Client, timm_graph: explorer.Graph, results: Path) -> None:
    keep = ["dtype", "compile", "memory_format", "threads"]
    result = explorer.tune(MODEL, keep=keep, limit_seconds=0.1, client=client, graph=timm_graph, **QUICK)

    assert result.baseline.batch_size == 2
    assert explorer.runs()


def test_verify_holds_what_is_traced() -> None:
    verified = explorer.verify("resnet34", trace=False)

    assert verified.found.whole.recall == 1
    assert verified.to_json()["models"][0]["name"] == "resnet34"
