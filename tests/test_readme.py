"""What the README shows of Python runs as it stands."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_python_shown_runs(
    tmp_path: Path, warm_cache: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (shown,) = BLOCKS.findall(README.read_text("utf-8"))

    names: dict[str, object] = {}
    exec(compile(shown, str(README), "exec"), names)

    assert (tmp_path / "resnet34.svg").read_text("utf-8").startswith("<svg")
    assert "_create_resnet" in capsys.readouterr().out
    assert names["networkx_graph"]
