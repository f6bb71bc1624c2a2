"""Source in, pairs of caller and callee out."""

from textwrap import dedent

import pytest

from explorer.introspect.calls import find_calls
from explorer.introspect.parse import parse_module
from explorer.introspect.resolve import Resolver


def calls(source: str, **others: str) -> set[tuple[str, str]]:
    """Calls made in ``pkg.main``; its own functions are written without the module."""
    sources = {"pkg": others.pop("pkg", ""), "pkg.main": source, **{f"pkg.{k}": text for k, text in others.items()}}
    modules = {
        name: parse_module(name, "__init__.py" if name == "pkg" else "m.py", dedent(text).encode())
        for name, text in sources.items()
    }
    found = find_calls(modules, Resolver(modules))
    return {
        (call.caller.name, call.callee.id.removeprefix("pkg.main:"))
        for call in found
        if call.caller.module == "pkg.main"
    }


G = "def g(): pass\n"


@pytest.mark.parametrize(
    ("source", "pairs"),
    [
        (G + "def f(): g()", {("f", "g")}),
        (G + "def f():\n  if a:\n    for i in b:\n      with c:\n        return [g() for _ in d]", {("f", "g")}),
        (G + "async def f(): await g()", {("f", "g")}),
        (G + "def f(): return lambda: g()", {("f", "g")}),
        (G + "def f(): return {k: g() for k in a if g()}", {("f", "g")}),
        (G + "def f(): return f'{g()}'", {("f", "g")}),
        (G + "def f(): h = g; h()", {("f", "g")}),
        (G + "h = g\ndef f(): h()", {("f", "g")}),
        (G + "def f():\n  def k(): g()\n  k()", {("f", "f.<locals>.k"), ("f.<locals>.k", "g")}),
        ("def f():\n  def k():\n    def l(): f()\n    l()\n  return k",
         {("f.<locals>.k", "f.<locals>.k.<locals>.l"), ("f.<locals>.k.<locals>.l", "f")}),
        ("def f(): f()", {("f", "f")}),
        ("def d(fn): return fn\n@d\ndef g(): pass\ndef f(): g()", {("f", "g")}),
        ("if a:\n  def g(): pass\nelse:\n  def g(): pass\ndef f(): g()", {("f", "g")}),
        ("h = a if b else c\ndef a(): pass\ndef c(): pass\ndef f(): h()", {("f", "a"), ("f", "c")}),
        (G + "def k(): pass\ndef f(b):\n  h = g if b else k\n  h()", {("f", "g"), ("f", "k")}),
    ],
)  # fmt: skip
def test_names(source: str, pairs: set[tuple[str, str]]) -> None:
    assert calls(source) == pairs


@pytest.mark.parametrize(
    "statement",
    [
        "g = 1",
        "g: int = 1",
        "g += 1",
        "g, h = 1, 2",
        "for g in a: pass",
        "with a as g: pass",
        "if (g := 1): pass",
        "try: pass\n  except E as g: pass",
        "[g for g in a]",
        "lambda g: g",
        "import other as g",
        "from other import g",
        "match a:\n    case [g]: pass",
        "match a:\n    case {'k': 1, **g}: pass",
        "match a:\n    case [1, *g]: pass",
        "g = a()",
        "del g",
    ],
)
def test_a_shadowed_name_is_not_the_outer_one(statement: str) -> None:
    assert ("f", "g") not in calls(f"{G}def f(a):\n  {statement}\n  g()")


@pytest.mark.parametrize("parameters", ["g", "*g", "**g", "*, g", "g=None"])
def test_a_parameter_is_not_the_outer_name(parameters: str) -> None:
    assert calls(f"{G}def f({parameters}): g()") == set()


def test_a_method_is_not_a_plain_name() -> None:
    assert calls("class A:\n  def g(self): pass\n  def f(self): g()") == set()


A = """
class A:
    def __init__(self): pass
    def m(self): pass
    @classmethod
    def c(cls): pass
    @staticmethod
    def s(a): pass
    class In:
        def __init__(self): pass
"""


@pytest.mark.parametrize(
    ("source", "pairs"),
    [
        ("class B(A):\n  def f(self): self.m()", {("B.f", "A.m")}),
        ("class B(A):\n  def m(self): super().m()", {("B.m", "A.m")}),
        ("class B(A):\n  def m(self): super(B, self).m()", {("B.m", "A.m")}),
        ("class B(A):\n  def __init__(self): super().__init__()", {("B.__init__", "A.__init__")}),
        ("class B(A):\n  def __init__(self): A.__init__(self)", {("B.__init__", "A.__init__")}),
        ("class B(A):\n  def f(self): self.c(); self.s(1); B.c()", {("B.f", "A.c"), ("B.f", "A.s")}),
        ("class B(A):\n  @classmethod\n  def f(cls): cls()", {("B.f", "A.__init__")}),
        ("class B(A):\n  @staticmethod\n  def f(a): a.m()", set()),
        ("class B(A):\n  def f(self):\n    def g(): self.m()\n    g()",
         {("B.f", "B.f.<locals>.g"), ("B.f.<locals>.g", "A.m")}),
        ("class B(A):\n  def f(self, other): other.m()", set()),
        ("class B(A):\n  def f(self): self.attribute.m()", set()),
        ("class B(A):\n  def f(self): return self(1)", set()),
        ("class B(A): pass\nclass C(B): pass\ndef f(): C()", {("f", "A.__init__")}),
        ("def f(): A()", {("f", "A.__init__")}),
        ("def f(): A.m(1); A.c(); A.s(2)", {("f", "A.m"), ("f", "A.c"), ("f", "A.s")}),
        ("def f(): A.In()", {("f", "A.In.__init__")}),
        ("class B: pass\ndef f(): B()", set()),
        ("class L:\n  def m(self): pass\nclass B(L, A):\n  def f(self): self.m()", {("B.f", "L.m")}),
        ("class L(A):\n  def m(self): pass\nclass R(A):\n  def m(self): pass\n"
         "class B(L, R):\n  def f(self): super().m()",
         {("B.f", "L.m")}),
        ("class B(A[int]):\n  def f(self): self.m()", {("B.f", "A.m")}),
        ("class B(B):\n  def f(self): self.m()", set()),
        ("class C(D): pass\nclass D(C):\n  def f(self): self.m()", set()),
        ("def f():\n  class B(A):\n    def g(self): self.m()\n  B()",
         {("f", "A.__init__"), ("f.<locals>.B.g", "A.m")}),
        ("class B(A):\n  @property\n  def p(self): return self.m()\n  @p.setter\n  def p(self, v): self.c()",
         {("B.p", "A.m"), ("B.p", "A.c")}),
    ],
)  # fmt: skip
def test_classes(source: str, pairs: set[tuple[str, str]]) -> None:
    assert calls(A + source) == pairs


@pytest.mark.parametrize(
    ("source", "callee"),
    [
        ("from .lib import g\ndef f(): g()", "pkg.lib:g"),
        ("from pkg.lib import g as h\ndef f(): h()", "pkg.lib:g"),
        ("from pkg import lib\ndef f(): lib.g()", "pkg.lib:g"),
        ("import pkg.lib\ndef f(): pkg.lib.g()", "pkg.lib:g"),
        ("import pkg.lib as l\ndef f(): l.g()", "pkg.lib:g"),
        ("def f():\n  from .lib import g\n  g()", "pkg.lib:g"),
        ("from .lib import *\ndef f(): g()", "pkg.lib:g"),
        ("from .facade import g\ndef f(): g()", "pkg.lib:g"),
        ("from .facade import renamed\ndef f(): renamed()", "pkg.lib:g"),
        ("from .facade import *\ndef f(): g()", "pkg.lib:g"),
        ("from . import facade\ndef f(): facade.g()", "pkg.lib:g"),
        ("from .lib import K\ndef f(): K()", "pkg.lib:K.__init__"),
        ("from .lib import K\nclass B(K):\n  pass\ndef f(): B()", "pkg.lib:K.__init__"),
        ("from . import lib\nclass B(lib.K):\n  pass\ndef f(): B()", "pkg.lib:K.__init__"),
        ("try:\n  from .lib import g\nexcept ImportError:\n  g = None\ndef f(): g()", "pkg.lib:g"),
        ("import torch\ndef f(): torch.cat([])", "torch:cat"),
        ("from torch import nn\ndef f(): nn.Conv2d(1)", "torch.nn:Conv2d"),
        ("import torch.nn.functional as F\ndef f(): F.relu(1)", "torch.nn.functional:relu"),
        ("from torch.nn import Conv2d as C\ndef f(): C(1)", "torch.nn:Conv2d"),
        ("from torch import Tensor\ndef f(): Tensor.view(1)", "torch:Tensor.view"),
        ("from PIL import Image\ndef f(): Image.open(1)", "PIL:Image.open"),
        ("import math\ndef f(): math.floor(1)", "math:floor"),
    ],
)
def test_imports(source: str, callee: str) -> None:
    lib = G + "class K:\n  def __init__(self): pass"
    facade = "from .lib import g\nfrom .lib import g as renamed\nfrom .lib import *\n"

    assert calls(source, lib=lib, facade=facade) == {("f", callee)}


def test_the_last_star_import_wins() -> None:
    assert calls("from .a import *\nfrom .b import *\ndef f(): g()", a=G, b=G) == {("f", "pkg.b:g")}


def test_a_star_import_brings_what_all_lists() -> None:
    source = "from .a import *\nfrom .b import *\ndef f(): g(); _h()"

    assert calls(source, a="__all__ = ['g', '_h']\n" + G + "def _h(): pass", b="__all__ = []\n" + G) == {
        ("f", "pkg.a:g"),
        ("f", "pkg.a:_h"),
    }


@pytest.mark.parametrize(
    "others",
    [
        {"a": "from .b import g", "b": "from .a import g"},
        {"a": "from .b import *", "b": "from .a import *"},
        {"a": "g = h\nh = g"},
        {"a": "from .main import g"},
        {"a": "import pkg.a.g as g"},
        {"a": ""},
        {},
    ],
)
def test_circles_and_gaps_lead_nowhere(others: dict[str, str]) -> None:
    assert calls("from .a import g\ndef f(): g()", **others) == set()


RUN = "def run(x, fn=None): fn()\n" + G


@pytest.mark.parametrize(
    ("source", "pairs"),
    [
        (RUN + "def f(): run(1, g)", {("f", "run"), ("run", "g")}),
        (RUN + "def f(): run(1, fn=g)", {("f", "run"), ("run", "g")}),
        (RUN + "def f(): run(1, fn=None)", {("f", "run")}),
        (RUN + "def f(): run(*a, g)", {("f", "run")}),
        (RUN + "def k(): pass\ndef f(b): run(1, g if b else k)", {("f", "run"), ("run", "g"), ("run", "k")}),
        (G + "def run(fn=g): fn()", {("run", "g")}),
        (G + "def run(*, fn=g): fn()\ndef k(): pass\ndef f(): run(fn=k)", {("f", "run"), ("run", "g"), ("run", "k")}),
        (RUN + "class K:\n  def __init__(self): pass\ndef f(): run(1, K)", {("f", "run"), ("run", "K.__init__")}),
        (RUN + "import torch\ndef f(): run(1, torch.relu)", {("f", "run"), ("run", "torch:relu")}),
        (G + "class K:\n  def __init__(self, fn): fn()\ndef f(): K(g)", {("f", "K.__init__"), ("K.__init__", "g")}),
        (G + "class K:\n  def m(self, fn): fn()\n  def f(self): self.m(g)", {("K.f", "K.m"), ("K.m", "g")}),
        (G + "class K:\n  @staticmethod\n  def m(fn): fn()\n  def f(self): self.m(g)", {("K.f", "K.m"), ("K.m", "g")}),
        (G + "class K:\n  @classmethod\n  def m(cls, fn): fn()\ndef f(): K.m(g)", {("f", "K.m"), ("K.m", "g")}),
        (G + "class K:\n  def m(self, fn): fn()\ndef f(k): K.m(k, g)", {("f", "K.m"), ("K.m", "g")}),
        (G + "class K:\n  def m(self, fn): fn()\n  def f(self):\n    h = self.m\n    h(g)",
         {("K.f", "K.m"), ("K.m", "g")}),
        (G + "class L:\n  def __init__(self, fn): fn()\nclass K(L):\n  def __init__(self): super().__init__(g)",
         {("K.__init__", "L.__init__"), ("L.__init__", "g")}),
        (RUN + "def f(): run(1, g())", {("f", "run"), ("f", "g")}),
    ],
)  # fmt: skip
def test_what_is_handed_over_is_called(source: str, pairs: set[tuple[str, str]]) -> None:
    assert calls(source) == pairs


def test_edges_of_a_handed_over_callable_say_so() -> None:
    module = parse_module("m", "m.py", (RUN + "def f(): run(1, g)").encode())
    made = {c.callee.id: c for c in find_calls({"m": module}, Resolver({"m": module}))}

    assert (made["m:g"].via, made["m:g"].stands_for, made["m:g"].lines) == ("fn", ["m:g"], [1])
    assert made["m:run"].binds == {"fn": ["m:g"]}
