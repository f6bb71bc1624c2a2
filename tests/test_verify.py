"""The installed timm's static graph held against the traces that come with explorer, by the README's own figures."""

import re
from pathlib import Path

import pytest

from explorer.graph import Graph
from explorer.graph.contexts import Traced
from explorer.introspect import load_graph
from explorer.introspect.traces import BUNDLE, read_bundle
from explorer.queries.verification import verify

README = Path(__file__).parents[1] / "README.md"
PRINTED = re.compile(
    r"^recall +(?P<recall>[\d.]+) %\n"
    r"precision +(?P<precision>[\d.]+) % observed\n"
    r"slices +recall (?P<slice_recall>[\d.]+) %, precision (?P<slice_precision>[\d.]+) %, mean of (?P<models>[\d,]+)",
    re.MULTILINE,
)
PROMISED_RECALL = 0.999
PROMISED_PRECISION = 0.9
"""What the README says in words, of all models: more than 99.9 %, and nine of ten."""
EVERY = 4
"""The sample is every fourth model by name, so that it is the same in each run."""


@pytest.fixture(scope="module")
def readme() -> dict[str, float]:
    """The figures that the README shows `explorer verify` to print."""
    printed = PRINTED.search(README.read_text("utf-8"))
    assert printed is not None
    return {name: float(text.replace(",", "")) for name, text in printed.groupdict().items()}


@pytest.fixture
def graph(warm_cache: None) -> Graph:
    return load_graph(traces=False)


@pytest.fixture
def bundle(graph: Graph) -> Traced:
    found = read_bundle(BUNDLE, graph.info.timm_version, graph.info.digest)
    if found is None:
        pytest.skip("the traces that come with explorer are of another timm")
    return found


def test_all_models_fare_as_the_readme_shows(graph: Graph, bundle: Traced, readme: dict[str, float]) -> None:
    found = verify(graph, bundle, bundle.models)

    assert found.own == found.whole
    assert len(found.models) == readme["models"]
    assert as_printed(found.whole.recall) >= readme["recall"]
    assert as_printed(found.whole.precision) >= readme["precision"]
    assert as_printed(found.slice_recall) >= readme["slice_recall"]
    assert as_printed(found.slice_precision) >= readme["slice_precision"]
    assert readme["recall"] / 100 > PROMISED_RECALL
    assert readme["precision"] / 100 >= PROMISED_PRECISION


def test_a_sample_of_models_is_recalled_as_promised(graph: Graph, bundle: Traced) -> None:
    # A sample's precision over pairs is lower by its nature: create_model's dispatches to all other models count
    # against it. Each model's own slice has no such pairs.
    names = sorted(bundle.models)[::EVERY]

    found = verify(graph, bundle, names)

    assert [model.name for model in found.models] == names
    assert found.whole.recall > PROMISED_RECALL
    assert found.slice_recall > PROMISED_RECALL
    assert found.slice_precision >= PROMISED_PRECISION


def as_printed(share: float) -> float:
    """A share in per cent, to the two digits that the README shows."""
    return round(100 * share, 2)
