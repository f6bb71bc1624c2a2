"""Many models inspected, by workers that only pretend."""

import sys
from contextlib import closing
from pathlib import Path

import pytest

from explorer.engine.pool import SAME_FAILURES
from explorer.errors import EngineError, OutOfMemory, TimmNotFound, WorkerDied
from explorer.protocol.inspect import InspectRequest
from explorer.usecases.inspecting import inspect_each

FAKE_INSPECTOR = [sys.executable, "-P", str(Path(__file__).with_name("fake_inspector.py"))]
WISH = InspectRequest("any")


@pytest.fixture(autouse=True)
def fake_inspector(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Workers that pretend; the file they note finished models in."""
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: FAKE_INSPECTOR)
    monkeypatch.setenv("INSPECTED", str(tmp_path / "inspected"))
    return tmp_path / "inspected"


def test_every_model_is_inspected_once_for_its_totals_alone(fake_inspector: Path) -> None:
    names = [f"model_{i:02}" for i in range(7)]
    outcomes = list(inspect_each(names, InspectRequest("any", img_size=288), workers=3))
    assert sorted(o.model for o in outcomes) == sorted(fake_inspector.read_text().split()) == names
    for outcome in outcomes:
        assert outcome.error is None and outcome.value is not None and outcome.seconds > 0
        assert (outcome.value.model, outcome.value.layers) == (outcome.model, [])
        assert outcome.value.settings["img_size"] == 288


def test_one_that_fails_or_kills_its_worker_does_not_stop_the_others() -> None:
    names = ["first", "test_resnet", "test_efficientnet", "test_mambaout", "last"]
    errors = {o.model: o.error for o in inspect_each(names, WISH, workers=1)}
    assert [errors["first"], errors["last"]] == [None, None]
    assert isinstance(errors["test_resnet"], WorkerDied)
    assert isinstance(errors["test_efficientnet"], EngineError)
    assert isinstance(errors["test_mambaout"], OutOfMemory)


@pytest.mark.parametrize(("fate", "kind", "told"), [("no timm", TimmNotFound, 0), ("all alike", EngineError, 4)])
def test_what_no_model_can_help_ends_it(
    monkeypatch: pytest.MonkeyPatch, fate: str, kind: type[Exception], told: int
) -> None:
    monkeypatch.setenv("FATE", fate)
    outcomes = []
    with pytest.raises(kind), closing(inspect_each([f"m{i}" for i in range(50)], WISH, workers=2)) as coming:
        outcomes.extend(coming)
    assert len(outcomes) <= max(told, SAME_FAILURES - 1)


def test_closing_it_ends_the_workers(fake_inspector: Path) -> None:
    with closing(inspect_each([f"model_{i}" for i in range(50)], WISH, workers=1)) as coming:
        next(coming)
    done = fake_inspector.read_text()
    assert len(done.split()) < 50
    assert fake_inspector.read_text() == done


def test_nothing_to_do() -> None:
    assert list(inspect_each([], WISH)) == []
