from collections.abc import Callable

import pytest

from explorer.graph import EdgeKind, Graph
from explorer.graph.contexts import Traced
from explorer.queries.creation import call_between, creation_calls

NETS = """
    model:small -creates-> timm.m:create#small
    model:large -creates-> timm.m:create#large
    timm.m:create#small -dispatches-> timm.m:small
    timm.m:create#large -dispatches-> timm.m:large
    timm.m:small -> timm.m:build#small
    timm.m:large -> timm.m:build#large
    timm.m:build#small -> timm.m:Basic.__init__ | via block
    timm.m:build#large -> timm.m:Wide.__init__ | via block
    timm.m:build#large -> timm.m:init | through torch.nn:Module.apply
    timm.m:Basic.__init__ -> torch.nn:Conv2d
"""


def calls(graph: Graph, model: str) -> list[tuple[str, str]]:
    edges = creation_calls(graph, graph.node(f"model:{model}"))
    return [(edge.source.partition(":")[2], edge.target.partition(":")[2]) for edge in edges]


SMALL = [("create", "small"), ("small", "build"), ("build", "Basic.__init__"), ("Basic.__init__", "Conv2d")]


@pytest.mark.parametrize(
    ("model", "pairs"),
    [
        ("small", SMALL),
        ("large", [("create", "large"), ("large", "build"), ("build", "Wide.__init__"), ("build", "init")]),
    ],
)
def test_a_model_makes_the_calls_of_its_own_contexts(
    draw: Callable[[str], Graph], model: str, pairs: list[tuple[str, str]]
) -> None:
    assert calls(draw(NETS), model) == pairs


def test_a_model_whose_creation_is_not_known_makes_none(draw: Callable[[str], Graph]) -> None:
    assert calls(draw(NETS + "model:other -registers-> timm.m:small"), "other") == []


TRACED = [
    ("timm.m:create", "timm.m:small", ()),
    ("timm.m:small", "timm.m:build", ()),
    ("timm.m:build", "timm.m:Wide.__init__", ()),
    ("timm.m:create", "timm.m:large", ()),
]


def test_a_traced_model_makes_the_calls_that_were_seen(draw: Callable[[str], Graph]) -> None:
    """And calls out of timm, which no trace holds, of the functions that ran."""
    graph = draw(NETS + "timm.m:build#small -> torch:zeros")
    graph.join_traces(lambda: Traced("9.9.9", "", TRACED, {"small": (0, 1, 2)}))

    assert calls(graph, "small") == [
        ("create", "small"), ("small", "build"), ("build", "Wide.__init__"), ("build", "zeros"),
    ]  # fmt: skip
    assert calls(graph, "large")[0] == ("create", "large")
    assert ("build", "init") in calls(graph, "large")


@pytest.mark.parametrize(("callee", "is_kept"), [("timm.m:Wide.__init__", True), ("timm.m:small_init", False)])
def test_a_call_through_foreign_code_stays_where_its_callee_ran(
    draw: Callable[[str], Graph], callee: str, is_kept: bool
) -> None:
    """A trace pairs a function with what it called itself."""
    graph = draw(NETS + f"timm.m:small -> {callee} | through torch.nn:Module.apply")
    graph.join_traces(lambda: Traced("9.9.9", "", TRACED, {"small": (0, 1, 2)}))

    assert (("small", callee.partition(":")[2]) in calls(graph, "small")) is is_kept


def test_a_dispatch_goes_before_a_call(draw: Callable[[str], Graph]) -> None:
    graph = draw(NETS + "timm.m:create -> timm.m:small")
    kinds = [
        edge.kind if (edge := call_between(graph, "timm.m:create", f"timm.m:{callee}")) else None
        for callee in ("small", "build")
    ]

    assert kinds == [EdgeKind.DISPATCHES, None]
