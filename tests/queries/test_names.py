from collections.abc import Callable

import pytest

from explorer.errors import RequestError, UnknownName
from explorer.graph import Graph, Node, NodeKind
from explorer.queries.names import current, find_model, find_node, model_of, weights_of
from explorer.queries.node_data import AliasData

MODELS = """
    model:net -registers-> timm.models.toy:net
    model:net -configures-> weights:net.a1
    model:net -configures-> weights:net.b1
    alias:old -replaces-> model:net
    alias:old_b -replaces-> weights:net.b1
    timm.models.toy -contains-> timm.models.toy:Net
    timm.models.toy:Net -contains-> timm.models.toy:Net.forward
    timm.models.toy:Net -contains-> timm.models.toy:Net.__init__
    timm.models.sub -contains-> timm.models.sub:Block
    timm.layers -contains-> timm.layers.conv:Block
    timm.layers -contains-> timm.layers.conv:make
    timm.layers.conv:Block -inherits-> torch.nn:Module
    timm.layers.conv:make -> torch.nn:Conv2d
    timm.models -contains-> timm.models.toy
"""


@pytest.fixture
def graph(draw: Callable[[str], Graph]) -> Graph:
    graph: Graph = draw(MODELS)
    for name, data in (("model:net", {"tags": ["a1", "b1"]}), ("alias:old", {"replaced_by": "net"})):
        node = graph.node(name)
        graph.node(name).data.update(data)  # type: ignore[attr-defined]
        assert node.data["family"] == "toy"
    return graph


@pytest.mark.parametrize(
    ("name", "node_id"),
    [
        ("net", "model:net"),
        ("model:net", "model:net"),
        ("net.b1", "weights:net.b1"),
        ("old", "alias:old"),
        ("hf-hub:timm/net.a1", "weights:net.a1"),
        ("hf_hub:timm/net.a1", "weights:net.a1"),
        ("hf-hub:timm/net.a1@main", "weights:net.a1"),
        ("timm.models.toy", "timm.models.toy"),
        ("models.toy", "timm.models.toy"),
        ("timm.models.toy:Net", "timm.models.toy:Net"),
        ("timm.models.toy.Net", "timm.models.toy:Net"),
        ("models.toy.Net.forward", "timm.models.toy:Net.forward"),
        ("Net.forward", "timm.models.toy:Net.forward"),
        ("Net", "timm.models.toy:Net"),
        ("make", "timm.layers.conv:make"),
        ("timm.layers.Block", "timm.layers.conv:Block"),
        ("timm.models.Block", "timm.models.sub:Block"),
        ("torch.nn.Conv2d", "torch.nn:Conv2d"),
        ("Conv2d", "torch.nn:Conv2d"),
        ("forward", "timm.models.toy:Net.forward"),
    ],
)
def test_names_that_mean_one_thing(graph: Graph, name: str, node_id: str) -> None:
    assert find_node(graph, name).id == node_id


def test_a_name_of_several_things(graph: Graph) -> None:
    with pytest.raises(RequestError) as caught:
        find_node(graph, "Block")

    assert not isinstance(caught.value, UnknownName)
    assert "timm.models.sub:Block" in caught.value.hint
    assert "timm.layers.conv:Block" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nett", "net"),
        ("net.a2", "net.a1"),
        ("net.zzzz", "net.a1"),
        ("Nett", "net"),
        ("hf-hub:timm/net.a2", "hf-hub:timm/net.a1"),
        ("timm.models.toy.Nat", "timm.models.toy"),
        ("timm.models.tot", "timm.models.toy"),
    ],
)
def test_unknown_names_come_with_what_is_close(graph: Graph, name: str, hint: str) -> None:
    with pytest.raises(UnknownName) as caught:
        find_node(graph, name)

    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "name", ["", " ", ".", ":", "..", "a:b:c", "zzzzz", "hf-hub:", "net.", "\n", "model:", "timm."]
)
def test_any_text_is_answered(graph: Graph, name: str) -> None:
    with pytest.raises(UnknownName) as caught:
        find_node(graph, name)

    assert "\n" not in str(caught.value)


def test_a_model_comes_before_the_file_of_its_name(draw: Callable[[str], Graph]) -> None:
    graph = draw("""
        net -contains-> net:Net
        old -contains-> net:Net
        model:net -registers-> net:net
        alias:old -replaces-> model:net
    """)

    assert find_node(graph, "net").id == "model:net"
    assert find_node(graph, "old").id == "alias:old"
    assert find_node(graph, "net.Net").id == "net:Net"


@pytest.mark.parametrize("find", [find_node, find_model])
@pytest.mark.parametrize("name", ["net", "net.a1", "old"])
def test_a_name_of_the_hub_is_told_with_its_source(graph: Graph, find: Callable[[Graph, str], Node], name: str) -> None:
    with pytest.raises(UnknownName) as caught:
        find(graph, f"timm/{name}")

    assert f"hf-hub:timm/{name};" in caught.value.hint
    assert caught.value.hint.endswith(f" {name}")


def test_a_folder_of_weights_is_not_in_the_source(graph: Graph) -> None:
    with pytest.raises(RequestError, match="local-dir"):
        find_node(graph, "local-dir:/models/net")


@pytest.mark.parametrize(
    ("name", "node_id"), [("net", "model:net"), ("old_b", "alias:old_b"), ("net.a1", "weights:net.a1")]
)
def test_models(graph: Graph, name: str, node_id: str) -> None:
    assert find_model(graph, name).id == node_id


@pytest.mark.parametrize("name", ["Net", "timm.models.toy", "make", "timm.models.toy:Net"])
def test_other_things_are_no_models(graph: Graph, name: str) -> None:
    with pytest.raises(RequestError):
        find_model(graph, name)


@pytest.mark.parametrize(
    ("node_id", "model", "weights"),
    [
        ("model:net", "model:net", "weights:net.a1"),
        ("weights:net.b1", "model:net", "weights:net.b1"),
        ("alias:old", "model:net", "weights:net.a1"),
        ("alias:old_b", "model:net", "weights:net.b1"),
        ("timm.models.toy:Net", None, None),
    ],
)
def test_what_stands_behind_a_name(graph: Graph, node_id: str, model: str | None, weights: str | None) -> None:
    found = model_of(graph, graph.node(node_id)), weights_of(graph, graph.node(node_id))

    assert [node and node.id for node in found] == [model, weights]


@pytest.mark.parametrize(
    ("node_id", "stands_for"),
    [("alias:old", "model:net"), ("model:net", "model:net"), ("timm.models.toy:Net", "timm.models.toy:Net")],
)
def test_what_a_name_is_called_now(graph: Graph, node_id: str, stands_for: str) -> None:
    assert current(graph, graph.node(node_id)).id == stands_for


@pytest.mark.parametrize(("replaced_by", "said"), [(None, "was removed"), ("nowhere", "nowhere")])
def test_a_name_that_nothing_stands_behind(replaced_by: str | None, said: str) -> None:
    alias = Node("alias:gone", NodeKind.ALIAS, data=AliasData("toy", "timm.models.toy", replaced_by).to_json())
    graph = Graph()
    graph.add_node(alias)

    with pytest.raises(RequestError, match=said):
        current(graph, alias)


def test_a_deprecated_name_with_a_tag_that_is_not_there_has_no_weights(graph: Graph) -> None:
    graph.node("alias:old").data["replaced_by"] = "net.no_such_tag"  # type: ignore[index]
    alias = graph.node("alias:old")

    assert current(graph, alias).id == "model:net"
    assert weights_of(graph, alias) is None


def test_every_name_timm_takes_is_found(timm_graph: Graph) -> None:
    for node_id in timm_graph.ids():
        prefix, _, name = node_id.partition(":")
        if prefix in ("model", "alias", "weights"):
            assert find_model(timm_graph, name).name == name
