"""What is told where not all can be traced; the workers only pretend, or there are none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.errors import EngineError, RequestError
from explorer.introspect import load_graph, traces
from explorer.usecases.telling import Notice
from explorer.usecases.verifying import verify

CREATED = [
    ["timm.models._factory:create_model", "timm.models.toy:toy_small", {"models/_factory.py:5": 1}],
    ["timm.models.toy:toy_small", "timm.models.toy:_create_toy", {"models/toy.py:33": 1}],
]


@pytest.fixture
def toy(make_timm: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small timm, of which one model is traced and none can be."""
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: pytest.fail("started"))
    folder = make_timm()
    info = load_graph(folder).info
    told = {"timm_version": info.timm_version, "digest": info.digest, "device": "meta", "forward_pairs": None}
    traces.save({"model": "toy_small", "pairs": CREATED, **told})
    return folder


def test_all_that_was_seen_is_held_against_the_source(toy: Path) -> None:
    done = verify("toy_small", timm=toy)

    assert (done.timm_version, done.failed, list(done.untraced)) == ("1.0.9", {}, [])
    assert (done.found.whole.recall, done.found.whole.traced) == (1.0, 2)
    assert done.found.whole.precision < 1
    assert done.to_json()["models"][0]["name"] == "toy_small"
    assert done.to_json()["missing"] == []


def test_models_of_a_timm_that_is_not_installed_are_told_to_be_untraced(toy: Path) -> None:
    told: list[object] = []
    done = verify(timm=toy, emit=told.append)

    assert set(done.untraced) == {"old_toy", "old_toy_b", "toy_large"}
    assert [event for event in told if isinstance(event, Notice)] == [
        Notice("3 models cannot be traced: that takes an installed timm, and this one is not")
    ]


@pytest.mark.parametrize(
    ("patterns", "said"),
    [(["toy_large"], r"toy_large is not traced \(leave --no-trace out\)"), (["*_l*"], "toy_large is not traced")],
)
def test_without_any_trace_there_is_nothing_to_hold_it_against(toy: Path, patterns: list[str], said: str) -> None:
    with pytest.raises(EngineError, match=said):
        verify(*patterns, timm=toy, trace=False)


def test_a_pattern_that_matches_nothing_is_refused(toy: Path) -> None:
    with pytest.raises(RequestError, match="toy_smal"):
        verify("toy_smal", timm=toy)
