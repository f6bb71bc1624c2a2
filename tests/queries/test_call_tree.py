from explorer.graph import EdgeKind, Graph
from explorer.queries.call_tree import CallPath, PathStep, call_path, main_line_rows
from tests.tui import samples

from .conftest import DrawGraph

CALLS = """
    timm.m:create -> timm.m:entry
    timm.m:create -> timm.m:check
    timm.m:check -> timm.m:parse
    timm.m:entry -> timm.m:Net.__init__
    timm.m:Net.__init__ -> timm.m:Block.__init__
    timm.m:Net.__init__ -> timm.m:helper
"""


def rows(draw: DrawGraph, room: int, most: int = 3) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    graph = draw(CALLS)
    found = main_line_rows(graph, list(graph.ids()), lambda i: i.endswith("__init__"), room=room, most=most)
    short = {row.node: (row.beside, row.folded) for row in found}
    return {
        node.partition(":")[2]: tuple(tuple(i.partition(":")[2] for i in part) for part in parts)
        for node, parts in short.items()
    }


def test_the_line_leads_to_what_matters_and_the_rest_stands_beside_it(draw: DrawGraph) -> None:
    found = rows(draw, room=9)
    assert list(found) == ["create", "entry", "Net.__init__"]
    assert found["Net.__init__"] == (("Block.__init__", "helper"), ())


def test_what_leads_to_nothing_that_matters_is_folded_with_all_below_it(draw: DrawGraph) -> None:
    assert rows(draw, room=9)["create"] == ((), ("check", "parse"))


def test_no_function_is_lost_however_little_room_there_is(draw: DrawGraph) -> None:
    everything = set(draw(CALLS).ids())
    for room in range(1, 10):
        found = rows(draw, room)
        shown = [i for node, (beside, folded) in found.items() for i in (node, *beside, *folded)]
        assert sorted(f"timm.m:{i}" for i in shown) == sorted(everything)
        assert room < 2 or sum(1 + len(b) + bool(f) for b, f in found.values()) <= room


def names(step: PathStep) -> list[object]:
    """A step's name and those below it."""
    return [step.node.name, *map(names, step.below)] if step.below else [step.node.name]


def path_of(graph: Graph, node_id: str) -> CallPath:
    return call_path(graph, graph.node(node_id))


def test_a_model_is_followed_from_create_model_through_its_own_dispatch() -> None:
    path = path_of(samples.graph(), "model:toy_small")
    assert path.title == "create_model → toy_small"
    assert [names(step) for step in path.steps] == [["create_model", ["toy_small", ["Toy.__init__"]]]]
    assert (path.groups, path.left_out) == ((), 0)


def test_weights_and_a_deprecated_name_have_the_path_of_their_architecture() -> None:
    graph = samples.graph()
    for node_id in ("weights:toy_small.b_in1k", "alias:toy_old"):
        path = path_of(graph, node_id)
        assert path.node_id == node_id
        assert path.title == "create_model → toy_small"


def test_a_function_has_what_it_calls_and_who_leads_to_it() -> None:
    path = path_of(samples.graph(), "timm.models.toy:toy_small")
    assert [names(step) for step in path.steps] == [["toy_small", ["Toy.__init__"]]]
    groups = {group.title: [step.node.id for step in group.steps] for group in path.groups}
    assert groups == {
        "Called by": ["timm.models._factory:create_model"],
        "Registered as": ["model:toy_small"],
    }


def test_a_class_is_called_where_its_constructor_is() -> None:
    path = path_of(samples.graph(), "timm.models.toy:Toy")
    groups = {group.title: [step.node.name for step in group.steps] for group in path.groups}
    assert groups["Methods"] == ["Toy.__init__"]
    assert groups["Called by"] == ["toy_small"]


def test_each_node_stands_once_in_full(timm_graph: Graph) -> None:
    path = path_of(timm_graph, "model:resnet34")
    met: list[str] = []

    def walk(step: PathStep) -> None:
        if step.repeated:
            assert not step.below
            assert step.node.id in met
            return
        assert step.node.id not in met
        met.append(step.node.id)
        for below in step.below:
            walk(below)

    for step in path.steps:
        walk(step)
    assert "timm.models.resnet:ResNet.__init__" in met
    assert "timm.models.resnet:BasicBlock.__init__" in met


def test_only_the_way_to_the_class_stands_open(timm_graph: Graph) -> None:
    path = path_of(timm_graph, "model:resnet34")
    opened: dict[str, bool] = {}

    def walk(step: PathStep) -> None:
        if step.below:
            opened[step.node.name] = step.is_open
        for below in step.below:
            walk(below)

    walk(path.steps[0])
    assert opened["resnet34"]
    assert opened["build_model_with_cfg"]
    assert not opened["model_entrypoint"]


def test_no_step_is_a_registration(timm_graph: Graph) -> None:
    stack = list(path_of(timm_graph, "timm.models.resnet:resnet34").steps)
    while stack:
        step = stack.pop()
        assert step.edge is None or step.edge.kind is not EdgeKind.REGISTERS
        stack += step.below
