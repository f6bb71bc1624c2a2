"""Names, docstrings, settings and paths of other people's, through every command that reads source."""

import json
from collections.abc import Callable
from pathlib import Path
from unicodedata import category

import pytest

from explorer.diagram import FORMATS
from explorer.usecases.drawing import RUNNING, VIEWS

from .conftest import Done

EVIL = r"\x1b]0;t\x07\x9b2J\r\nsecond\t\u202egnp\u2028\ud800 </svg><script>alert(1)</script>"
SOURCE = f'''
from torch import nn
from timm.models import register_model, generate_default_cfgs
from timm.models._builder import build_model_with_cfg
from timm.models._registry import register_model_deprecations

CONSTANT = "{EVIL}"

class EvilNet(nn.Module):
    """Doc {EVIL}
    goes on {EVIL}"""
    def __init__(self, width="{EVIL}"):
        super().__init__()

default_cfgs = generate_default_cfgs({{
    "evil_net.tag{EVIL}": {{"url": "javascript:alert(1)", "license": "=cmd() {EVIL}", "hf_hub_id": "timm/{EVIL}"}},
}})

@register_model
def evil_net(pretrained=False, **kwargs):
    """Doc {EVIL}"""
    return build_model_with_cfg(EvilNet, "{EVIL}", pretrained, **kwargs)

register_model_deprecations(__name__, {{"old{EVIL}": "evil_net.tag{EVIL}", "=cmd()": "evil_net"}})
'''
OLD = f"old{EVIL}".encode().decode("unicode_escape", "surrogatepass")

Explorer = Callable[..., Done]


def drives(text: str) -> list[str]:
    """What would reach a terminal as a command, or turn its writing round."""
    unseen = (c for c in text if category(c) in ("Cc", "Cs", "Zl", "Zp") or "\u202a" <= c <= "\u202e")
    return [c for c in unseen if c not in "\n\t"]


@pytest.fixture
def evil(explorer: Explorer, toy: Path, tmp_path: Path) -> Explorer:
    """Run a command line that reads hostile source; nothing that drives a terminal comes out."""
    file = tmp_path / "evil.py"
    file.write_text(SOURCE)

    def call(command: str, *arguments: object) -> Done:
        done = explorer("--timm", toy, "--with", file, command, *arguments)
        assert drives(done.out + done.err) == []
        assert "a bug in explorer" not in done.err
        return done

    return call


def test_a_name_with_a_line_break_is_one_line_of_a_list(evil: Explorer) -> None:
    whole = evil("list", "--all").out.splitlines()
    assert len(whole) == len(json.loads(evil("list", "--all", "--json").out))
    assert r"old\x1b]0;t\x07\x9b2J\r\nsecond\t\u202egnp\u2028\ud800 </svg><script>alert(1)</script>" in whole


def test_a_cell_with_a_tab_is_one_cell_of_a_table(evil: Explorer) -> None:
    assert {line.count("\t") for line in evil("list", "--all", "--long").out.splitlines()} == {3}


def test_json_has_the_name_as_it_is(evil: Explorer) -> None:
    assert OLD in [entry["name"] for entry in json.loads(evil("list", "--all", "--json").out)]


@pytest.mark.parametrize("name", ["evil_net", "EvilNet", "evil:EvilNet.__init__", "=cmd()", OLD, "evil", "CONSTANT"])
@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize("command", ["show", "search", "path"])
def test_a_page_a_search_a_path(evil: Explorer, command: str, name: str, form: tuple[str, ...]) -> None:
    evil(command, "--", name) if not form else evil(command, *form, "--", name)


@pytest.mark.parametrize("fmt", [fmt for fmt in FORMATS if fmt not in ("png", "pdf")])
@pytest.mark.parametrize("name", ["evil_net", "EvilNet"])
def test_a_picture_in_every_format(evil: Explorer, name: str, fmt: str) -> None:
    done = evil("graph", name, "--format", fmt)
    assert done.code == 0
    assert "javascript:alert" not in done.out


@pytest.mark.parametrize("view", [view for view in VIEWS if view not in (*RUNNING, "all")])
def test_every_view_of_the_source(evil: Explorer, view: str) -> None:
    target = () if view == "overview" else ("evil" if view == "family" else "evil_net",)
    evil("graph", *target, "--view", view)
    evil("graph", *target, "--view", view, "--format", "svg")


@pytest.mark.parametrize("command", ["show", "graph", "path", "search", "list"])
def test_a_request_of_such_letters_is_refused_in_one_line(evil: Explorer, command: str) -> None:
    done = evil(command, "no\x1b[31m\n\x9b\u202e\udcff")
    assert done.code == 2
    assert len([line for line in done.err.splitlines() if not line.startswith("note: ")]) == 1


def test_a_path_of_such_letters(explorer: Explorer, tmp_path: Path) -> None:
    done = explorer("list", "--timm", tmp_path / "no\x1b[31m\nthing")
    assert drives(done.err) == []
    assert done.error.startswith("error: ")
