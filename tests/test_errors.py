"""What every error has: one line, its mend, an exit code, and a way over a pipe."""

import pickle

import pytest

from explorer import errors
from explorer.errors import ExplorerError, RequestError, UnknownName, from_dict, unexpected


def every_kind(root: type[ExplorerError] = ExplorerError) -> list[type[ExplorerError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in every_kind(child))]


@pytest.mark.parametrize("kind", every_kind())
def test_an_error_is_the_same_behind_a_pipe(kind: type[ExplorerError]) -> None:
    error = kind("no model 'x'", "closest: y")

    for again in (from_dict(error.to_dict()), pickle.loads(pickle.dumps(error))):
        assert type(again) is kind
        assert (again.message, again.hint, again.exit_code) == (error.message, error.hint, error.exit_code)
        assert str(again) == "no model 'x' (closest: y)"


@pytest.mark.parametrize("kind", every_kind())
def test_what_was_asked_wrongly_ends_with_2_and_what_went_wrong_with_1(kind: type[ExplorerError]) -> None:
    assert kind.exit_code == (2 if issubclass(kind, RequestError) else 1)


def test_the_tree_in_the_module_is_the_tree() -> None:
    assert errors.__doc__ is not None
    for kind in every_kind():
        assert f" {kind.__name__}" in errors.__doc__


@pytest.mark.parametrize("data", [{}, {"kind": "Exception", "message": "gone"}, {"kind": None, "message": "gone"}])
def test_a_kind_that_is_not_known_is_an_error_all_the_same(data: dict[str, object]) -> None:
    error = from_dict(data)

    assert type(error) is ExplorerError
    assert error.message == data.get("message", "unknown error")


def test_no_hint_leaves_no_brackets() -> None:
    assert str(ExplorerError("it is gone")) == "it is gone"


def test_a_name_without_a_close_one_leads_to_the_search() -> None:
    assert "resnet34, resnet50" in UnknownName.of("model", "resnet", ["resnet34", "resnet50"]).hint
    assert "explorer search" in UnknownName.of("model", "resnet", []).hint


def test_what_nobody_raised_on_purpose_is_one_line() -> None:
    error = unexpected(ValueError("first\nsecond"))

    assert (error.message, error.hint) == ("ValueError: first", "a bug in explorer")
