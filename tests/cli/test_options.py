from dataclasses import dataclass
from inspect import signature
from typing import Annotated, Any

import pytest
import typer

from explorer.cli.options import BuildOptions, RunOptions, parsed_arguments, spread
from explorer.errors import RequestError


@dataclass(frozen=True, kw_only=True)
class Wishes:
    size: Annotated[int, typer.Option(help="How large.")] = 3
    word: str


def test_typer_sees_the_fields_and_the_command_gets_the_struct() -> None:
    got: list[Any] = []

    @spread
    def command(name: str, *, wishes: Wishes, last: bool = False) -> None:
        """What it does."""
        got.append((name, wishes, last))

    assert list(signature(command).parameters) == ["name", "size", "word", "last"]
    assert signature(command).parameters["size"].default == 3
    assert command.__doc__ == "What it does."

    command(name="a", size=4, word="b", last=True)
    assert got == [("a", Wishes(size=4, word="b"), True)]


def test_a_command_line_fills_the_struct(capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer(add_completion=False)

    @app.command()
    @spread
    def command(name: str, *, model: RunOptions) -> None:
        print(name, model.building())

    app(["x", "--img-size", "64", "--features-only", "--set", "a=1"], standalone_mode=False)
    assert capsys.readouterr().out == (
        "x {'img_size': 64, 'in_chans': None, 'num_classes': None, 'reparam': False,"
        " 'features_only': True, 'args': {'a': 1}}\n"
    )


def test_how_a_model_is_built_by_default() -> None:
    assert BuildOptions().building() == {
        "img_size": None,
        "in_chans": None,
        "num_classes": None,
        "reparam": False,
        "args": {},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=1", 1),
        ("a=1.5", 1.5),
        ("a=silu", "silu"),
        ("a='1'", "1"),
        ("a=[1, 2]", [1, 2]),
        ("a=None", None),
        ("a=", ""),
    ],
)
def test_a_value_is_a_literal_where_it_can_be_read_as_one(text: str, value: object) -> None:
    assert parsed_arguments([text]) == {"a": value}


@pytest.mark.parametrize("texts", [["a"], ["=1"], ["a=1", "a=2"], ["a b=1"], ["a={1, 2}"], ["a=1e999"]])
def test_what_cannot_be_an_argument_is_refused(texts: list[str]) -> None:
    with pytest.raises(RequestError, match="--set"):
        parsed_arguments(texts)
