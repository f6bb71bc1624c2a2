"""Source in, value of ``x`` out."""

import json
import subprocess
import sys
from textwrap import dedent
from typing import Any

import pytest

from explorer.introspect.evaluator.machine import Evaluator
from explorer.introspect.evaluator.values import (
    REST,
    UNKNOWN,
    Environment,
    Unknown,
    Value,
    is_data,
    is_known,
    options_of,
)
from explorer.introspect.reading.parse import parse_module


def run(source: str, **others: str) -> Environment:
    """Execute ``pkg.main``; the other modules lie beside it."""
    sources = {"pkg": "", "pkg.main": source, **{f"pkg.{name}": text for name, text in others.items()}}
    modules = {
        name: parse_module(
            name, "__init__.py" if name == "pkg" else f"{name.rpartition('.')[2]}.py", dedent(text).encode()
        )
        for name, text in sources.items()
    }
    return Evaluator(modules, {}, "pkg").execute("pkg.main")


def x_of(source: str, **others: str) -> Any:
    return run(source, **others).names.get("x", "unbound")


CFG = """
def _cfg(url='', **kwargs):
    return {'url': url, 'size': 224, **kwargs}
"""


@pytest.mark.parametrize(
    ("source", "x"),
    [
        ("x = {'a': 1, **{'b': 2}, 'c': (3, [4])}", {"a": 1, "b": 2, "c": (3, [4])}),
        ("a = dict(p=1, q=2); x = dict(a, q=3, r=4)", {"p": 1, "q": 3, "r": 4}),
        ("a = dict(p=1); b = dict(p=2, q=3); x = {**a, **b}", {"p": 2, "q": 3}),
        ("x = dict([('a', 1), ('b', 2)])", {"a": 1, "b": 2}),
        ("x = {'a': 1} | {'a': 2, 'b': 3}", {"a": 2, "b": 3}),
        ("n = 18; x = f'resnet{n}.a{n // 2:02d}'", "resnet18.a09"),
        ("x = f'{\"a\"!r}'", "'a'"),
        ("x = 'net_%d_%s' % (3, 'b')", "net_3_b"),
        ("x = 'net_{}'.format(3)", "net_3"),
        ("x = '-'.join(c.upper() for c in 'abc')", "A-B-C"),
        ("x = [i * 2 for i in range(4) if i % 2]", [2, 6]),
        ("x = {k: v for k, v in zip('ab', (1, 2))}", {"a": 1, "b": 2}),
        ("x = [a + b for a in 'ab' for b in 'cd']", ["ac", "ad", "bc", "bd"]),
        ("x = {n: i for i, n in enumerate(['p', 'q'])}", {"p": 0, "q": 1}),
        ("x = sorted({'b', 'a'})", ["a", "b"]),
        ("a, (b, c) = 1, (2, 3); x = [c, b, a]", [3, 2, 1]),
        ("x = [1, 2, 3, 4][1:-1]", [2, 3]),
        ("x = 'abc'[-1] + 'abc'[0]", "ca"),
        ("x = (0.5,) * 3", (0.5, 0.5, 0.5)),
        ("x = 1 if 'a' in {'a': 0} else 2", 1),
        ("x = None or 'b'", "b"),
        ("x = 1 < 2 <= 2", True),
        ("x = not []", True),
        ("x = -(2 ** 3) // 3 % 5", 2),
        ("x = 7; x -= 2; x *= 3", 15),
        ("x = (y := 4) + y", 8),
        ("x = [1, *(2, 3), *[]]", [1, 2, 3]),
        ("x: int = 3", 3),
        ("x = y = 3", 3),
        ("a = [1]; a.append(2); x = a", [1, 2]),
        ("a = [1]; b = a; b.append(2); x = a", [1, 2]),
        ("a = {'p': [1]}; a['p'].append(2); x = a", {"p": [1, 2]}),
        ("x = {'a': 1, 'b': 2}; del x['a']", {"b": 2}),
        ("a = {'p': 1}; b = a.pop('p'); x = [a, b]", [{}, 1]),
        ("a = {}; a.setdefault('p', []).append(1); x = a", {"p": [1]}),
        ("a = {'p': 1}; b = a.copy(); b['p'] = 2; x = [a, b]", [{"p": 1}, {"p": 2}]),
        ("x = {'p': 1}; x.update(q=2); x.update({'p': 3})", {"p": 3, "q": 2}),
        ("x = {'p': 1}.get('q', 5)", 5),
        ("x = sum(v for k, v in {'a': 1, 'b': 2}.items())", 3),
        ("x = []\nfor i in range(10):\n  if i == 1: continue\n  if i == 4: break\n  x.append(i)", [0, 2, 3]),
        ("x = []\nfor i in (1, 2):\n  x.append(i)\nelse:\n  x.append('end')", [1, 2, "end"]),
        ("x = 0\nwhile x < 5: x += 2", 6),
        ("import copy\na = {'p': [1]}; b = copy.deepcopy(a); b['p'].append(2); x = [a, b]",
         [{"p": [1]}, {"p": [1, 2]}]),
        ("from copy import copy\na = [[1]]; b = copy(a); b.append(2); x = a", [[1]]),
        ("from collections import OrderedDict\nx = OrderedDict(a=1)", {"a": 1}),
        ("x = (lambda a, b=2: a + b)(1)", 3),
        ("from functools import partial\ndef f(a, b, c=0): return (a, b, c)\nx = partial(f, 1, c=3)(2)", (1, 2, 3)),
        ("def f(*args, k=1, **kw): return [args, k, kw]\nx = f(1, 2, k=3, z=4)", [(1, 2), 3, {"z": 4}]),
        ("def f(a):\n  if a > 1:\n    return 'big'\n  return 'small'\nx = [f(1), f(2)]", ["small", "big"]),
        ("def f(): pass\nx = f()", None),
        ("def f(a): a['n'] = 1\nx = {}; f(x)", {"n": 1}),
        ("def outer(n):\n  def inner(s): return s * n\n  return inner\nx = outer(2)('ab')", "abab"),
        (CFG + "x = _cfg('u', size=384)", {"url": "u", "size": 384}),
        (CFG + "x = dict(_cfg(), n=10)", {"url": "", "size": 224, "n": 10}),
        (CFG + "def _wide(**kw): return _cfg(url='w', **kw)\nx = _wide(n=1)", {"url": "w", "size": 224, "n": 1}),
        (
            CFG + "x = {}\nfor n in ('a', 'b'):\n  x[n] = _cfg(url=f'/{n}')\n",
            {"a": {"url": "/a", "size": 224}, "b": {"url": "/b", "size": 224}},
        ),
        (CFG + "a = {'p': _cfg()}; x = {k + '_x': dict(v, n=1) for k, v in a.items()}",
         {"p_x": {"url": "", "size": 224, "n": 1}}),
        ("if 1 > 2:\n  x = 1\nelse:\n  x = 2", 2),
        ("try:\n  x = 1\nfinally:\n  y = 2", 1),
        ("try:\n  x = 1\nexcept ImportError:\n  x = 1", 1),
        ("from __future__ import annotations\nx: 'nn.Module' = 1", 1),
        ("x = 1\nassert x == 1, 'never mind'", 1),
        ("import re, logging\nlogging.getLogger('a').debug('b')\nx = 1", 1),
        ("names = ['a']\nnames += ['b']\nx = names", ["a", "b"]),
        ("x = {'a'} | {'b'}", {"a", "b"}),
        ("n = 1\ndef f():\n  global n\n  n = 2\nf()\nx = n", 2),
        ("class A:\n  n = 1\nx = A().n", 1),
    ],
)  # fmt: skip
def test_data_is_computed_as_python_does(source: str, x: object) -> None:
    expected: dict[str, object] = {}
    exec(source, expected)
    assert expected["x"] == x, "the case itself is wrong"

    assert x_of(source) == x


TORCH = "import os, torch\nflag = torch.cuda.is_available()\n"


@pytest.mark.parametrize(
    "source",
    [
        "x = flag",
        "x = os.environ['SIZE']",
        "x = torch.tensor([1])",
        "x = 1 if flag else 2",
        "if flag:\n  x = 1\nelse:\n  x = 2",
        "x = 1\nif flag:\n  x = 2",
        "if flag:\n  x = 1",
        "x = flag and 1",
        "x = flag or 1",
        "x = not flag",
        "x = [1, 2][flag]",
        "x = {'a': 1}[flag]",
        "x = f'{flag}'",
        "x = flag == 1",
        "x = flag is None",
        "x = len(flag)",
        "x = [i for i in flag]",
        "x = [i for i in range(3) if flag]",
        "x = sum([1, flag])",
        "x = 3 + flag",
        "x = 1\ndef f():\n  if flag:\n    return 1\n  return 2\nx = f()",
        "x = 0\nfor i in flag:\n  x = x + 1",
        "x = 0\nwhile flag:\n  x = 1",
        "try:\n  import numpy\n  x = True\nexcept ImportError:\n  x = False",
        "try:\n  x = 1\nexcept ImportError:\n  x = 2",
        "with open('f') as x:\n  pass",
        "x = open('f').read()",
        "x = 1\nx = undefined_name",
        "x = int('a')",
        "x = [1][5]",
        "x = {}['a']",
        "def f(n): return f(n + 1)\nx = f(0)",
        "x = (lambda: (yield))()",
        "def f():\n  yield 1\nx = f()",
        "async def f(): return 1\nx = f()",
        "x = y = 0\nfor i in flag:\n  x = y\n  y = 1",
        "def f(dict): return dict(a=1)\nx = f(flag)",
        "x = 0\nfor i in (1, 2):\n  if flag:\n    continue\n  x = i",
        "x = 0\nfor i in (1, 2):\n  if flag:\n    break\n  x = i",
    ],
)
def test_what_the_source_does_not_settle_is_not_known_data(source: str) -> None:
    x = x_of(TORCH + source)

    assert not (is_known(x) and is_data(x))


@pytest.mark.parametrize(
    "source",
    [
        "x = []\nif flag:\n  x.append(1)",
        "x = ['a']\nif flag:\n  x.append('b')\nx = len(x)",
        "x = []\nif flag:\n  x.append(1)\nx = bool(x)",
        "x = {'a'}\nif flag:\n  x.add('b')",
        "x = {'a': 1}\nif flag:\n  x['b'] = 2",
        "x = {'a': 1}\nif flag:\n  x.update(b=2)",
        "x = {'a': 1}\nif flag:\n  x.pop('a')",
        "x = {'a': 1}\nif flag:\n  del x['a']",
        "x = {'a': 1}\nb = x\nif flag:\n  b['a'] = 2",
        "a = {'p': {}}\nx = a['p']\nif flag:\n  a['p']['q'] = 1",
        "x = {}\ndef add():\n  if flag:\n    return\n  x['a'] = 1\nadd()",
        "x = {}\nfor k in ('a', 'b'):\n  if flag:\n    continue\n  x[k] = 1",
        "x = {'a': 1}\ntorch.fill(x)",
        "x = [1]\ntorch.fill(x)",
        "x = {'a': 1}\nx.update(torch.extra())",
        "x = {'a': 1, **torch.extra()}",
        "x = dict(torch.extra(), a=flag)",
        "d = {'a': 1}\nif flag:\n  d.pop('a')\nx = 1 if 'a' in d else 2",
        "d = {'a': 1}\nif flag:\n  d.pop('a')\nx = len(d)",
    ],
)
def test_a_change_that_may_not_happen_leaves_nothing_certain(source: str) -> None:
    assert not is_known(x_of(TORCH + source))


@pytest.mark.parametrize(
    ("source", "x"),
    [
        ("x = os.environ.get('SIZE', 224)", 224),
        ("x = os.environ.get('SIZE')", None),
        ("x = os.getenv('SIZE', default='a')", "a"),
        ("x = 'SIZE' in os.environ", False),
        ("x = 'SIZE' not in os.environ", True),
        ("x = os.environ['SIZE'] if 'SIZE' in os.environ else 1", 1),
        ("x = torch.jit.is_scripting()", False),
    ],
)
def test_environment_variables_are_taken_to_be_unset(source: str, x: object) -> None:
    assert x_of(TORCH + source) == x


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("x = 1 if flag else 2", {1, 2}),
        ("if flag:\n  x = 'a'\nelif torch.b():\n  x = 'b'\nelse:\n  x = 'c'", {"a", "b", "c"}),
        ("x = 1\nif flag:\n  x = 2", {1, 2}),
        ("x = flag or 'a'", {UNKNOWN, "a"}),
        ("x = (1 if flag else 2) + (10 if flag else 20)", {11, 12, 21, 22}),
        ("x = {'a': 1, 'b': 2}['a' if flag else 'b']", {1, 2}),
        ("x = {'a': 1}.get('a' if flag else 'b', 3)", {1, 3}),
        ("x = [1, 2][flag]", {1, 2, UNKNOWN}),
        ("def f():\n  if flag:\n    return 1\n  return 2\nx = f()", {1, 2}),
        ("def f(a, b=0): return a + b\nx = f(1, **({'b': 2} if flag else {}))", {3, UNKNOWN}),
        ("y = 'a' if flag else 'b'\nx = y.upper() if y == 'a' else y", {"A", "b"}),
        ("y = None if flag else 3\nx = y if y is not None else 4", {3, 4}),
        ("y = 1 if flag else None\nif y is None:\n  y = 2\nx = y", {1, 2}),
        ("x = max(1 if flag else 5, 3)", {3, 5}),
        ("x = f'{1 if flag else 2}'", {UNKNOWN}),
    ],
)
def test_an_unknown_condition_leaves_a_choice(source: str, options: set[object]) -> None:
    assert set(options_of(x_of(TORCH + source))) == options


@pytest.mark.parametrize(
    "source",
    [
        "x = 0\nfor i in flag:\n  x = x + 1",
        "x = 0\nwhile flag:\n  x += 1",
        "x = 'a'\nfor i in flag:\n  x = x + 'b'",
        "x = 0\nwhile x < 10000:\n  x += 1",
    ],
)
def test_what_every_round_of_a_loop_changes_may_be_anything(source: str) -> None:
    """And not only what the rounds looked at leave."""
    assert UNKNOWN in options_of(x_of(TORCH + source))


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("x = 0\nfor i in flag:\n  x = 1", {0, 1}),
        ("x = 0\nfor i in flag:\n  x = 1 if x == 0 else 0", {0, 1}),
    ],
)
def test_what_a_loop_settles_is_kept(source: str, options: set[object]) -> None:
    assert set(options_of(x_of(TORCH + source))) == options


def test_unknown_keywords_hide_what_comes_before_and_not_what_comes_after() -> None:
    x = x_of("import torch\n" + CFG + "x = dict(_cfg(size=1, **torch.extra()), late=2)")

    assert UNKNOWN in options_of(x["url"])
    assert UNKNOWN in options_of(x["size"])
    assert x["late"] == 2
    assert REST in x


@pytest.mark.parametrize(
    ("source", "others", "x"),
    [
        ("from .consts import MEAN as x", {"consts": "MEAN = (0.5, 0.5)"}, (0.5, 0.5)),
        ("from pkg.consts import MEAN as x", {"consts": "MEAN = 1"}, 1),
        ("from pkg import consts\nx = consts.MEAN", {"consts": "MEAN = 1"}, 1),
        ("import pkg.consts\nx = pkg.consts.MEAN", {"consts": "MEAN = 1"}, 1),
        ("import pkg.consts as c\nx = c.MEAN", {"consts": "MEAN = 1"}, 1),
        ("from .public import x", {"public": "from .deep import N as x", "deep": "N = 7"}, 7),
        ("from .public import *", {"public": "__all__ = ['x']\nfrom .deep import x", "deep": "x = 7"}, 7),
        ("from .public import *", {"public": "__all__ = ['y']\nx = 1\ny = 2"}, "unbound"),
        ("from .public import *\nx = _hidden", {"public": "_hidden = 1"}, UNKNOWN),
        ("from .public import *\nx = _listed", {"public": "__all__ = ['_listed']\n_listed = 1"}, 1),
        ("from .a import *\nfrom .b import *", {"a": "x = 1", "b": "x = 2"}, 2),
        ("from .a import x", {"a": "from .main import y\nx = 5"}, 5),
        ("from .missing import x", {}, UNKNOWN),
        ("from .a import f\nx = f()", {"a": "N = 3\ndef f(): return N"}, 3),
        ("def f():\n  from .a import N\n  return N\nx = f()", {"a": "N = 3"}, 3),
        ("try:\n  from .a import x\nexcept ImportError:\n  pass", {"a": "d = {}\nd['n'] = 1\nx = d"}, {"n": 1}),
    ],
)
def test_imports_are_followed(source: str, others: dict[str, str], x: object) -> None:
    assert x_of(source, **others) == x


def test_modules_that_import_each_other_end() -> None:
    names = run("from .a import y\nx = 1", a="from .main import x\ny = 2").names

    assert (names["x"], names["y"]) == (1, 2)


def test_an_error_in_one_statement_leaves_the_others() -> None:
    names = run("a = 1\nb = {}['no']\nx = a + 1").names

    assert (names["a"], names["b"], names["x"]) == (1, UNKNOWN, 2)


def test_a_loop_that_does_not_end_is_left() -> None:
    names = run("d = {}\nn = 0\nwhile True:\n  n += 1\n  d[n % 3] = n\nx = 1").names

    assert names["x"] == 1
    assert UNKNOWN in options_of(names["n"])
    assert not is_known(names["d"])


TOO_LARGE = [
    "x = 10 ** 10 ** 10",
    "x = 'a' * 10 ** 12",
    "x = [0] * 10 ** 12",
    "x = 2\nfor i in range(100): x = x * x",
    "x = 'ab'\nfor i in range(100): x = x + x",
    "x = [1]\nfor i in range(100): x = x + x",
    "x = [1]\nfor i in range(100): x = [x, x]\nx = str(x)",
    "x = '{:>999999999}'.format(1)",
    "x = f'{1:>999999999}'",
    "x = '%999999999d' % 1",
    "x = 'a'.zfill(999999999)",
    "x = ('a' * 30000).replace('a', 'a' * 30000)",
    "x = list(range(10 ** 12))",
    "x = 1 << 10 ** 9",
]
_CHILD = """
import json, resource, sys, tracemalloc
from explorer.introspect.evaluator.machine import Evaluator
from explorer.introspect.reading.parse import parse_module
from explorer.introspect.evaluator.values import UNKNOWN
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
tracemalloc.start()
names = Evaluator({"m": parse_module("m", "m.py", sys.argv[1].encode())}, {}, "m").execute("m").names
peak_mib = tracemalloc.get_traced_memory()[1] >> 20
print(json.dumps([names["x"] is UNKNOWN, names.get("y"), peak_mib]))
"""


@pytest.mark.parametrize("source", TOO_LARGE)
def test_a_value_too_large_is_not_computed(source: str) -> None:
    """In a process of its own, with limits: a failure here would take the machine with it."""
    done = subprocess.run([sys.executable, "-c", _CHILD, source + "\ny = 1"], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr[-300:]
    is_unknown, y, peak_mib = json.loads(done.stdout)
    assert (is_unknown, y) == (True, 1)
    assert peak_mib < 100


@pytest.mark.parametrize(
    "source",
    [
        "class A(int('x')): pass",
        "class A([i for i in range(400) for j in range(400)][0]): pass",
        "class A([].pop()): pass",
        "class A:\n  a = list()\n  b = [i for i in range(400) for j in range(400)]",
        "@int('x')\nclass A: pass",
        "@[i for i in range(400) for j in range(400)]\nclass A: pass",
        "class A:\n  def m(self, a=[i for i in range(400) for j in range(400)]): pass",
        "class A:\n  def m(self, a=int('x')): pass",
        f"class A({'-' * 900}1): pass",
        f"class A:\n  a = {' + '.join(['1'] * 900)}",
    ],
)
def test_no_class_is_too_hard_to_read(source: str) -> None:
    """Its bases, its decorators, its body and its instances are known or not: nothing raises."""
    names = run(source + "\na = A()\nx = 1").names

    assert names["x"] == 1


@pytest.mark.parametrize(
    "expression",
    [
        "-" * 900 + "1",
        " + ".join(["1"] * 900),
        "a" + ".b" * 900,
        "f" + "()" * 900,
        "[" * 90 + "]" * 90 + " + " + " + ".join(["[]"] * 900),
    ],
)
def test_what_is_nested_too_deep_is_unknown(expression: str) -> None:
    assert not is_known(x_of(f"a = 1\nf = lambda: f\nx = {expression}"))


def test_the_names_of_statements_nested_too_deep_are_unknown() -> None:
    chain = "".join(f"{'el' if i else ''}if flag == {i}:\n  x = {i}\n" for i in range(300))

    assert UNKNOWN in options_of(x_of(TORCH + chain))


def test_a_container_that_holds_itself_is_copied_as_it_is() -> None:
    x = x_of("import copy\na = {}\na['a'] = a\nx = copy.deepcopy(a)")

    assert x["a"] is x


def test_an_empty_list_is_made_by_its_constructor() -> None:
    assert x_of("x = [list(), tuple(), set(), dict()]") == [[], (), set(), {}]


@pytest.mark.parametrize(
    ("expression", "origins"),
    [
        ("a", {"f(a)"}),
        ("a * 2 + 1", {"f(a)"}),
        ("a + b", {"f(a)", "f(b)"}),
        ("-a", {"f(a)"}),
        ("a.size", {"f(a)"}),
        ("a[0]", {"f(a)"}),
        ("[0, a][1]", {"f(a)"}),
        ("dict(k=b)['k']", {"f(b)"}),
        ("f'{a}-{b}'", {"f(a)", "f(b)"}),
        ("a(b)", {"f(a)", "f(b)"}),
        ("1", set()),
    ],
)
def test_an_unknown_value_knows_the_parameters_it_came_from(expression: str, origins: set[str]) -> None:
    seen: list[Value] = []
    source = f"def g(x): pass\ndef f(a, b): g({expression})"
    modules = {"pkg": parse_module("pkg", "__init__.py", source.encode())}
    evaluator = Evaluator(modules, {"pkg:g": lambda args, keywords: seen.extend(args)}, "pkg")

    with evaluator.state.budget(100):
        evaluator.call(
            evaluator.attribute("pkg", "f"), [Unknown(frozenset({"f(a)"})), Unknown(frozenset({"f(b)"}))], {}
        )

    [value] = seen
    assert (value.origins if isinstance(value, Unknown) else frozenset()) == origins
