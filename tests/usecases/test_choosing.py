from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.errors import ExplorerError, RequestError, TimmNotFound, UnknownName
from explorer.graph import Graph
from explorer.introspect import load_graph
from explorer.usecases.choosing import ModelNames, is_pattern, registered_models


@pytest.fixture
def graph(make_timm: Callable[..., Path]) -> Graph:
    return load_graph(make_timm())


@pytest.mark.parametrize(
    ("text", "holds"), [("resnet*", True), ("resnet3?", True), ("a[bc]", True), ("resnet34", False)]
)
def test_what_is_a_pattern(text: str, holds: bool) -> None:
    assert is_pattern(text) is holds
    assert not is_pattern(f"hf-hub:{text}")


def test_names_and_patterns_in_their_order_each_once(graph: Graph) -> None:
    known = ModelNames(graph=graph)

    assert known.chosen(["hf-hub:any/one", "toy_small", "toy_*"], tags=False)[:2] == ["hf-hub:any/one", "toy_small"]
    assert len(set(known.chosen(["toy_*", "toy_small"], tags=False))) == len(known.chosen(["toy_*"], tags=False))
    with pytest.raises(UnknownName, match="toy_small"):
        known.chosen(["toy_smal"], tags=False)
    with pytest.raises(RequestError, match="nothing matches"):
        known.chosen(["nothing_*"], tags=False)


def test_a_pattern_with_a_tag_stands_for_weights_where_they_are_asked_for(timm_graph: Graph) -> None:
    known = ModelNames(graph=timm_graph)

    assert "resnet34.a1_in1k" in known.chosen(["resnet34.a*"], tags=True)
    with pytest.raises(RequestError, match="nothing matches"):
        known.chosen(["resnet34.a*"], tags=False)


def test_arguments_are_judged_of_each_model(timm_graph: Graph) -> None:
    known = ModelNames(graph=timm_graph)
    known.check("resnet34", ["drop_rate"])

    with pytest.raises(RequestError, match="no_such"):
        known.check_some_take(["resnet34", "resnet50"], ["no_such"])
    known.check_some_take(["resnet34"], [])
    with pytest.raises(RequestError, match="drop_rate"):
        known.check("resnet34", ["drop_rat"])


def test_source_of_the_users_own_is_the_workers_to_judge(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.touch()
    ModelNames([str(own)]).check("whatever", ["any"])


@pytest.mark.parametrize("error", [TimmNotFound("none"), ImportError("networkx")])
def test_a_machine_without_what_the_graph_needs_judges_no_names(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def load(**_: object) -> None:
        raise error

    monkeypatch.setattr("explorer.usecases.choosing.load", load)
    ModelNames().check("whatever")
    with pytest.raises(ExplorerError):
        ModelNames().chosen(["what*"], tags=False)


def test_removed_names_are_no_models(timm_graph: Graph) -> None:
    names = registered_models(timm_graph, ["*resnet34*"])

    assert "resnet34" in names
    assert "tv_resnet34" in names
    with pytest.raises(RequestError, match="nothing matches"):
        registered_models(timm_graph, ["nothing_*"])
