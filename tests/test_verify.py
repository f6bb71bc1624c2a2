"""The installed timm's static graph held against the traces that come with explorer."""

import random

import pytest

from explorer.graph import Graph
from explorer.graph.traced import Traced
from explorer.introspect import load_graph
from explorer.introspect.traces import BUNDLE, read_bundle
from explorer.queries.verification import Verification, verify

SAMPLE = 400
"""Models of a sample: so many that the calls of other models do not outweigh their own."""


@pytest.fixture
def graph(warm_cache: None) -> Graph:
    return load_graph(traces=False)


@pytest.fixture
def bundle(graph: Graph) -> Traced:
    found = read_bundle(BUNDLE, graph.info.timm_version, graph.info.digest)
    if found is None:
        pytest.skip("the traces that come with explorer are of another timm")
    return found


def test_a_random_sample_of_models(graph: Graph, bundle: Traced) -> None:
    seed = random.randrange(1_000_000)
    print("seed", seed)
    names = random.Random(seed).sample(sorted(bundle.models), SAMPLE)
    found = verify(graph, bundle, names)

    assert [model.name for model in found.models] == names
    check(found)


def test_all_models(graph: Graph, bundle: Traced) -> None:
    found = verify(graph, bundle, bundle.models)

    assert found.own == found.whole
    check(found)


def check(found: Verification) -> None:
    assert found.whole.recall >= 0.97
    assert found.whole.precision >= 0.5
    assert found.slice_recall >= 0.95
    assert found.slice_precision >= 0.7
