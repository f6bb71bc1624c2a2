import json

import pytest

from explorer.graph.instances import Held, Instances, InstanceTable

SMALL = Held(("m:Net",), (("m:Net", "m:Block"), ("m:Block", "m:Conv")))
LARGE = Held(("m:Net",), (("m:Net", "m:Block"), ("m:Block", "m:Large")))


@pytest.fixture
def instances() -> Instances:
    table = InstanceTable()
    for model, held in (("small", SMALL), ("large", LARGE), ("same", SMALL)):
        table.add(model, held)
    return table.instances


def test_what_a_model_holds_comes_back_as_it_was(instances: Instances) -> None:
    assert [instances.of(name) for name in ("small", "large", "same", "none")] == [SMALL, LARGE, SMALL, None]
    assert list(SMALL.classes()) == ["m:Net", "m:Block", "m:Conv"]


def test_models_made_alike_share_a_row_and_their_pairs(instances: Instances) -> None:
    assert len(instances.own) == len(instances.holds) == 2
    assert list(instances.all_pairs()) == [("m:Net", "m:Block"), ("m:Block", "m:Conv"), ("m:Block", "m:Large")]


def test_only_models_that_hold_a_class_themselves_have_it(instances: Instances) -> None:
    assert dict(instances.having({"m:Large"})) == {"large": LARGE}
    assert [name for name, _ in instances.having({"m:Conv"})] == ["small", "same"]
    assert [name for name, _ in instances.having({"m:Net"})] == ["small", "large", "same"]
    assert list(instances.having({"m:Other"})) == []


def test_instances_survive_json(instances: Instances) -> None:
    assert Instances(**json.loads(json.dumps(instances.to_json()))) == instances
