import pytest

from explorer.graph import Graph, Node, NodeKind
from explorer.queries.node_data import (
    AliasData,
    ModelData,
    WeightsData,
    home_of,
    is_timms,
    place_of,
    registration_of,
    source_url,
)

OWN = Node("model:mine", NodeKind.MODEL, "mine/net.py", 3, data=ModelData("net", "mine.net", [], False).to_json())
ALIAS = Node("alias:old", NodeKind.ALIAS, data=AliasData("toy", "timm.models.toy", None).to_json())
FUNCTION = Node("timm.models.toy:f", NodeKind.FUNCTION, "models/toy.py", 7, 9)
WEIGHTS = Node("weights:net.a", NodeKind.WEIGHTS, data=WeightsData("net", "a", True, {}, ()).to_json())


@pytest.mark.parametrize(
    ("version", "url"),
    [
        ("1.0.31", "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/toy.py#L7"),
        ("unknown", "https://github.com/huggingface/pytorch-image-models/blob/main/timm/models/toy.py#L7"),
        ("1.0.32.dev0", "https://github.com/huggingface/pytorch-image-models/blob/main/timm/models/toy.py#L7"),
    ],
)
def test_source_url(version: str, url: str | None) -> None:
    assert source_url(FUNCTION, version) == url


def test_what_is_not_timms_has_no_line_in_its_repository() -> None:
    assert source_url(OWN, "1.0.31") is None
    assert source_url(ALIAS, "1.0.31") is None


@pytest.mark.parametrize(
    ("node", "home", "timms"),
    [(OWN, "net", False), (ALIAS, "toy", True), (FUNCTION, "timm.models.toy", True), (WEIGHTS, "", True)],
)
def test_where_a_node_is_at_home(node: Node, home: str, timms: bool) -> None:
    assert (home_of(node), is_timms(node)) == (home, timms)


def test_a_place_on_disk_lies_below_timm_where_it_is_timms() -> None:
    assert place_of(FUNCTION, "models/toy.py:7") == "timm/models/toy.py:7"
    assert place_of(OWN, "mine/net.py:3") == "mine/net.py:3"


def test_a_removed_name_is_still_registered_and_stands_for_nothing() -> None:
    registration = registration_of(ALIAS)

    assert registration == AliasData("toy", "timm.models.toy", None)
    assert ALIAS.data == {"family": "toy", "module": "timm.models.toy", "replaced_by": None}
    assert registration_of(FUNCTION) is None


def test_every_registered_name_is_read(timm_graph: Graph) -> None:
    for node in timm_graph.nodes(NodeKind.MODEL):
        data = ModelData.of(node)
        assert [WeightsData.of(timm_graph.node(i)).name for i in weights_of(timm_graph, node)] == [
            f"{node.name}.{tag}" if tag else node.name for tag in data.tags
        ]


def weights_of(graph: Graph, model: Node) -> list[str]:
    return [node_id for node_id in graph.successors(model.id) if node_id.startswith("weights:")]
