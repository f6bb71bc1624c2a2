"""What functions do with their ``**kwargs``."""

import ast
from textwrap import dedent
from typing import Any

import pytest

from explorer.introspect.reading.keywords import keyword_uses


def uses(body: str, parameters: str = "**kwargs", of: str = "kwargs") -> dict[str, Any]:
    function = ast.parse(f"def f({parameters}):\n" + "\n".join(f"    {x}" for x in dedent(body).strip().splitlines()))
    definition = function.body[0]
    assert isinstance(definition, ast.FunctionDef)
    found: dict[str, Any] = keyword_uses(definition).get(of, {})
    return found


@pytest.mark.parametrize("body", ["kwargs.pop('x')", "kwargs.pop('x', 1)", "del kwargs['x']"])
def test_keys_taken_out(body: str) -> None:
    assert uses(f"{body}\ng(**kwargs)") == {"takes": ["x"], "hands": [[3, "**", 0, []]]}


@pytest.mark.parametrize("body", ["a = kwargs.get('x')", "a = kwargs['x']", "a = 'x' in kwargs"])
def test_keys_read_count_where_nobody_else_gets_them(body: str) -> None:
    assert uses(body) == {"takes": ["x"]}
    assert uses(f"{body}\ng(**kwargs)") == {"hands": [[3, "**", 0, []]]}


@pytest.mark.parametrize(
    "body", ["kwargs.setdefault('x', 1)", "kwargs['x'] = 1", "kwargs.update(x=1)", "if kwargs: pass"]
)
def test_what_takes_nothing_out(body: str) -> None:
    assert uses(body) == {}


@pytest.mark.parametrize(
    ("call", "hand"),
    [
        ("g(1, 2, **kwargs)", [2, "**", 2, []]),
        ("g(a=1, **kwargs)", [2, "**", 0, ["a"]]),
        ("g(**dict(args, **kwargs))", [2, "**", 0, []]),
        ("g(**{'a': 1, **kwargs})", [2, "**", 0, []]),
        ("g(**{k: v for k, v in kwargs.items() if v})", [2, "**", 0, []]),
        ("return g(1, kwargs)", [2, 1, 0, []]),
        ("g(more=kwargs)", [2, "more", 0, []]),
        ("cfg = replace(cfg, **kwargs)", [2, "**", 1, [], "cfg"]),
        ("super().__init__(**kwargs)", [2, "**", 0, []]),
    ],
)
def test_calls_they_are_handed_on_to(call: str, hand: list[Any]) -> None:
    assert uses(call) == {"hands": [hand]}


@pytest.mark.parametrize(
    "made",
    ["more = dict(a=1, **kwargs)", "more = {**base, **kwargs}", "more = {}; more.update(kwargs)", "more = kwargs"],
)
def test_dicts_made_from_them_carry_them_on(made: str) -> None:
    assert uses(f"{made}\ng(**more)") == {"hands": [[3, "**", 0, []]]}


@pytest.mark.parametrize(
    "body", ["for k in kwargs: print(k)", "for k, v in kwargs.items(): g(k)", "x = set(kwargs)", "self.args = [kwargs]"]
)
def test_a_use_that_is_not_understood_leaves_it_open(body: str) -> None:
    assert uses(body)["open"] is True


def test_a_dict_that_comes_as_a_plain_argument() -> None:
    assert uses("eps = kwargs.pop('eps', None)\nif kwargs.get('y'): pass", "kwargs") == {"takes": ["eps"]}


def test_functions_without_such_arguments_have_nothing() -> None:
    assert uses("options.pop('x')", "options", of="options") == {}
