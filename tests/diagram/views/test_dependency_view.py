from explorer.diagram.style import Look
from explorer.diagram.views.dependency_view import imports, uses
from explorer.graph import EdgeKind, Graph, NodeKind
from tests.diagram.views.toy import CONV_ACT, TOY, TOY_NET, arrows, boxes


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
