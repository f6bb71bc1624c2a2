"""Compiled models: whose code torch still has, and what is left of them. Compiling itself is in test_prepared_model."""

import os
from pathlib import Path

import pytest
import torch

from explorer.worker.measuring.compilation import Compiled

pytestmark = pytest.mark.xdist_group("torch")

GONE = 2**22 + 1
"""More than any process id of Linux."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def compiled(name: str) -> Compiled:
    return Compiled(torch.nn.Linear(2, 2), name, "default")


def test_compiling_one_makes_the_others_stale() -> None:
    with compiled("first") as first, compiled("second") as second:
        assert first.is_stale
        first.measure(lambda run: None)
        assert not first.is_stale
        second.measure(lambda run: None)
        assert first.is_stale
        assert not second.is_stale


def test_torch_forgets_when_the_last_one_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = compiled("first"), compiled("second")
    for one in (first, second):
        one.measure(lambda run: None)
    resets: list[int] = []
    monkeypatch.setattr(torch.compiler, "reset", lambda: resets.append(1))
    first.__exit__()
    assert not resets
    second.__exit__()
    assert resets == [1]


def test_the_cache_is_the_models_own_and_the_environment_is_put_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", "mine")
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    with compiled("model") as one:
        with one.cache():
            assert Path(os.environ["TRITON_CACHE_DIR"]).parent.parent == folder
            assert Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]).parent.parent == folder
        assert os.environ["TRITON_CACHE_DIR"] == "mine"
        assert "TORCHINDUCTOR_CACHE_DIR" not in os.environ
    assert not [*folder.iterdir()]


def test_caches_of_workers_that_were_killed_are_removed_and_of_living_ones_kept(folder: Path) -> None:
    gone, living = folder / f"explorer-compile-{GONE}-x", folder / f"explorer-compile-{os.getpid()}-x"
    gone.mkdir()
    living.mkdir()
    with compiled("model"):
        assert not gone.exists()
        assert living.exists()
