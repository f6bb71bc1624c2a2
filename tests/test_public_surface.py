"""The facade: every public object is there, once, and importing it costs nothing."""

import importlib
import inspect
import pickle
import re
import subprocess
import sys

import pytest

import explorer
from explorer import errors
from explorer.errors import ExplorerError, from_dict

SURFACE = {
    *("Client", "Edge", "EdgeKind", "Evidence", "ExplorerError", "Graph", "Node", "NodeKind", "Picture"),
    *("bench", "compare", "draw", "inspect", "list_models", "load_graph", "path", "runs", "search", "show"),
    *("trace", "tune", "verify", "versus", "__version__"),
}
"""All that is public: whoever adds to it or takes from it says so here."""

USE_CASES = sorted(name for name in SURFACE if name.islower() and not name.startswith("_"))


def test_the_surface_is_this_and_no_more() -> None:
    assert set(explorer.__all__) == SURFACE
    assert set(dir(explorer)) >= SURFACE


@pytest.mark.parametrize("name", USE_CASES)
def test_a_notebook_user_can_live_from_a_docstring(name: str) -> None:
    function = getattr(explorer, name)
    doc = inspect.getdoc(function) or ""
    said = doc.partition("Args:")[2].partition("Raises:")[0]

    assert "Raises:" in doc
    assert name == "load_graph" or f"explorer.{name}(" in doc
    assert [p for p in inspect.signature(function).parameters if not re.search(rf"\b{p}\b", said)] == []


def test_every_public_name_can_be_imported() -> None:
    for name in explorer.__all__:
        assert getattr(explorer, name) is not None


def test_every_public_object_has_one_name() -> None:
    objects = [id(getattr(explorer, name)) for name in explorer.__all__]

    assert len(objects) == len(set(objects)) == len(set(explorer.__all__))


def test_a_public_object_is_the_one_at_its_home() -> None:
    for name in explorer.__all__:
        value = getattr(explorer, name)
        home = getattr(value, "__module__", None)
        if home:
            assert getattr(importlib.import_module(home), name) is value
            assert value.__doc__


def test_other_names_are_missing() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        explorer.no_such_name  # noqa: B018
    with pytest.raises(ImportError):
        exec("from explorer import no_such_name")


@pytest.mark.parametrize("statement", ["import explorer", "from explorer import Graph, load_graph, ExplorerError"])
def test_importing_it_brings_nothing_heavy(statement: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    heavy = {"torch", "timm", "textual", "typer", "click", "rich", "networkx", "grimp", "asyncio", "multiprocessing"}
    assert heavy & set(done.stdout.split()) == set()


def every_error(root: type[ExplorerError] = ExplorerError) -> list[type[ExplorerError]]:
    found = [root] + [error for child in root.__subclasses__() for error in every_error(child)]
    return [error for error in found if error.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", every_error())
def test_errors_cross_a_process(kind: type[ExplorerError]) -> None:
    error = kind("what is wrong", "what to do")
    for again in (pickle.loads(pickle.dumps(error)), from_dict(error.to_dict())):
        assert type(again) is kind
        assert (again.message, again.hint, str(again)) == ("what is wrong", "what to do", "what is wrong (what to do)")


def test_the_tree_is_drawn_in_full() -> None:
    assert [e.__name__ for e in every_error() if e.__name__ not in (errors.__doc__ or "")] == []


@pytest.mark.parametrize("data", [{}, {"kind": "Nonsense"}, {"kind": None, "message": None}, {"kind": "Exception"}])
def test_an_unknown_error_is_still_an_error(data: dict[str, object]) -> None:
    assert type(from_dict(data)) is ExplorerError


def test_an_unknown_name_says_what_is_close() -> None:
    assert str(errors.UnknownName.of("model", "restnet", ["resnet50", "resnet34"])) == (
        "no model 'restnet' (closest: resnet50, resnet34)"
    )
    assert "explorer search" in str(errors.UnknownName.of("model", "qqq", []))


def test_exit_codes() -> None:
    assert {e.__name__: e.exit_code for e in every_error() if issubclass(e, errors.RequestError)} == {
        "RequestError": 2,
        "UnknownName": 2,
        "TimmSourceError": 2,
    }
    assert ExplorerError.exit_code == errors.TimmNotFound.exit_code == 1
