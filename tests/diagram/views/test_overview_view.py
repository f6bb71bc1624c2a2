from collections.abc import Callable
from pathlib import Path
from typing import Any

from explorer.diagram.views.overview_view import overview
from explorer.graph import Graph, NodeKind
from tests.diagram.views.toy import BUILDER, CREATE_MODEL, arrows, boxes, written


def test_the_overview_has_the_way_from_create_model_to_the_families(toy: Graph) -> None:
    found = arrows(overview(toy))
    assert (CREATE_MODEL, "timm.models._registry:model_entrypoint", "calls") in found
    assert (CREATE_MODEL, "group:entrypoints", "dispatches") in found
    assert ("group:entrypoints", BUILDER, "calls") in found
    assert boxes(overview(toy))["group:blocks:convolution"] == "1 family, 2 models"


def test_the_overview_leaves_out_what_a_timm_does_not_have(tmp_path: Path, fake_timm: Callable[..., Any]) -> None:
    bare = fake_timm({"models/_builder.py": None, "models/_registry.py": None, "layers/conv.py": None})
    view = overview(written(tmp_path / "timm", bare))
    ids = boxes(view).keys()
    assert BUILDER not in ids
    assert {end for edge in view.edges for end in (edge.source, edge.target)} <= ids


def test_the_overview_counts_every_family_once(timm_graph: Graph) -> None:
    view = overview(timm_graph)
    blocks = [node for node in view.nodes if node.id.startswith("group:blocks:")]
    families = {node.data["family"] for node in timm_graph.nodes(NodeKind.MODEL)}
    assert sum(len(node.members) for node in blocks) == len(families)
    assert 1 < len(blocks) <= 4
