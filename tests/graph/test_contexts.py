import json

import pytest

from explorer.graph.contexts import Contexts

CREATE, NET, BUILD, SMALL, LARGE, CONV = range(6)
IDS = ["timm.m:create", "timm.m:net", "timm.m:build", "timm.m:Small", "timm.m:Large", "torch.nn:Conv2d"]
ROWS = [
    [CONV, [], []],
    [SMALL, [0], []],
    [LARGE, [], [1]],
    [BUILD, [1], []],
    [BUILD, [2], []],
    [CREATE, [3], []],
    [CREATE, [4], []],
    [NET, [7], [3]],
]
"""A builder in two contexts, and a function that calls itself."""
CONTEXTS = Contexts(IDS, *map(list, zip(*ROWS, strict=True)), models={"small": 5, "large": 6})


@pytest.mark.parametrize(
    ("model", "pairs"),
    [
        ("small", [(CREATE, BUILD), (BUILD, SMALL), (SMALL, CONV)]),
        ("large", [(CREATE, BUILD), (BUILD, LARGE), (LARGE, SMALL), (SMALL, CONV)]),
    ],
)
def test_the_calls_of_a_model_are_those_of_its_own_contexts(model: str, pairs: list[tuple[int, int]]) -> None:
    assert list(CONTEXTS.pairs(CONTEXTS.models[model])) == [(IDS[caller], IDS[callee]) for caller, callee in pairs]


def test_a_call_of_itself_is_no_pair() -> None:
    assert (IDS[NET], IDS[NET]) not in set(CONTEXTS.pairs(7))
    assert list(CONTEXTS.reached(7)) == [7, 3, 1, 0]


def test_a_pair_in_two_contexts_comes_once() -> None:
    contexts = Contexts(["a", "b", "c"], [2, 1, 1, 0], [[], [0], [0, 0], [1, 2]], [[], [], [], []])

    assert list(contexts.pairs(3)) == [("a", "b"), ("b", "c")]


def test_contexts_of_a_function() -> None:
    assert CONTEXTS.of(["timm.m:build"]) == [3, 4]
    assert CONTEXTS.of(["timm.m:none"]) == []
    assert [CONTEXTS.function(number) for number in (0, 7)] == ["torch.nn:Conv2d", "timm.m:net"]
    assert CONTEXTS.calls(7) == [7, 3]


def test_json_and_back() -> None:
    assert Contexts(**json.loads(json.dumps(CONTEXTS.to_json()))) == CONTEXTS
