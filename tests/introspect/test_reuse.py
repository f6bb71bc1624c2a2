from collections.abc import Callable, Mapping

import pytest

from explorer.introspect import SourceTree
from explorer.introspect.builder import Builder
from explorer.introspect.call_graph import KnownCalls
from explorer.introspect.reading.parse import parse_module
from explorer.introspect.reading.source import module_name
from explorer.introspect.registry import read_registry
from explorer.introspect.reuse import untouched_calls

FakeTimm = Callable[..., dict[str, str]]
Known = Callable[..., KnownCalls]


@pytest.fixture
def known(fake_timm: FakeTimm) -> Known:
    """What is still known of a small timm's calls when these files are put in."""

    def known_of(files: Mapping[str, str | None] | None = None) -> KnownCalls:
        before = Builder(_tree(fake_timm())).complete()
        now = _tree(fake_timm(files))
        modules = {name: parse_module(name, file, content) for name, file, content in now.module_names()}
        return untouched_calls(before, now.file_digests, modules, read_registry(modules)[0])

    return known_of


def _tree(sources: Mapping[str, str]) -> SourceTree:
    return SourceTree("here", {file: text.encode() for file, text in sources.items()})


def test_all_is_known_of_the_same_files(known: Known, fake_timm: FakeTimm) -> None:
    found = known()

    assert found.modules == {module_name(file) for file in fake_timm()}
    assert "toy_small" in found.calls.contexts.models


@pytest.mark.parametrize("file", ["models/toy.py", "layers/conv.py", "models/_factory.py", "models/_builder.py"])
def test_a_model_is_followed_again_when_what_it_runs_has_changed(known: Known, fake_timm: FakeTimm, file: str) -> None:
    found = known({file: fake_timm()[file] + "\n# changed\n"})

    assert module_name(file) not in found.modules
    assert "toy_small" not in found.calls.contexts.models


def test_a_file_that_nobody_names_touches_itself_alone(known: Known, fake_timm: FakeTimm) -> None:
    found = known({"utils/new.py": "def f(): pass"})

    assert found.modules == {module_name(file) for file in fake_timm()}
    assert "toy_small" in found.calls.contexts.models


def test_what_is_kept_leads_only_to_what_is_kept(known: Known, fake_timm: FakeTimm) -> None:
    contexts = known({"layers/conv.py": fake_timm()["layers/conv.py"] + "\n# changed\n"}).calls.contexts

    assert all(called < number for number in range(len(contexts)) for called in contexts.calls(number))
    assert set(contexts.others.values()) <= set(range(len(contexts)))


def test_what_led_into_a_file_that_went_is_followed_again(known: Known) -> None:
    """By the registry: nothing in the factory names the file."""
    found = known({"models/toy.py": None})

    assert "timm.models._factory" not in found.modules
    assert not [caller for caller in found.calls.edges if caller.startswith("timm.models.toy:")]
