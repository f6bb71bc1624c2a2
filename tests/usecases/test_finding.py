from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.errors import RequestError, UnknownName
from explorer.graph import Graph
from explorer.introspect import load_graph
from explorer.usecases.finding import check_kinds, list_models, nothing_matches, search


@pytest.fixture
def graph(make_timm: Callable[..., Path]) -> Graph:
    return load_graph(make_timm())


@pytest.mark.parametrize(
    ("patterns", "wish", "names"),
    [
        ([], {}, ["toy_large", "toy_small"]),
        (["*small", "*large"], {"exclude": ["*_s*"]}, ["toy_large"]),
        ([], {"pretrained": True}, ["toy_small.a_in1k", "toy_small.b_in1k"]),
        ([], {"pretrained": True, "tags": False}, ["toy_small"]),
        (["*large*"], {"tags": True}, ["toy_large.untrained"]),
        (["*_toy*"], {"deprecated": True}, ["gone_toy", "old_toy", "old_toy_b"]),
        ([], {"deprecated": True, "current": False}, ["gone_toy", "old_toy", "old_toy_b"]),
        ([], {"family": ["toy"], "exclude": ["*"]}, []),
    ],
)
def test_a_list_takes_what_timms_own_takes(
    graph: Graph, patterns: list[str], wish: dict[str, object], names: list[str]
) -> None:
    assert [entry.name for entry in list_models(*patterns, graph=graph, **wish)] == names  # type: ignore[arg-type]


def test_a_family_that_is_none_is_told_with_the_closest(graph: Graph) -> None:
    with pytest.raises(UnknownName, match=r"no family 'toi' \(closest: toy\)"):
        list_models(family=["toi"], graph=graph)


def test_a_search_is_narrowed_by_kind_and_number(graph: Graph) -> None:
    assert {hit.node.kind for hit in search("toy", kinds=["class"], graph=graph)} == {"class"}
    assert len(search("toy", graph=graph)) > len(search("toy", limit=1, graph=graph)) == 1
    assert search("nothing like this at all", graph=graph, kinds=["alias"]) == []


def test_a_kind_that_is_none_is_told_before_a_graph_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.usecases.finding.load", lambda: pytest.fail("read"))

    check_kinds(["model", "class"])
    with pytest.raises(RequestError, match=r"no kind of node 'klass'.*one of: .*class"):
        search("x", kinds=["klass"])


def test_patterns_that_match_nothing_lead_to_the_closest_names(graph: Graph) -> None:
    assert "toy_small" in nothing_matches(graph, ["toy_smal*"]).hint
    assert "gone_toy" in nothing_matches(graph, ["gone_to?"]).hint
    assert "explorer list" in nothing_matches(graph, []).hint
    assert nothing_matches(graph, []).message == "nothing matches these filters"


def test_a_name_of_the_hub_as_a_pattern_is_told_with_its_source(graph: Graph) -> None:
    assert nothing_matches(graph, ["timm/toy_small"]).hint == "on the hub: hf-hub:timm/toy_small; in timm: toy_small"
