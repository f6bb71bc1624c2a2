"""Source in, calls out: one feature of the language to a case, held against what Python itself runs."""

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from explorer.graph.contexts import Contexts
from explorer.introspect.call_graph import CallGraph, follow_calls
from explorer.introspect.reading.parse import parse_module
from explorer.introspect.registry import Architecture, read_registry

from . import running

Case = tuple[str, str]
"""Source, and its calls as words: ``a>b``, or ``a~b`` when foreign code lies between."""


def call_graph(source: str, **others: str) -> CallGraph:
    """The calls of ``pkg.main`` and the modules beside it; timm's ``create_model`` calls its ``f()``."""
    sources = {
        "timm": "",
        "timm.models": "def create_model(name):\n  from pkg.main import f\n  f()",
        "pkg": others.pop("pkg", ""),
        "pkg.main": source,
        **{f"pkg.{name}": text for name, text in others.items()},
    }
    modules = {
        name: parse_module(name, "__init__.py" if name in ("pkg", "timm") else "m.py", dedent(text).encode())
        for name, text in sources.items()
    }
    registry, evaluator = read_registry(modules, ("timm", "pkg"))
    registry.architectures["net"] = Architecture("net", "main", "pkg.main", "pkg.main:f")
    return follow_calls(evaluator, registry)


def calls(source: str, **others: str) -> set[str]:
    """The calls that ``f()`` makes, and what it calls, and so on; functions of ``pkg.main`` without the module."""
    contexts = call_graph(source, **others).contexts
    pairs: dict[str, str] = {}
    for context in contexts.reached(contexts.models["net"]):
        for sign, callees in ((">", contexts.direct[context]), ("~", contexts.through[context])):
            for callee in callees:
                pair = f"{_name(contexts, context)} {_name(contexts, callee)}"
                pairs[pair] = ">" if ">" in (sign, pairs.get(pair)) else "~"
    return {
        pair.replace(" ", sign)
        for pair, sign in pairs.items()
        if not pair.startswith("timm.") and len(set(pair.split())) == 2
    }


def _name(contexts: Contexts, context: int) -> str:
    return contexts.function(context).removeprefix("pkg.main:")


def edges(source: str, **others: str) -> set[str]:
    """All calls of functions in ``pkg.main``, those of functions that nobody calls among them."""
    return {
        f"{caller.removeprefix('pkg.main:')}>{callee.removeprefix('pkg.main:')}"
        for caller, callees in call_graph(source, **others).edges.items()
        for callee in callees
        if caller.startswith("pkg.main:")
    }


def check(source: str, pairs: str, truth: list[str]) -> None:
    assert set(truth) == set(pairs.split()), "the case itself is wrong"

    assert {pair for pair in calls(source) if ":" not in pair} == set(pairs.split())


G = "def g(*a, **k): pass\ndef h(*a, **k): pass\n"
A = """
class A:
    def __init__(self, *a, **k): pass
    def m(self, *a): return 1
    def n(self, *a): return 2
    @classmethod
    def c(cls): pass
    @staticmethod
    def s(*a): pass
"""

FUNCTIONS: list[Case] = [
    ("def f(): g()", "f>g"),
    ("def f():\n  for i in range(2):\n    while i == 1:\n      return [g() for _ in 'a']", "f>g"),
    ("def f(): return (lambda: g())()", "f>g"),
    ("def f(): return {k: g() for k in 'ab' if h() is None}", "f>g f>h"),
    ("def f(): return [g(x) for x in (h() for _ in 'a')]", "f>g f>h"),
    ("def f(): return f'{g()} {h()!r:>5}'", "f>g f>h"),
    ("def f(): x = g; y = x; y()", "f>g"),
    ("x = g\ndef f(): x()", "f>g"),
    ("x, (y, *z) = 1, (g, h)\ndef f(): y(); z[0]()", "f>g f>h"),
    ("def f():\n  def k(): g()\n  k()", "f>f.<locals>.k f.<locals>.k>g"),
    ("def f():\n  x = g\n  def k(): x()\n  x = h\n  k()", "f>f.<locals>.k f.<locals>.k>h"),
    ("def make(fn):\n  def run(): return fn()\n  return run\ndef f(): make(g)(); make(h)()",
     "f>make f>make.<locals>.run make.<locals>.run>g make.<locals>.run>h"),
    ("def _ntuple(n):\n  def parse(x):\n    return tuple(g() for _ in range(n))\n  return parse\n"
     "to_2tuple = _ntuple(2)\ndef f(): to_2tuple(1)",
     "f>_ntuple.<locals>.parse _ntuple.<locals>.parse>g"),
    ("def fact(n): return g() if n < 1 else fact(n - 1)\ndef f(): fact(3)", "f>fact fact>g"),
    ("def a(n): return b(n - 1) if n else g()\ndef b(n): return a(n - 1) if n else h()\ndef f(): a(2)",
     "f>a a>b b>a a>g"),
    ("def run(fn): fn()\ndef f(): run(lambda: g())", "f>run run>f f>g"),
    ("def run(fn=g): fn()\ndef f(): run()", "f>run run>g"),
    ("def run(*, fn=g): fn()\ndef f(): run(fn=h)", "f>run run>h"),
    ("def run(a, /, b, *c, d, **e): a(); b(); c[0](); d(); e['e']()\ndef k(): pass\n"
     "def f(): run(g, h, k, d=g, e=h)", "f>run run>g run>h run>k"),
    ("def run(*fns):\n  for fn in fns: fn()\ndef f(): run(*[g, h])", "f>run run>g run>h"),
    ("def run(**fns):\n  fns.pop('b')\n  for fn in fns.values(): fn()\ndef f(): run(**dict(a=g, b=h))", "f>run run>g"),
    ("def run(fn=None, **kw):\n  if fn is None: fn = g\n  fn()\ndef f(): run(fn=None)", "f>run run>g"),
    ("def run(fn=None):\n  fn = fn or g\n  fn()\ndef f(): run(h)", "f>run run>h"),
    ("def outer(**kw): inner(**kw)\ndef inner(fn, other=h): fn()\ndef f(): outer(fn=g)", "f>outer outer>inner inner>g"),
    ("def pick(): return g\ndef f(): pick()()", "f>pick f>g"),
    ("def pick(): return g, h\ndef f():\n  a, b = pick()\n  b()", "f>pick f>h"),
    ("def f():\n  global x\n  x = g\n  k()\ndef k(): x()", "f>k k>g"),
    ("def f():\n  x = h\n  def k():\n    nonlocal x\n    x = g\n  k()\n  x()", "f>f.<locals>.k f>g"),
    ("def f():\n  if (x := g): x()", "f>g"),
    ("def f():\n  import functools\n  functools.partial(g, 1)()", "f>g"),
    ("from functools import partial\ndef k(fn, other): fn(); other()\nx = partial(partial(k, g), other=g)\n"
     "def f(): x(other=h)", "f>k k>g k>h"),
    ("from functools import partial\ndef k(fn): fn()\ndef f(): partial(k).func(g)", "f>k k>g"),
    ("x = dict(relu=g, gelu=h)\ndef f(): x['re' + 'lu']()", "f>g"),
    ("x = {'a': {'b': [g]}}\ndef f(): x['a']['b'][-1]()", "f>g"),
    ("def f():\n  x = [g]\n  x.append(h)\n  for y in x[1:]: y()", "f>h"),
    ("def f():\n  x = dict(dict(a=g), b=h)\n  x.update(a=h)\n  x.setdefault('c', g)\n  x.pop('b')\n  x.get('a', g)()",
     "f>h"),
    ("def f():\n  x = dict(a=1)\n  x.setdefault('fn', g)()\n  x.get('other', h)()", "f>g f>h"),
    ("def f():\n  x = {**{'a': g}, 'b': 1}\n  fn = x.pop('a', None)\n  fn is not None and fn()\n  'a' in x and h()",
     "f>g"),
    ("def f():\n  for name, fn in {'a': g, 'b': h}.items():\n    if name == 'a': fn()", "f>g"),
    ("def f(): [fn() for fn, on in zip((g, h), (0, 1)) if on]", "f>h"),
    ("def f(): [fn() for i, fn in enumerate([g, h]) if i]", "f>h"),
    ("def f(): list(map(g, [1]))", "f>g"),
    ("def f(): list(filter(g, [1]))", "f>g"),
    ("def f(): sorted([2, 1], key=g and (lambda x: h() or x))", "f>h"),
    ("def f(): max([1, 2], key=k)\ndef k(x): return x", "f>k"),
    ("from functools import reduce\ndef f(): reduce(g, [1, 2])", "f>g"),
    ("async def k(): g()\nasync def f(): await k()", "f>k k>g"),
    ("async def f():\n  async with A() as a: pass\nclass A:\n  async def __aenter__(self): g()\n"
     "  async def __aexit__(self, *a): h()",
     "f>A.__aenter__ f>A.__aexit__ A.__aenter__>g A.__aexit__>h"),
    ("async def f(): [x async for x in k()]\nasync def k():\n  yield g()", "f>k k>g"),
]  # fmt: skip
"""Functions, closures, arguments, containers."""

BRANCHES: list[Case] = [
    ("def f():\n  if 1 > 2: g()\n  else: h()", "f>h"),
    ("x = 'a'\ndef f():\n  if x == 'a': g()\n  elif x == 'b': h()", "f>g"),
    ("def k(x): g() if x else h()\ndef f(): k(0)", "f>k k>h"),
    ("def k(x):\n  if x in ('a', 'b'): return g()\n  h()\ndef f(): k('a')", "f>k k>g"),
    ("def k(x):\n  if not x: return\n  g()\ndef f(): k('')", "f>k"),
    ("def k(x):\n  assert x\n  g()\ndef f(): k(1)", "f>k k>g"),
    ("def k(x): isinstance(x, str) and g(); isinstance(x, (list, tuple)) and h()\ndef f(): k('a')", "f>k k>g"),
    ("def k(x): g() if callable(x) else h()\ndef f(): k(g); k('a')", "f>k k>g k>h"),
    ("class A: pass\nclass B(A): x = 1\ndef k(x):\n  if isinstance(x, B): g()\n  if hasattr(x, 'y'): h()\n"
     "def f(): k(B())",
     "f>k k>g"),
    ("class A: x = 1\ndef f():\n  if issubclass(A, dict): g()\n  if hasattr(A(), 'x'): h()", "f>h"),
    ("class A: pass\ndef f(): g() if type(A()) is A else h()", "f>g"),
    ("def f():\n  try: g()\n  except ValueError: pass\n  else: h()\n  finally: k()\ndef k(): pass", "f>g f>h f>k"),
    ("def f():\n  try: [][0]\n  except IndexError: g()\n  else: h()", "f>g"),
    ("def f():\n  try: raise ValueError\n  except ValueError as e: g()\n  h()", "f>g f>h"),
    ("class E(Exception):\n  def __init__(self, *a): g()\ndef k(): raise E\ndef f():\n  try: k()\n  except E: h()",
     "f>k k>E.__init__ E.__init__>g f>h"),
    ("class E(ValueError):\n  def __init__(self, *a): g()\ndef k(): raise E('x')\n"
     "def f():\n  try: k()\n  except E: pass",
     "f>k k>E.__init__ E.__init__>g"),
    ("class E(KeyError): pass\ndef f():\n  if issubclass(E, LookupError): g()\n  if issubclass(E, ValueError): h()",
     "f>g"),
    ("if __name__ == '__main__':\n  g = h\ndef f():\n  g()\n  if '__main__' == __name__: h()", "f>g"),
    ("def f():\n  try: return g()\n  finally: h()", "f>g f>h"),
    ("try:\n  import no_such_module as x\nexcept ImportError:\n  x = None\ndef f():\n  if x is None: g()", "f>g"),
    ("def f():\n  i = 0\n  while i < 3:\n    i += 1\n    if i == 2: break\n  else: g()\n  if i == 2: h()", "f>h"),
    ("def f():\n  for i in range(3):\n    if i < 5: continue\n    g()\n  else: h()", "f>h"),
    ("def f():\n  for fn in (g, h):\n    fn()\n    break", "f>g"),
    ("def f():\n  match 'b':\n    case 'a': g()\n    case 'b': h()", "f>h"),
    ("def f():\n  match [1, g]:\n    case [x]: h()\n    case [x, fn]: fn()", "f>g"),
    ("def f():\n  match {'fn': g}:\n    case {'fn': fn}: fn()\n    case _: h()", "f>g"),
    ("def f():\n  fns = []\n  for i in range(3): fns.append(g if i % 2 else h)\n  fns[1]()", "f>g"),
    ("x = [g, h]\ndef f(): x[len(x) - 1]()", "f>h"),
    ("x = {'g': g, 'h': h}\ndef pick(name):\n  name = name.lower().replace('gelu', 'g')\n  return x[name]\n"
     "def f(): pick('GELU')()", "f>pick f>g"),
    ("def k(n):\n  match n:\n    case 0 | 1: g()\n    case int() if n > 5: h()\ndef f(): k(1)", "f>k k>g"),
    ("def k(x):\n  match x:\n    case [fn, *rest] if rest: rest[0]()\n    case {'a': fn, **rest}: rest['b']()\n"
     "    case None: g()\n"
     "def f(): k([g, h]); k({'a': g, 'b': h})", "f>k k>h"),
]  # fmt: skip
"""Conditions that constants and classes decide, loops, errors."""

CLASSES: list[Case] = [
    (A + "def f(): A()", "f>A.__init__"),
    (A + "class B(A): pass\ndef f(): B()", "f>A.__init__"),
    (A + "class B(A):\n  def __init__(self): super().__init__()\ndef f(): B()", "f>B.__init__ B.__init__>A.__init__"),
    (A + "class B(A):\n  def __init__(self): A.__init__(self)\ndef f(): B()", "f>B.__init__ B.__init__>A.__init__"),
    (A + "class B(A):\n  def m(self): super(B, self).m()\ndef f(): B().m()", "f>A.__init__ f>B.m B.m>A.m"),
    (A + "def f(): a = A(); a.m(); A.n(a); a.c(); A.c(); a.s(); A.s()", "f>A.__init__ f>A.m f>A.n f>A.c f>A.s"),
    (A + "def f(): A.c(); x = A.s; x()", "f>A.c f>A.s"),
    (A + "def f(): m = A().m; m()", "f>A.__init__ f>A.m"),
    (A + "def f(): getattr(A(), 'm')(); getattr(A, 'x', g)()", "f>A.__init__ f>A.m f>g"),
    (A + "def f(): [m() for m in (getattr(A(), n) for n in ('m', 'n'))]", "f>A.__init__ f>A.m f>A.n"),
    ("class A:\n  @classmethod\n  def make(cls): return cls()\nclass B(A):\n  def __init__(self): g()\n"
     "def f(): B.make()",
     "f>A.make A.make>B.__init__ B.__init__>g"),
    ("class A:\n  def f(self): self.m()\nclass B(A):\n  def m(self): g()\ndef f(): B().f()", "f>A.f A.f>B.m B.m>g"),
    ("class L:\n  def m(self): g()\nclass R:\n  def m(self): h()\nclass B(L, R): pass\n"
     "def f(): B().m()", "f>L.m L.m>g"),
    ("class A:\n  def m(self): g()\nclass L(A):\n  def m(self): super().m()\nclass R(A):\n  def m(self): super().m()\n"
     "class B(L, R):\n  def m(self): super().m()\ndef f(): B().m()",
     "f>B.m B.m>L.m L.m>R.m R.m>A.m A.m>g"),
    ("class M:\n  def __init__(self, **k): super().__init__(**k)\nclass A:\n  def __init__(self, fn): fn()\n"
     "class B(M, A): pass\ndef f(): B(fn=g)", "f>M.__init__ M.__init__>A.__init__ A.__init__>g"),
    ("class A:\n  fn = g\n  table = {'a': h}\ndef f(): A.fn(); A.table['a'](); A().table['a']()", "f>g f>h"),
    ("class A:\n  def __init__(self, fn): self.fn = fn\n  def m(self): self.fn()\ndef f(): A(g).m()",
     "f>A.__init__ f>A.m A.m>g"),
    ("class A:\n  def set(self, fn): self.fn = fn\ndef f():\n  a = A(); a.set(g); a.fn(); a.set(h); a.fn()",
     "f>A.set f>g f>h"),
    ("class A:\n  fns = None\n  def add(self, fn): self.fns = [fn]; return self\n"
     "  def run(self): [x() for x in self.fns]\n"
     "def f(): A().add(g).run()", "f>A.add f>A.run A.run>g"),
    ("class A:\n  def __call__(self): g()\ndef f(): A()()", "f>A.__call__ A.__call__>g"),
    ("class A:\n  @property\n  def p(self): return g()\ndef f(): A().p", "f>A.p A.p>g"),
    ("class A:\n  @property\n  def p(self): return self._p\n  @p.setter\n  def p(self, v): h()\ndef f(): A().p = 1",
     "f>A.p A.p>h"),
    ("from functools import cached_property\nclass A:\n  @cached_property\n  def p(self): return g\ndef f(): A().p()",
     "f~A.p f>g"),
    ("class A:\n  def __enter__(self): g(); return self\n  def __exit__(self, *a): h()\n  def m(self): pass\n"
     "def f():\n  with A() as a: a.m()",
     "f>A.__enter__ f>A.__exit__ f>A.m A.__enter__>g A.__exit__>h"),
    ("class A:\n  def __iter__(self): return iter([g])\ndef f():\n  for fn in A(): fn()", "f>A.__iter__ f>g"),
    ("class A:\n  def __iter__(self): return self\n  def __next__(self): raise StopIteration\ndef f(): list(A())",
     "f>A.__iter__ f>A.__next__"),
    ("class A:\n  def __iter__(self):\n    yield g\n    yield h\ndef f(): [fn() for fn in A()]",
     "f>A.__iter__ f>g f>h"),
    ("class A:\n  def __getitem__(self, i): return g\n  def __len__(self): return 1\n  def __contains__(self, x): h()\n"
     "def f():\n  a = A(); a[0](); len(a); 1 in a",
     "f>A.__getitem__ f>g f>A.__len__ f>A.__contains__ A.__contains__>h"),
    ("class A:\n  def __add__(self, o): g(); return self\n  def __eq__(self, o): return True\n"
     "def f():\n  a = A(); a + 1; a == 2 and h()", "f>A.__add__ A.__add__>g f>A.__eq__ f>h"),
    ("class A:\n  def __setitem__(self, k, v): g()\n  def __delitem__(self, k): h()\ndef f():\n  a = A(); a[0] = 1\n"
     "  del a[0]",
     "f>A.__setitem__ f>A.__delitem__ A.__setitem__>g A.__delitem__>h"),
    ("class A:\n  def __getattr__(self, n): return g\ndef f(): A().missing()", "f>A.__getattr__ f>g"),
    ("class A:\n  def __new__(cls): g(); return super().__new__(cls)\ndef f(): A()", "f>A.__new__ A.__new__>g"),
    ("def gen():\n  yield g\n  yield from [h]\ndef f():\n  for fn in gen(): fn()", "f>gen f>g f>h"),
    ("def inner():\n  yield g()\ndef outer():\n  yield from inner()\ndef f(): list(outer())",
     "f>outer outer>inner inner>g"),
    ("def f(): next(iter([g]))(); next(iter([]), h)()", "f>g f>h"),
    ("def make(base):\n  class B(base):\n    def n(self): self.m()\n  return B\nclass A:\n  def m(self): g()\n"
     "def f(): make(A)().n()",
     "f>make f>make.<locals>.B.n make.<locals>.B.n>A.m A.m>g"),
    ("def run(cls): return cls(g)\nclass A:\n  def __init__(self, fn): fn()\n"
     "def f(): run(A)", "f>run run>A.__init__ A.__init__>g"),
    ("class A:\n  class In:\n    def __init__(self): g()\ndef f(): A.In()", "f>A.In.__init__ A.In.__init__>g"),
    ("class A:\n  def __init__(self, x): h()\nclass B(A):\n  def __init__(self, block): self.b = block(1)\n"
     "def f(): B(block=A)", "f>B.__init__ B.__init__>A.__init__ A.__init__>h"),
]  # fmt: skip
"""Classes, instances, what is called without a call."""

LIBRARY: list[Case] = [
    ("def d(fn): return fn\n@d\ndef k(): g()\ndef f(): k()", "f>k k>g"),
    ("from functools import wraps\ndef d(fn):\n  @wraps(fn)\n  def run(*a): return fn(*a)\n  return run\n"
     "@d\ndef k(): g()\ndef f(): k()", "f>d.<locals>.run d.<locals>.run>k k>g"),
    ("def d(n):\n  def deco(fn):\n    def run(): return fn() if n else h()\n    return run\n  return deco\n"
     "@d(1)\ndef k(): g()\ndef f(): k()",
     "f>d.<locals>.deco.<locals>.run d.<locals>.deco.<locals>.run>k k>g"),
    ("class D:\n  def __init__(self, fn): self.fn = fn\n  def __call__(self): return self.fn()\n@D\ndef k(): g()\n"
     "def f(): k()", "f>D.__call__ D.__call__>k k>g"),
    ("table = {}\ndef register(fn):\n  table[fn.__name__] = fn\n  return fn\n@register\ndef k(): g()\n"
     "def f(): table['k']()", "f>k k>g"),
    ("from functools import lru_cache\n@lru_cache(maxsize=None)\ndef k(): g()\ndef f(): k()", "f>k k>g"),
    ("from contextlib import contextmanager\n@contextmanager\ndef k():\n  g()\n  yield\ndef f():\n  with k(): h()",
     "f~k k>g f>h"),
    ("from dataclasses import dataclass, field\ndef new(): return []\n@dataclass\nclass A:\n  x: int = 0\n"
     "  y: list = field(default_factory=new)\n  def __post_init__(self): self.m()\n  def m(self): g()\ndef f(): A(1)",
     "f~new f~A.__post_init__ A.__post_init__>A.m A.m>g"),
    ("from dataclasses import dataclass\n@dataclass\nclass A:\n  fn: object = h\n@dataclass\nclass B(A):\n"
     "  n: int = 1\n"
     "def f(): B(g).fn(); B().fn(); B(fn=g, n=2)", "f>g f>h"),
    ("from dataclasses import dataclass, replace\n@dataclass\nclass A:\n  fn: object = h\n"
     "def f(): replace(A(), fn=g).fn()",
     "f>g"),
    ("from dataclasses import dataclass, asdict\n@dataclass\nclass A:\n  kind: str = 'g'\ndef f():\n"
     "  if asdict(A())['kind'] == 'g': g()\n  else: h()", "f>g"),
    ("from typing import NamedTuple\nclass A(NamedTuple):\n  fn: object\n  other: object = h\n"
     "  def run(self): self.fn()\n"
     "def f():\n  a = A(g)\n  a.run()\n  fn, other = a\n  other()", "f>A.run A.run>g f>h"),
    ("from enum import Enum\nclass K(str, Enum):\n  A = 'a'\ntable = {K.A: g}\n"
     "def f(): table[K.A](); K.A.value == 'a' and h()",
     "f>g f>h"),
    ("from collections import OrderedDict\ndef f(): [v() for v in OrderedDict([('a', g)]).values()]", "f>g"),
    ("import copy\ndef f(): copy.deepcopy({'a': [g]})['a'][0]()", "f>g"),
    ("from itertools import chain\ndef f(): [fn() for fn in chain([g], [h])]", "f>g f>h"),
    ("from abc import ABC, abstractmethod\nclass A(ABC):\n  @abstractmethod\n  def m(self): pass\n"
     "  def n(self): self.m()\n"
     "class B(A):\n  def m(self): g()\ndef f(): B().n()", "f>A.n A.n>B.m B.m>g"),
    ("from functools import singledispatch\n@singledispatch\ndef k(x): g()\n@k.register(str)\ndef _(x): h()\n"
     "def f(): k(1)", "f~k k>g"),
    ("from functools import partial\nclass A:\n  def m(self, fn): fn()\n  n = partial(m, None, g)\ndef f(): A().n()",
     "f>A.m A.m>g"),
    ("def f():\n  import threading\n  t = threading.Thread(target=g)\n  t.run()", "f~g"),
]  # fmt: skip
"""Decorators, and Python's library."""

NN = "import torch\nfrom torch import nn\n" + G
BLOCK = """
class Block(nn.Module):
    def __init__(self, fn=g):
        super().__init__()
        self.fn = fn
    def forward(self, x): return self.fn()
"""
TORCH: list[Case] = [
    (BLOCK + "def f(): Block()(1)", "f>Block.__init__ f~Block.forward Block.forward>g"),
    (BLOCK + "def f(): Block().forward(1)", "f>Block.__init__ f>Block.forward Block.forward>g"),
    (BLOCK + "class Net(nn.Module):\n  def __init__(self, block, fn):\n    super().__init__()\n    self.b = block(fn)\n"
     "  def forward(self, x): return self.b(x)\ndef f(): Net(Block, h)(1)",
     "f>Net.__init__ Net.__init__>Block.__init__ f~Net.forward Net.forward~Block.forward Block.forward>h"),
    (BLOCK + "def f(): nn.Sequential(Block(), Block(h))(1)",
     "f>Block.__init__ f~Block.forward Block.forward>g Block.forward>h"),
    (BLOCK + "def f():\n"
     "  for b in nn.ModuleList([Block(h)]): b(1)", "f>Block.__init__ f~Block.forward Block.forward>h"),
    (BLOCK + "def f():\n  m = nn.ModuleList()\n  m.append(Block())\n  m.extend([Block(h)])\n  m[-1](1)\n"
     "  len(m) == 2 and g()",
     "f>Block.__init__ f~Block.forward Block.forward>h f>g"),
    (BLOCK + "def f():\n  m = nn.ModuleDict({'a': Block(h)})\n  m['a'](1)\n  'a' in m and g()",
     "f>Block.__init__ f~Block.forward Block.forward>h f>g"),
    (BLOCK + "def f():\n  m = nn.ModuleDict()\n  m['b'] = Block()\n  for k, v in m.items(): v(1)",
     "f>Block.__init__ f~Block.forward Block.forward>g"),
    (BLOCK + "class Net(nn.Module):\n  def __init__(self):\n    super().__init__()\n    for i in range(2):\n"
     "      self.add_module(f'b{i}', Block())\n  def forward(self, x): return self.b0(x)\ndef f(): Net()(1)",
     "f>Net.__init__ Net.__init__>Block.__init__ f~Net.forward Net.forward~Block.forward Block.forward>g"),
    (BLOCK + "class Net(nn.Sequential):\n  def __init__(self): super().__init__(Block())\ndef f():\n"
     "  net = Net()\n  net(1)\n  net[0].forward(1)",
     "f>Net.__init__ Net.__init__>Block.__init__ f>Block.forward Block.forward>g"),
    (BLOCK + "class Net(nn.Sequential):\n  def __init__(self):\n    super().__init__()\n"
     "    self.add_module('a', Block())\n"
     "def f():\n  for b in Net().children(): b(1)",
     "f>Net.__init__ Net.__init__>Block.__init__ f~Block.forward Block.forward>g"),
    (BLOCK + "def init(m):\n  if isinstance(m, Block): g()\n  if isinstance(m, nn.Conv2d): h()\n"
     "def f(): nn.Sequential(Block()).apply(init)", "f>Block.__init__ f~init init>g"),
    (BLOCK + "def named_apply(fn, module, name=''):\n"
     "  for n, child in module.named_children(): named_apply(fn, child, n)\n"
     "  fn(module, name)\ndef init(m, name):\n  if isinstance(m, Block): m.forward(1)\n"
     "def f(): named_apply(init, nn.Sequential(Block(h)))",
     "f>Block.__init__ f>named_apply named_apply>init init>Block.forward Block.forward>h"),
    (BLOCK + "class Net(nn.Module):\n  def __init__(self):\n    super().__init__()\n    self.b = Block()\n"
     "    self.apply(self._init)\n"
     "  def _init(self, m): hasattr(m, 'reset') and m.reset()\ndef f(): Net()",
     "f>Net.__init__ Net.__init__>Block.__init__ Net.__init__~Net._init"),
    (BLOCK + "def f():\n  for m in nn.Sequential(Block()).modules():\n    if isinstance(m, Block): m.fn()",
     "f>Block.__init__ f>g"),
    ("class Act(nn.ReLU):\n  def forward(self, x): return g()\ndef k(act=nn.ReLU): act()(torch.zeros(1))\n"
     "def f(): k(); k(Act)",
     "f>k k~Act.forward Act.forward>g"),
    ("@torch.no_grad()\ndef k(): g()\ndef f(): k()", "f~k k>g"),
    ("from torch.utils.checkpoint import checkpoint\ndef f(): checkpoint(g, 1, use_reentrant=False)", "f~g"),
    ("class A(nn.Module):\n  def __init__(self, dim, rates):\n    super().__init__()\n    self.n = len(rates)\n"
     "    if rates[-1] > 0: g()\ndef f(): A(1, [x.item() for x in torch.linspace(0, 0.1, 3)])",
     "f>A.__init__ A.__init__>g"),
]  # fmt: skip
"""torch's modules."""

MISSED: list[Case] = [
    ("class A:\n  def __bool__(self): return True\ndef f():\n  if A(): g()", "f>A.__bool__ f>g"),
    ("def f(): globals()['g']()", "f>g"),
    ("class A:\n  def __init__(self): self.fn = g\n  def set(self, fn): self.fn = fn\n"
     "def f():\n  a, b = A(), A()\n  a.set(h)\n  b.fn()",
     "f>A.__init__ f>A.set f>g"),
    ("class A:\n  def __str__(self): return g() or ''\n  def __repr__(self): return h() or ''\n"
     "def f(): str(A()); f'{A()!r}'",
     "f>A.__str__ f>A.__repr__ A.__str__>g A.__repr__>h"),
    ("class A:\n  def __init_subclass__(cls): g()\ndef f():\n  class B(A): pass",
     "f>A.__init_subclass__ A.__init_subclass__>g"),
    ("from collections import namedtuple\nA = namedtuple('A', 'fn other')\ndef f(): A(g, other=h).fn()", "f>g"),
    ("from enum import Enum\nclass K(Enum):\n  A = 'a'\n  B = 'b'\n  def m(self): return g()\ndef f():\n  K.A.m()\n"
     "  if K('b') is K.B: h()", "f>K.m K.m>g f>h"),
    ("from collections import defaultdict\ndef f():\n  d = defaultdict(list)\n  d['a'].append(g)\n"
     "  for fn in d['a']: fn()", "f>g"),
    ("import operator\ndef f(): operator.itemgetter(0)([g])()", "f>g"),
    ("class A(dict):\n  def __missing__(self, k): return g\ndef f(): A()['x']()", "f>A.__missing__ f>g"),
    ("class A(list):\n  def run(self): [x() for x in self]\ndef f(): A([g]).run()", "f>A.run A.run>g"),

]  # fmt: skip
"""What is not followed: such calls are missing."""


@pytest.mark.parametrize(("source", "pairs"), FUNCTIONS)
def test_functions(source: str, pairs: str) -> None:
    check(G + source, pairs, running.ran(G + source))


@pytest.mark.parametrize(("source", "pairs"), BRANCHES)
def test_branches(source: str, pairs: str) -> None:
    check(G + source, pairs, running.ran(G + source))


@pytest.mark.parametrize(("source", "pairs"), CLASSES)
def test_classes(source: str, pairs: str) -> None:
    check(G + source, pairs, running.ran(G + source))


@pytest.mark.parametrize(("source", "pairs"), LIBRARY)
def test_library(source: str, pairs: str) -> None:
    check(G + source, pairs, running.ran(G + source))


@pytest.mark.xfail(strict=True, raises=AssertionError)
@pytest.mark.parametrize(("source", "pairs"), MISSED)
def test_what_is_not_followed(source: str, pairs: str) -> None:
    assert set(running.ran(G + source)) == set(pairs.split())

    assert calls(G + source) == set(pairs.split())


@pytest.fixture(scope="module")
def torch_truth() -> dict[str, list[str]]:
    """What torch calls, in a process that imports it once."""
    sources = [NN + source for source, _ in TORCH]
    done = subprocess.run(
        [sys.executable, str(Path(running.__file__))],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(sources, json.loads(done.stdout), strict=True))


@pytest.mark.xdist_group("torch")
@pytest.mark.parametrize(("source", "pairs"), TORCH)
def test_modules_of_torch(source: str, pairs: str, torch_truth: dict[str, list[str]]) -> None:
    check(NN + source, pairs, torch_truth[NN + source])


@pytest.mark.parametrize(
    "statement",
    [
        "g = 1",
        "g: int = 1",
        "g, h = 1, 2",
        "for g in a: pass",
        "with a as g: pass",
        "if (g := 1): pass",
        "try: pass\n  except E as g: pass",
        "import other as g",
        "from other import g",
        "match a:\n    case [g]: pass",
        "match a:\n    case {'k': 1, **g}: pass",
        "match a:\n    case [1, *g]: pass",
        "g = a()",
    ],
)
def test_a_shadowed_name_is_not_the_outer_one(statement: str) -> None:
    assert "f>g" not in edges(f"{G}def f(a):\n  {statement}\n  g()")


@pytest.mark.parametrize("inner", ["[g for g in a]", "lambda g: g", "def k(g): g()", "[g := 1 for _ in ()]"])
def test_a_name_bound_in_a_scope_of_its_own_leaves_the_outer_one(inner: str) -> None:
    assert "f>g" in edges(f"{G}def f(a):\n  {inner}\n  g()")


@pytest.mark.parametrize("parameters", ["g", "*g", "**g", "*, g", "g=None"])
def test_a_parameter_is_not_the_outer_name(parameters: str) -> None:
    assert edges(f"{G}def f({parameters}): g()") == set()


def test_a_method_is_not_a_plain_name() -> None:
    assert edges("class A:\n  def g(self): pass\n  def f(self): g()") == set()


@pytest.mark.parametrize(
    ("source", "pairs"),
    [
        (G + "def k(x): g() if x else h()", "k>g k>h"),
        (G + "def k(x):\n  if x: return g()\n  h()", "k>g k>h"),
        (G + "def k(x):\n  for y in x: g(y)\n  while x: h()", "k>g k>h"),
        (G + "def k(x, fn=g): fn()", "k>g"),
        (G + "def k(x): (g if x else h)()", "k>g k>h"),
        (G + "def k(x):\n  fn = g\n  if x: fn = h\n  fn()", "k>g k>h"),
        (G + "def k(x): {'a': g, 'b': h}[x]()", "k>g k>h"),
        (G + "def k(x): [g, h][x]()", "k>g k>h"),
        (G + "def k(x):\n  match x:\n    case 1: g()\n    case _: h()", "k>g k>h"),
        (G + "def k(x):\n  fns = [g]\n  if x: fns.append(h)\n  for fn in fns: fn()", "k>g k>h"),
        (G + "def k(x):\n  d = dict(fn=g)\n  d.update(x)\n  d['fn']()", "k>g"),
        (G + "def k(x): run(*x, g)\ndef run(a, b=None): a() or b()", "k>run run>g"),
        (G + "def k(x): run(**x, fn=g)\ndef run(fn, other=h): fn(); other()", "k>run run>g run>h"),
        (G + "def k(x):\n  try: x.y\n  except AttributeError: g()\n  else: h()", "k>g k>h"),
        (G + "def k(x):\n  if x is None: x = g\n  x()", "k>g"),
        (G + "def k(x): isinstance(x, str) and g()", "k>g"),
        (G + "class K:\n  def __init__(self): self.fn = g\n  def m(self, x): self.fn() or self.n()\n"
         "  def n(self): h()\n"
         "def k(): K()", "k>K.__init__ K.m>g K.m>K.n K.n>h"),
        (G + "class K:\n  def m(self): self.n()\n  def n(self): g()", "K.m>K.n K.n>g"),
        (G + "class K:\n  def f(self): return self(1)", ""),
        ("class B(B):\n  def f(self): self.m()", ""),
        ("class C(D): pass\nclass D(C):\n  def f(self): self.m()", ""),
        ("class A:\n  def m(self): pass\nclass B(A):\n  def f(self, other): other.m(); self.attribute.m()", ""),
        ("class A:\n  def m(self): pass\nclass B(A[int]):\n  def f(self): self.m()", "B.f>A.m"),
        ("if a:\n  def g(): pass\nelse:\n  def g(): pass\ndef f(): g()", "f>g"),
        ("h = a if b else c\ndef a(): pass\ndef c(): pass\ndef f(): h()", ""),
        ("def a(): pass\ndef c(): pass\nh = a if b else c\ndef f(): h()", "f>a f>c"),
        ("def f():\n  def k(): f()\n  return k", "f.<locals>.k>f"),
        ("def f(): f()", "f>f"),
    ],
)  # fmt: skip
def test_a_function_that_nobody_calls_is_called_with_anything(source: str, pairs: str) -> None:
    assert edges(source + ("" if "def f(" in source else "\ndef f(): pass")) == set(pairs.split())


LIB = G + "class K:\n  def __init__(self): pass"
FACADE = "from .lib import g\nfrom .lib import g as renamed\nfrom .lib import *\n"


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
        ("from . import facade\ndef f(): getattr(facade, 'g')()", "pkg.lib:g"),
        ("import sys\nfrom . import lib\ndef f(): sys.modules['pkg.lib'].g()", "pkg.lib:g"),
        ("from .lib import K\ndef f(): K()", "pkg.lib:K.__init__"),
        ("from .lib import K\nclass B(K):\n  pass\ndef f(): B()", "pkg.lib:K.__init__"),
        ("from . import lib\nclass B(lib.K):\n  pass\ndef f(): B()", "pkg.lib:K.__init__"),
        ("try:\n  from .lib import g\nexcept ImportError:\n  g = None\ndef f(): g()", "pkg.lib:g"),
        ("try:\n  from .none import g\nexcept ImportError:\n  from .lib import g\ndef f(): g()", "pkg.lib:g"),
        ("import torch\ndef f(): torch.cat([])", "torch:cat"),
        ("from torch import nn\ndef f(): nn.Conv2d(1)", "torch.nn:Conv2d"),
        ("import torch.nn.functional as F\ndef f(): F.relu(1)", "torch.nn.functional:relu"),
        ("from torch.nn import Conv2d as C\ndef f(): C(1)", "torch.nn:Conv2d"),
        ("from torch import Tensor\ndef f(): Tensor.view(1)", "torch:Tensor.view"),
        ("from PIL import Image\ndef f(): Image.open(1)", "PIL:Image.open"),
    ],
)
def test_imports(source: str, callee: str) -> None:
    assert calls(source, lib=LIB, facade=FACADE) == {f"f>{callee}"}


def test_the_last_star_import_wins() -> None:
    assert calls("from .a import *\nfrom .b import *\ndef f(): g()", a=G, b=G) == {"f>pkg.b:g"}


def test_a_star_import_brings_what_all_lists() -> None:
    source = "from .a import *\nfrom .b import *\ndef f(): g(); _h()"

    assert calls(source, a="__all__ = ['g', '_h']\n" + G + "def _h(): pass", b="__all__ = []\n" + G) == {
        "f>pkg.a:g",
        "f>pkg.a:_h",
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


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def run(fn): fn()\ndef f(): run(g)", {3: "fn"}),
        ("def run(fn):\n  fn()\n  g()\ndef f(): run(g)", {4: "fn", 5: None}),
        ("def run(fn):\n  x = fn\n  x()\ndef f(): run(g)", {5: "x"}),
        ("class K:\n  def run(self): self.fn()\nk = K()\nk.fn = g\ndef run(): k.fn()\ndef f(): run()", {7: None}),
    ],
)
def test_a_call_by_a_local_name_says_so(source: str, lines: dict[int, str | None]) -> None:
    assert call_graph(G + source).edges["pkg.main:run"]["pkg.main:g"].lines == lines
