from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from explorer.cli.main import run
from explorer.introspect import load_graph, traces


@dataclass(frozen=True)
class Done:
    """How one command line ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that says what is wrong; there may be notices above it."""
        lines = [line for line in self.err.splitlines() if not line.startswith("note: ")]
        assert len(lines) == 1, self.err
        assert lines[0].startswith("error: "), self.err
        assert "a bug in explorer" not in lines[0]
        return lines[0]

    @property
    def json(self) -> Any:
        """What stdout holds; strict JSON on one line."""
        import json

        assert self.out.count("\n") == 1

        def refuse(name: str) -> None:
            raise AssertionError(f"{name} is not JSON")

        return json.loads(self.out, parse_constant=refuse)


@pytest.fixture
def explorer(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run a command line in this process; that it takes long, as on a machine with much to do, is not told."""
    monkeypatch.setattr("explorer.cli.slow_work.DELAY_SECONDS", 3600.0)

    def call(*arguments: object) -> Done:
        code = run([str(a) for a in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Done(code, out, err)

    return call


@pytest.fixture
def toy(make_timm: Callable[..., Path]) -> Path:
    """A small timm's folder."""
    return make_timm()


@pytest.fixture
def keep_trace(toy: Path) -> Callable[..., None]:
    """Store a trace of a model of the small timm: caller and callee below ``timm.models``, and the site."""
    info = load_graph(toy).info

    def kept(model: str, pairs: Sequence[tuple[str, str, str]]) -> None:
        traces.save(
            {
                "model": model,
                "timm_version": info.timm_version,
                "digest": info.digest,
                "device": "meta",
                "pairs": [[f"timm.models.{a}", f"timm.models.{b}", {site: 1}] for a, b, site in pairs],
                "forward_pairs": None,
            }
        )

    return kept


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A source of the user's own that registers a model into the small timm."""
    source = """
        from torch import nn
        from timm.models import register_model
        from timm.models._builder import build_model_with_cfg

        class OwnNet(nn.Module):
            def __init__(self, width=8):
                super().__init__()
                self.width = helper(width)

        def helper(width):
            return width

        @register_model
        def own_net(pretrained=False, **kwargs):
            return build_model_with_cfg(OwnNet, 'own_net', pretrained, **kwargs)
        """
    path = tmp_path / "own.py"
    path.write_text(dedent(source).lstrip("\n"))
    return path
