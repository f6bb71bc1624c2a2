import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.diagram.views.call_view import calls
from explorer.errors import RequestError
from explorer.graph import EdgeKind, Graph
from explorer.introspect import load_graph
from tests.diagram.views.toy import BUILDER, CONV_ACT, CREATE_MODEL, TOY, TOY_NET, arrows, boxes


def test_the_calls_of_a_model_lead_from_create_model_to_its_layers(toy: Graph) -> None:
    view = calls(toy, toy.node("model:toy_small"))
    assert view.title == 'create_model("toy_small")'
    assert {
        ("model:toy_small", f"{TOY}:toy_small", "registers"),
        (CREATE_MODEL, f"{TOY}:toy_small", "dispatches"),
        (BUILDER, f"{TOY_NET}.__init__", "calls"),
        (f"{TOY_NET}.__init__", f"{CONV_ACT}.__init__", "calls"),
    } <= arrows(view)


def test_a_picture_of_calls_says_how_they_are_known(toy: Graph, timm_graph: Graph) -> None:
    assert "static" in calls(toy, toy.node("model:toy_small")).subtitle
    assert timm_graph.traces
    assert "traced" in calls(timm_graph, timm_graph.node("model:resnet34")).subtitle


def test_a_deprecated_name_is_drawn_as_what_stands_for_it_and_a_removed_one_refused(toy: Graph) -> None:
    assert f"{TOY}:toy_small" in boxes(calls(toy, toy.node("alias:old_toy")))
    with pytest.raises(RequestError, match="removed"):
        calls(toy, toy.node("alias:gone_toy"))


def test_around_a_function_stand_its_callers_and_its_calls(toy: Graph) -> None:
    view = calls(toy, toy.node(BUILDER))
    assert (f"{TOY}:_create_toy", BUILDER, "calls") in arrows(view)
    assert (BUILDER, f"{TOY_NET}.__init__", "calls") in arrows(view)
    alone = calls(toy, toy.node(BUILDER), up=0, depth=1)
    assert f"{TOY}:_create_toy" not in boxes(alone)
    assert f"{CONV_ACT}.__init__" not in boxes(alone)


def test_a_fold_of_calls_says_how_many_it_holds_and_names_them_all(timm_graph: Graph) -> None:
    view = calls(timm_graph, timm_graph.node(CREATE_MODEL))
    fold = next(node for node in view.nodes if "entrypoints" in node.label)
    entrypoints = [edge.target for edge in timm_graph.out_edges(CREATE_MODEL, EdgeKind.DISPATCHES)]
    assert fold.label == f"{len(entrypoints):,} entrypoints"
    assert len(fold.members) == len(entrypoints)
    assert (CREATE_MODEL, fold.id, "dispatches") in arrows(view)


def test_a_picture_keeps_no_graph_alive(make_timm: Callable[..., Path]) -> None:
    """A command looks for no garbage: a graph that holds on to itself is walked when Python ends, for a tenth of it."""
    package = make_timm()
    load_graph(package)
    graph = load_graph(package)
    kept = weakref.ref(graph)
    gc.disable()
    try:
        calls(graph, graph.node("model:toy_small"))
        del graph
        assert kept() is None
    finally:
        gc.enable()
