from xml.etree import ElementTree

import pytest

from explorer.errors import OutputError
from explorer.tui import screenshot as module
from tests.tui import samples


@pytest.fixture(autouse=True)
def small_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load_whole", lambda _: samples.graph())


def test_the_app_is_drawn_with_a_models_call_path_and_asks_for_no_font() -> None:
    picture = module.screenshot("toy_small")
    words = "".join(ElementTree.fromstring(picture).itertext()).replace("\xa0", " ")

    assert "create_model" in words
    assert "timm 9.9.9" in words
    assert "@font-face" not in picture


def test_what_never_comes_about_is_an_error() -> None:
    with pytest.raises(OutputError):
        module.screenshot("no_such_model", time_limit_s=1.0)
