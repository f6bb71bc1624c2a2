import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.cli import gallery_command
from explorer.cli.main import run
from explorer.diagram import Picture, View, ViewNode
from explorer.diagram.style import Look
from explorer.errors import EngineError, RequestError

Explorer = Callable[..., Any]


def picture(title: str) -> Picture:
    view = View(title, "", (ViewNode("a", Look.LAYER, "a"),), ())
    return Picture(lambda _: view)


def every_picture_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery_command, "draw", lambda target, *, view, **_: picture(view))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "assets"
    made.mkdir()
    return made


def test_every_picture_is_written_and_named(
    explorer: Explorer, toy: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_picture_works(monkeypatch)
    done = explorer("--timm", toy, "gallery", folder)
    names = [file for file, *_ in gallery_command.PICTURES]

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [str(folder / name) for name in names]
    assert {path.name for path in folder.iterdir()} == set(names)
    assert all(ET.parse(path).getroot().tag.endswith("svg") for path in folder.iterdir())


def test_the_terminal_app_is_drawn_where_there_is_one(
    toy: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    every_picture_works(monkeypatch)
    code = run(["--timm", str(toy), "gallery", str(folder)], take_screenshot=lambda model: f"<svg>{model}</svg>")

    assert code == 0
    assert (folder / "app.svg").read_text() == "<svg>resnet34</svg>"
    assert capsys.readouterr().out.splitlines()[-1] == str(folder / "app.svg")


def test_one_that_fails_does_not_stop_the_rest(
    explorer: Explorer, toy: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_picture_works(monkeypatch)

    def some(target: str | None, *, view: str, **_: Any) -> Picture:
        if view == "calls":
            raise RequestError("not this one", "another")
        if view in ("architecture", "dataflow"):
            raise EngineError("no torch here")
        return picture(view)

    monkeypatch.setattr(gallery_command, "draw", some)
    done = explorer("--timm", toy, "gallery", folder, "--json")

    assert done.code == 1
    assert {Path(path).name for path in done.json["written"]} == {
        "overview.svg",
        "resnet-family.svg",
        "SEModule-uses.svg",
    }
    running = {file for file, _, view in gallery_command.PICTURES if view in ("architecture", "dataflow")}
    assert set(done.json["failed"]) == {"resnet34-calls.svg", *running}
    assert "error: resnet34-calls.svg: not this one (another)" in done.err.splitlines()


def test_a_folder_that_is_not_there_is_a_wrong_request(explorer: Explorer, toy: Path, tmp_path: Path) -> None:
    done = explorer("--timm", toy, "gallery", tmp_path / "nowhere")

    assert done.code == 2
    assert "mkdir -p" in done.error
