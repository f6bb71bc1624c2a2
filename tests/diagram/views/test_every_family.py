"""What holds for every static view, over the first architecture of every family and the four factories."""

from collections.abc import Callable, Iterator

import pytest

from explorer.diagram.geometry import overlap
from explorer.diagram.layout.packing import stacked
from explorer.diagram.view import Stack, View
from explorer.diagram.views.call_view import calls
from explorer.diagram.views.class_view import classes
from explorer.diagram.views.dependency_view import imports, uses
from explorer.diagram.views.family_view import family
from explorer.diagram.views.overview_view import overview
from explorer.graph import Graph
from explorer.queries.families import families_of

FACTORIES = (
    "timm.models._factory:create_model",
    "timm.data.dataset_factory:create_dataset",
    "timm.data.loader:create_loader",
    "timm.data.transforms_factory:create_transform",
)
ROOM = {calls: 24, classes: 40, imports: 40, family: 40, uses: 40}


@pytest.fixture(scope="module", params=[*ROOM, overview], ids=lambda view: view.__name__)
def drawn(request: pytest.FixtureRequest, timm_graph: Graph) -> dict[str, View]:
    """All pictures of one view, by target."""
    view: Callable[..., View] = request.param
    if view is overview:
        return {"": overview(timm_graph)}
    targets = [found.models[0].id for found in families_of(timm_graph).values()]
    targets += () if view is family else FACTORIES
    return {target: view(timm_graph, timm_graph.node(target)) for target in targets}


def places(stack: Stack) -> Iterator[str]:
    for part in stack.parts:
        if isinstance(part, Stack):
            yield from places(part)
        else:
            yield part


def test_boxes_frames_and_arrows_fit_together(drawn: dict[str, View]) -> None:
    for target, view in drawn.items():
        ids, frames = [node.id for node in view.nodes], [group.id for group in view.groups]
        assert len({*ids, *frames}) == len(ids) + len(frames), target
        assert {end for edge in view.edges for end in (edge.source, edge.target)} <= {*ids}, target
        assert {node.group for node in view.nodes} - {None} <= {*frames}, target
        assert len({(e.source, e.target, e.kind) for e in view.edges}) == len(view.edges), target
        assert all(group.holds for group in view.groups), target
        assert all(g.parent is None or g.parent in frames[:i] for i, g in enumerate(view.groups)), target


def test_few_enough_boxes_are_open(drawn: dict[str, View]) -> None:
    for target, view in drawn.items():
        assert 1 <= len(view.nodes) <= 40, target


def test_every_source_node_has_a_tooltip_and_a_link(drawn: dict[str, View], timm_graph: Graph) -> None:
    for target, view in drawn.items():
        for box in view.nodes:
            source = timm_graph.get(box.id)
            assert box.tooltip, (target, box.id)
            if source and source.file:
                assert box.href.endswith(f"/timm/{source.file}#L{source.line}"), (target, box.id)


def test_what_is_folded_is_counted_and_named(drawn: dict[str, View]) -> None:
    for target, view in drawn.items():
        for box in view.nodes:
            if box.id.startswith("group:") and not box.id.startswith(("group:variant:", "group:blocks:")):
                assert any(f"{len(box.members):,}" in line for line in (box.label, box.sublabel)), (target, box.id)


def test_a_stack_places_every_box_once_and_none_over_another(drawn: dict[str, View]) -> None:
    for target, view in drawn.items():
        if view.stack is None:
            continue
        ids = {node.id for node in view.nodes}
        assert sorted(i for i in places(view.stack) if i in ids) == sorted(ids), target
        packing = stacked(view, view.stack)
        assert packing.frames.keys() == {group.id for group in view.groups}, target
        boxes = list(packing.nodes.values())
        assert not any(overlap(one, other) for i, one in enumerate(boxes) for other in boxes[:i]), target


@pytest.mark.parametrize("nodes", [5, 12])
@pytest.mark.parametrize("view", ROOM, ids=lambda view: view.__name__)
def test_a_smaller_budget_gives_no_more_boxes(timm_graph: Graph, view: Callable[..., View], nodes: int) -> None:
    node = timm_graph.node("model:resnet34")
    assert len(view(timm_graph, node, nodes=nodes).nodes) <= len(view(timm_graph, node).nodes)
