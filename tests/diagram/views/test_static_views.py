"""Views of the source alone: each on a toy, where every box and arrow is known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.diagram.style import Flow, Look
from explorer.diagram.view import View
from explorer.diagram.views.call_view import calls
from explorer.diagram.views.class_view import classes
from explorer.diagram.views.dependency_view import imports, uses
from explorer.diagram.views.family_view import family
from explorer.diagram.views.overview_view import overview
from explorer.errors import RequestError
from explorer.graph import EdgeKind, Graph, NodeKind
from explorer.introspect import load_graph

CREATE_MODEL = "timm.models._factory:create_model"
BUILDER = "timm.models._builder:build_model_with_cfg"
TOY, TOY_NET, CONV_ACT = "timm.models.toy", "timm.models.toy:ToyNet", "timm.layers.conv:ConvAct"
MODEL_VIEWS = (calls, classes, imports, family, uses)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    from tests.conftest import FAKE_TIMM

    return _written(tmp_path_factory.mktemp("toy") / "timm", FAKE_TIMM)


def _written(package: Path, files: dict[str, str]) -> Graph:
    from textwrap import dedent

    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return load_graph(package, use_cache=False)


def arrows(view: View) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.target, str(edge.kind)) for edge in view.edges}


def boxes(view: View) -> dict[str, str]:
    return {node.id: node.sublabel for node in view.nodes}


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


def test_a_models_classes_are_those_of_its_own_context(timm_graph: Graph) -> None:
    found = boxes(classes(timm_graph, timm_graph.node("model:resnet34")))
    assert "timm.models.resnet:BasicBlock" in found
    assert "timm.models.resnet:Bottleneck" not in found


def test_around_a_class_stand_what_it_holds_and_what_holds_it(toy: Graph) -> None:
    view = classes(toy, toy.node(CONV_ACT))
    assert (TOY_NET, CONV_ACT, "composes") in arrows(view)
    held = {target for source, target, kind in arrows(view) if source == CONV_ACT and kind == "composes"}
    assert held
    assert all(toy.get(i) is None or toy.node(i).kind is NodeKind.EXTERNAL for i in held)


def test_classes_outside_timm_are_one_box_by_package_and_named_in_it(timm_graph: Graph) -> None:
    view = classes(timm_graph, timm_graph.node("model:resnet34"))
    fold = next(node for node in view.nodes if node.label.startswith("torch.nn:"))
    assert fold.kind is NodeKind.EXTERNAL
    assert {"Conv2d", "ReLU"} <= set(fold.members)


def test_a_function_shows_the_classes_that_it_makes(toy: Graph) -> None:
    assert (BUILDER, TOY_NET, "calls") in arrows(classes(toy, toy.node(BUILDER)))


def test_what_has_no_class_is_refused_with_the_mend(toy: Graph) -> None:
    with pytest.raises(RequestError, match="name a class"):
        classes(toy, toy.node("timm.version"))


def test_imports_go_from_what_imports_to_what_is_imported(toy: Graph) -> None:
    found = arrows(imports(toy, toy.node(TOY)))
    assert (TOY, "timm.layers", "imports") in found
    assert ("timm.models", TOY, "imports") in found


def test_imports_of_a_model_are_those_of_its_module(toy: Graph) -> None:
    for node_id in ("model:toy_small", "weights:toy_small.a_in1k", "alias:old_toy", TOY_NET):
        assert imports(toy, toy.node(node_id)).title == f"Imports of {TOY}"


def test_many_modules_of_one_package_are_one_box(timm_graph: Graph) -> None:
    view = imports(timm_graph, timm_graph.node("timm.layers"))
    fold = next(node for node in view.nodes if node.label.startswith("timm.models:"))
    importing = {edge.source for edge in timm_graph.in_edges("timm.layers", EdgeKind.IMPORTS)}
    models = {module for module in importing if module.startswith("timm.models.")}
    assert fold.label == f"timm.models: {len(models)} modules"


def test_a_family_has_all_its_architectures_their_tags_and_input_sizes(toy: Graph) -> None:
    found = {node.id: node for node in family(toy, toy.node(TOY)).nodes}
    assert found["group:architectures"].members == ("toy_small", "toy_large")
    assert {member.split(" ")[0] for member in found["group:tags"].members} == {"a_in1k", "b_in1k", "untrained"}
    assert (f"{TOY}:_create_toy", BUILDER, "calls") in arrows(family(toy, toy.node(TOY)))


def test_a_family_tells_its_members_apart_by_what_they_are_made_of(timm_graph: Graph) -> None:
    view = family(timm_graph, timm_graph.node("timm.models.resnet"))
    blocks = {"timm.models.resnet:BasicBlock", "timm.models.resnet:Bottleneck"}
    assert blocks <= boxes(view).keys()
    assert {edge.target for edge in view.edges if edge.kind is Flow.USES} >= blocks


def test_what_is_in_no_family_is_refused_with_the_mend(toy: Graph) -> None:
    with pytest.raises(RequestError, match="name a model"):
        family(toy, toy.node(CREATE_MODEL))


def test_uses_counts_the_architectures_of_each_family(toy: Graph) -> None:
    view = uses(toy, toy.node(CONV_ACT))
    assert boxes(view)[TOY] == "2 of 2 architectures"
    assert {(TOY, TOY_NET, "uses"), (TOY_NET, CONV_ACT, "uses")} <= arrows(view)


def test_uses_is_sorted_by_count_and_folds_the_rest(timm_graph: Graph) -> None:
    view = uses(timm_graph, timm_graph.node("timm.layers.mlp:Mlp"), nodes=12)
    families = [node for node in view.nodes if node.group == "frame:families"]
    counts = [int(node.sublabel.split(" ")[0]) for node in families if node.kind is NodeKind.MODULE]
    assert counts == sorted(counts, reverse=True)
    assert families[-1].kind is Look.GROUP
    assert len(view.nodes) <= 12


def test_the_overview_has_the_way_from_create_model_to_the_families(toy: Graph) -> None:
    found = arrows(overview(toy))
    assert (CREATE_MODEL, "timm.models._registry:model_entrypoint", "calls") in found
    assert (CREATE_MODEL, "group:entrypoints", "dispatches") in found
    assert ("group:entrypoints", BUILDER, "calls") in found
    assert boxes(overview(toy))["group:blocks:convolution"] == "1 family, 2 models"


def test_the_overview_leaves_out_what_a_timm_does_not_have(tmp_path: Path, fake_timm: Callable[..., Any]) -> None:
    bare = fake_timm({"models/_builder.py": None, "models/_registry.py": None, "layers/conv.py": None})
    view = overview(_written(tmp_path / "timm", bare))
    ids = boxes(view).keys()
    assert BUILDER not in ids
    assert {end for edge in view.edges for end in (edge.source, edge.target)} <= ids


def test_the_overview_counts_every_family_once(timm_graph: Graph) -> None:
    view = overview(timm_graph)
    blocks = [node for node in view.nodes if node.id.startswith("group:blocks:")]
    families = {node.data["family"] for node in timm_graph.nodes(NodeKind.MODEL)}
    assert sum(len(node.members) for node in blocks) == len(families)
    assert 1 < len(blocks) <= 4


@pytest.mark.parametrize("view", MODEL_VIEWS)
def test_the_same_input_gives_the_same_view(toy: Graph, view: Callable[..., View]) -> None:
    node = toy.node("model:toy_small")
    assert view(toy, node) == view(toy, node)
