"""Whatever source holds, reading it ends in a graph, soon: random programs over the grammar, and those that got away.

In CI the same few hundred each time. With EXPLORER_FUZZ_SECONDS set, new ones are drawn for so long.
"""

import os
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.files import to_json
from explorer.graph import Graph
from explorer.introspect.builder import Builder
from explorer.introspect.reading.source import SourceTree

SECONDS = float(os.environ.get("EXPLORER_FUZZ_SECONDS", 0))
LIMIT_SECONDS = 20
STARTED = time.monotonic()
FUZZ = settings(
    max_examples=int(SECONDS * 100) or 200,
    derandomize=not SECONDS,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TIMM = """
def register_model(fn): return fn
def create_model(name, **kwargs): return _model_entrypoints[name](**kwargs)
_model_entrypoints = {}
"""


def graph_of(source: str) -> Graph:
    """The whole graph of a small timm whose registry file has this source at its end."""
    files = {"__init__.py": b"from . import models", "models/__init__.py": b"from ._registry import *"}
    content = (TIMM + source).encode("utf-8", "replace")
    graph = Builder(SourceTree("here", {**files, "models/_registry.py": content})).complete()
    assert [to_json(rows) for _, rows in graph.sections()]
    return graph


ATOM = st.sampled_from(
    """
    0 1 -1 2 3 10**9 10**30 0.5 1e308 'a' 'ab,c' b'x' None True ... x y f A B self [] {} () [1] {'a':1} (1,2) 1j
    range(10**9) range(10**30) 'x'*9 [0]*9 set() frozenset() __name__ sys.maxsize object int str list dict type
    Exception super() NotImplemented f'{x!r:>{y}}' '{0:9999}' '%9999d' '(a+)+$' ('a'*40+'b') lambda:x undefined
    """.split()
)
NAME = st.sampled_from(["x", "y", "f", "A", "B", "m"])
BUILTIN = st.sampled_from(
    """
    abs all any bool dict divmod enumerate float frozenset int len list max min pow range reversed round set slice
    sorted str sum tuple zip map filter next iter getattr setattr hasattr isinstance issubclass callable type super
    hash repr print open eval exec vars dir id A B f x re.match re.sub re.search re.compile functools.partial
    functools.reduce functools.wraps itertools.chain itertools.repeat copy.deepcopy math.exp math.prod os.path.join
    collections.OrderedDict dataclasses.field namedtuple __import__ importlib.import_module torch.linspace nn.Module
    nn.Sequential
    """.split()
)
METHOD = st.sampled_from(
    "append extend update join split format replace zfill center pop get items keys x m __init__".split()
)
OPERATOR = st.sampled_from("+ - * / // % ** @ << >> | & ^ < <= == != in is and or".split())


def is_named(argument: str) -> bool:
    return "=" in argument or argument.startswith("**")


def calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    some = st.lists(inner, max_size=3)
    named = st.tuples(NAME, inner).map("=".join)
    arguments = st.lists(st.one_of(inner, inner.map("*{}".format), named, inner.map("**{}".format)), max_size=3)
    loops = st.tuples(inner, NAME, inner, inner)
    return st.one_of(
        st.tuples(inner, OPERATOR, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(BUILTIN, arguments).map(
            lambda t: f"{t[0]}({', '.join(sorted(t[1], key=lambda a: '=' in a or a[:2] == '**'))})"
        ),
        st.tuples(inner, METHOD, some).map(lambda t: f"({t[0]}).{t[1]}({', '.join(t[2])})"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]})[{t[1]}]"),
        st.tuples(inner, inner, inner, inner).map(lambda t: f"({t[0]})[{t[1]}:{t[2]}:{t[3]}]"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        loops.map(lambda t: f"[{t[0]} for {t[1]} in {t[2]} if {t[3]}]"),
        loops.map(lambda t: f"{{{t[0]}: {t[3]} for {t[1]} in {t[2]}}}"),
        loops.map(lambda t: f"({t[0]} for {t[1]} in {t[2]} for y in {t[3]})"),
        some.map(lambda t: f"[{', '.join(t)}]"),
        st.tuples(inner, inner).map(lambda t: f"{{{t[0]}: {t[1]}}}"),
        inner.map("(not {})".format),
        inner.map("(-{})".format),
        st.tuples(NAME, inner).map(lambda t: f"({t[0]} := {t[1]})"),
        inner.map("(lambda x=1: {})".format),
        inner.map("(lambda *y, **z: {})()".format),
        inner.map("f'{{{}!r}}'".format),
    )


EXPRESSION = st.recursive(ATOM, calls, max_leaves=6)


def indented(body: list[str]) -> str:
    return "\n".join(f"  {line}" for statement in body for line in statement.split("\n"))


def compounds(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(inner, min_size=1, max_size=3).map(indented)
    one, two = st.tuples(EXPRESSION, body), st.tuples(EXPRESSION, EXPRESSION, body)
    return st.one_of(
        one.map(lambda t: f"if {t[0]}:\n{t[1]}\nelse:\n  pass"),
        one.map(lambda t: f"while {t[0]}:\n{t[1]}"),
        st.tuples(NAME, EXPRESSION, body).map(lambda t: f"for {t[0]} in {t[1]}:\n{t[2]}"),
        two.map(lambda t: f"try:\n{t[2]}\nexcept {t[0]} as e:\n  {t[1]}\nfinally:\n  pass"),
        one.map(lambda t: f"with {t[0]} as x:\n{t[1]}"),
        two.map(lambda t: f"@{t[0]}\ndef f(x={t[1]}, *y, z=2, **k):\n{t[2]}"),
        st.tuples(NAME, body).map(lambda t: f"def {t[0]}(self=1, x=2):\n{t[1]}\n{t[0]}()"),
        two.map(lambda t: f"class A({t[0]}, metaclass=type):\n  m = {t[1]}\n{t[2]}\nA()"),
        two.map(lambda t: f"@{t[0]}\nclass B(A, {t[1]}):\n{t[2]}"),
        two.map(lambda t: f"match {t[0]}:\n  case [x, *y] if {t[1]}:\n{indented([t[2]])}\n  case _:\n    pass"),
        body.map(lambda t: f"async def f():\n{t}\n  await f()"),
    )


AUGMENTED = st.sampled_from("+ - * / // % ** @ << >> | & ^".split())
SIMPLE = st.one_of(
    EXPRESSION,
    st.tuples(NAME, EXPRESSION).map(" = ".join),
    st.tuples(NAME, AUGMENTED, EXPRESSION).map(lambda t: f"{t[0]} {t[1]}= {t[2]}"),
    st.tuples(NAME, METHOD, EXPRESSION).map(lambda t: f"{t[0]}.{t[1]} = {t[2]}"),
    st.tuples(NAME, EXPRESSION, EXPRESSION).map(lambda t: f"{t[0]}[{t[1]}] = {t[2]}"),
    st.tuples(NAME, EXPRESSION).map(lambda t: f"{t[0]}, *y = {t[1]}"),
    EXPRESSION.map("assert {}".format),
    EXPRESSION.map("raise {}".format),
    NAME.map("global {}".format),
    NAME.map("del {}".format),
    EXPRESSION.map("@register_model\ndef net(*a, **k): return {}".format),
    st.sampled_from(
        ["import sys, re, math, functools, itertools, copy", "from torch import nn", "from .none import x"]
    ),
)
STATEMENT = st.recursive(SIMPLE, compounds, max_leaves=5)
PROGRAM = st.lists(STATEMENT, min_size=1, max_size=8).map("\n".join)


@FUZZ
@given(source=PROGRAM)
def test_programs_at_random(source: str) -> None:
    if SECONDS and time.monotonic() - STARTED > SECONDS:
        return
    start = time.monotonic()
    graph = graph_of(source)
    assert time.monotonic() - start < LIMIT_SECONDS
    assert "timm.models" in graph


DEEP = 20_000
GOT_AWAY = r"""
class A(int("x")): pass
class A([i for i in range(400) for j in range(400)][0]): pass
class A: a = list()
x = pow(10, 10**9)
x = round(5, -10**9)
x = 0.5 in range(10**10)
x = sum(range(10**9))
x = max(range(10**9))
x = list(range(10**8))
x = [i for i in range(10**30)]
x = len(range(10**30))
x = [1][::0]
x = 'abc'[::0]
x = "{0:9999}" * 100000; y = x.format(1)
x = "%9999d" * 100000; y = x % ((1,) * 100000)
import re; x = re.match('(a+)+$', 'a' * 60 + 'b')
import re; x = re.sub('', 'a' * 99999, 'b' * 99999)
import re; x = re.compile('(a|a)*$').match('a' * 60 + 'b')
x = 1 << 10**10
x = 'a' * 10**10
x = [0] * 10**10
x = 9 ** 9 ** 9 ** 9
x = hash(f)
x = -10**4000; y = {'cfg': x}
while True: pass
for i in iter(int, 1): pass
def f(): return f()\nf()
def f(x=[i for i in range(10**7)]): pass
@[lambda f: f for i in range(10**7)][0]\ndef g(): pass
x = [1]\nfor i in range(60): x = [x, x]\ndef f(y=x): return y\nf(x)
x = {}\nx['x'] = x\ny = str(x)
x = []\nx.append(x)\ndef f(y): return y\nf(x)
x = ()\nfor i in range(500): x = (x,)\ny = {x: 1}
exec('while True: pass')
exec('exec(' * 50 + ')' * 50)
class A:\n  while True: pass
class A(A): pass
class A:\n  class A:\n    class A(A): pass
""".strip().split("\n")


@pytest.mark.parametrize("source", [line.replace("\\n", "\n") for line in GOT_AWAY])
def test_programs_that_got_away(source: str) -> None:
    source += "\n@register_model\ndef after(): return g()\ndef g(): pass"
    start = time.monotonic()
    graph = graph_of(source)

    assert time.monotonic() - start < LIMIT_SECONDS
    assert "model:after" in graph


@pytest.mark.parametrize(
    "make",
    [
        lambda: "x = " + "(" * DEEP + ")" * DEEP,
        lambda: "x = " + "[" * 90 + "]" * 90,
        lambda: "x = " + "-" * 5000 + "1",
        lambda: "x = " + " + ".join(["1"] * 5000),
        lambda: "x" + ".a" * 5000,
        lambda: "x = " + "f(" * 90 + ")" * 90,
        lambda: "\n".join(f"class A{i}({f'A{i - 1}' if i else ''}): pass" for i in range(2000)) + "\nA1999()",
        lambda: "\n".join(f"def f{i}(): return f{i + 1}()" for i in range(2000)) + "\nf0()",
        lambda: "\n".join(f"x{i} = [0] * 999_999" for i in range(300)),
        lambda: "x = 0x" + "f" * 20_000,
        lambda: "if x: pass\n" + "".join(f"elif x == {i}: y = {i}\n" for i in range(900)),
        lambda: "# coding: rot13\nx = 1",
        lambda: "x = '" + "a" * 3_000_000 + "'",
    ],
)
def test_large_and_deep_programs(make: Callable[[], str]) -> None:
    start = time.monotonic()
    graph_of(make())

    assert time.monotonic() - start < LIMIT_SECONDS
