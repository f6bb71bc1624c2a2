"""The calls of models' creations, each in its own context."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from explorer.graph import Graph
from explorer.graph.contexts import Contexts
from explorer.introspect import find_extra, load_graph
from explorer.introspect.call_graph import follow_calls
from explorer.introspect.reading.parse import Module
from explorer.introspect.registry import read_registry

Parse = Callable[..., dict[str, Module]]

HEADER = """
from functools import partial
import torch
from torch import nn
from ._builder import build_model_with_cfg
from ._registry import register_model, register_model_deprecations

def g(): pass
def h(): pass

class Small(nn.Module):
    def __init__(self, dim, act=None, **kw):
        super().__init__()
        g()

class Large(nn.Module):
    def __init__(self, dim, act=None, **kw):
        super().__init__()
        h()

class Net(nn.Module):
    def __init__(self, block=Small, dims=(8,), depths=(1,), act='relu', wide=False, **kw):
        super().__init__()
        for dim, depth in zip(dims, depths):
            for i in range(depth):
                self.add_module(f'{dim}{i}', block(dim, act))
        if wide:
            self.wide = Large(1)

def _create(name, pretrained=False, **kwargs):
    return build_model_with_cfg(Net, name, pretrained, **kwargs)
"""
MODEL = """
@register_model
def {name}(pretrained=False, **kwargs):
    {body}
"""


@pytest.fixture
def follow(parse: Parse) -> Callable[..., Contexts]:
    """The contexts of a small timm with the models given by name and body, after :data:`HEADER` and more."""

    def followed(models: Mapping[str, str], more: str = "") -> Contexts:
        entrypoints = "".join(MODEL.format(name=name, body=body) for name, body in models.items())
        registry, evaluator = read_registry(parse({"models/toy.py": HEADER + more + entrypoints}))
        return follow_calls(evaluator, registry).contexts

    return followed


Follow = Callable[..., Contexts]


def reached(contexts: Contexts, model: str) -> set[str]:
    """Functions of ``models/toy.py`` that a model's creation runs, without its own, ``_create`` and ``Net``."""
    ids = {contexts.function(number) for number in contexts.reached(contexts.models[model])}
    own = {name.partition(":")[2] for name in ids if name.startswith("timm.models.toy:")}
    return own - {model, "_create", "Net.__init__"}


SMALL, LARGE = {"Small.__init__", "g"}, {"Large.__init__", "h"}


@pytest.mark.parametrize(
    ("one", "other", "more"),
    [
        ("_create('a', block=Small, **kwargs)", "_create('b', block=Large, **kwargs)", ""),
        ("_create('a', **dict(dict(block=Small), **kwargs))", "_create('b', **dict(dict(block=Large), **kwargs))", ""),
        ("_create('a', **TABLE['a'])", "_create('b', **TABLE['b'])",
         "TABLE = dict(a=dict(block=Small), b=dict(block=Large))"),
        ("_create('a', block='small')", "_create('b', block='LARGE')",
         "def _create(name, block): return {'small': Small, 'large': Large}[block.lower()](1)"),
        ("_create('a', block=partial(Small, act=g))", "_create('b', block=partial(partial(Large), act=h))", ""),
        ("_create('a', kind='s')", "_create('b', kind='l')",
         "def get(kind):\n  if kind == 's': return Small\n  return Large\n"
         "def _create(name, kind): return get(kind)(1)"),
        ("_create('a', wide=False)", "_create('b', wide=True)",
         "def _create(name, wide):\n  cls = Large if wide else Small\n"
         "  return build_model_with_cfg(cls, name, False, dim=1)"),
        ("_create('a', depths=(1, 1))", "_create('b', depths=(1, 2))",
         "def _create(name, depths): return (Large if depths[1] == 2 else Small)(1)"),
        ("_create('small_a')", "_create('large_b')",
         "def _create(name): return (Large if name.startswith('large') else Small)(1)"),
        ("_create('a', cfg=Cfg())", "_create('b', cfg=Cfg(Large))",
         "from dataclasses import dataclass\n@dataclass\nclass Cfg:\n  block: type = Small\n"
         "def _create(name, cfg): return cfg.block(1)"),
        ("_create('a', Base)", "_create('b', Sub)",
         "class Base:\n  def make(self): return Small(1)\nclass Sub(Base):\n  def make(self): return Large(1)\n"
         "def run(base): return base.make()\ndef _create(name, cls): return run(cls())"),
    ],
)  # fmt: skip
def test_a_model_runs_nothing_that_only_anothers_arguments_lead_to(
    follow: Follow, one: str, other: str, more: str
) -> None:
    contexts = follow({"one": f"return {one}", "other": f"return {other}"}, more + "\n")

    assert reached(contexts, "one") >= SMALL
    assert not LARGE & reached(contexts, "one")
    assert reached(contexts, "other") >= LARGE
    assert not SMALL & reached(contexts, "other")


def test_a_flag_adds_what_it_stands_for(follow: Follow) -> None:
    contexts = follow({"plain": "return _create('a')", "wide": "return _create('a', wide=True)"})

    assert reached(contexts, "plain") == SMALL
    assert reached(contexts, "wide") == SMALL | LARGE


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("dims=(64, 128)", "dims=(96, 192)", True),
        ("depths=(2, 2), dims=(64, 128)", "depths=(2, 7), dims=(64, 128)", True),
        ("drop=0.1", "drop=0.25", True),
        ("act='relu'", "act='gelu'", True),
        ("block=Small", "block=Large", False),
        ("depths=()", "depths=(1,)", False),
    ],
)
def test_contexts_that_call_the_same_are_one(follow: Follow, one: str, other: str, are_one: bool) -> None:
    """Whatever sizes they are given."""
    contexts = follow({"one": f"return _create('a', {one})", "other": f"return _create('a', {other})"})
    makers = [
        next(n for n in contexts.reached(contexts.models[name]) if contexts.function(n).endswith(":Net.__init__"))
        for name in ("one", "other")
    ]

    assert (makers[0] == makers[1]) is are_one


def test_a_deprecated_name_builds_what_replaces_it(parse: Parse) -> None:
    shim = """
        from functools import wraps
        _model_entrypoints = {}
        def register_model(fn): return fn
        def generate_default_cfgs(cfgs): return cfgs
        def register_model_deprecations(module_name, deprecation_map): pass
        def list_models(filter=''): return []
        def model_entrypoint(model_name): return _model_entrypoints[model_name]
        """
    registry, evaluator = read_registry(parse({"models/_registry.py": shim}))
    contexts = follow_calls(evaluator, registry).contexts

    assert {"old_toy", "gone_toy", "toy_small"} <= contexts.models.keys()


def test_a_recursive_function_ends_where_it_recurs(follow: Follow) -> None:
    more = "def down(n, fn):\n  if n: return down(n - 1, fn)\n  return fn(1)\n"
    contexts = follow({"net": "return down(5, Small)", "other": "return down(5, Large)"}, more)

    assert reached(contexts, "net") == {"down", *SMALL}
    assert reached(contexts, "other") == {"down", *LARGE}


def test_functions_that_call_each_other_for_ever_end(follow: Follow) -> None:
    more = "def a(n, fn): fn(1); return b(n, fn)\ndef b(n, fn): return a(n + 1, fn)\n"

    assert reached(follow({"net": "return a(0, Small)"}, more), "net") == {"a", "b", *SMALL}


def test_a_function_that_calls_itself_with_itself_ends(follow: Follow) -> None:
    more = "def a(x): g(); return a((x, [x], {'x': x}))\n"

    assert reached(follow({"net": "return a(())"}, more), "net") == {"a", "g"}


def test_a_function_that_changes_its_argument_changes_it_every_time(follow: Follow) -> None:
    more = """
def fill(items, fn): items.append(fn)
def run(one, other):
    first, second = [], []
    fill(first, one)
    fill(second, one)
    second[0](1)
def pop(kwargs): return kwargs.pop('block')
def build(**kwargs):
    block = pop(kwargs)
    return g() if 'block' in kwargs else block(1)
"""
    contexts = follow(
        {"net": "return run(Small, Large)", "a": "return build(block=Large)", "b": "build(block=Large)"}, more
    )

    assert reached(contexts, "net") == {"run", "fill", *SMALL}
    assert reached(contexts, "a") == {"build", "pop", *LARGE}
    assert reached(contexts, "b") == {"build", "pop", *LARGE}


def test_a_method_sees_the_state_of_its_instance_at_the_time(follow: Follow) -> None:
    more = """
class Box:
    def __init__(self): self.fn = None
    def set(self, fn): self.fn = fn
    def run(self): return self.fn(1) if self.fn else g()
def both(first, second):
    box = Box()
    box.set(first)
    box.run()
    box.set(second)
    return box.run()
def late(fn):
    box = Box()
    box.run()
    box.fn = fn
    return box.run()
"""
    contexts = follow({"net": "return both(Small, Large)", "other": "return late(Large)"}, more)

    assert reached(contexts, "net") == {"both", "Box.__init__", "Box.set", "Box.run", *SMALL, *LARGE}
    assert reached(contexts, "other") == {"late", "Box.__init__", "Box.run", "g", *LARGE}


HALF = "def half(n): return n / 2\n"


@pytest.mark.parametrize(("low", "high"), [(15, 31), (0.25, 0.75)])
def test_what_a_function_returns_depends_on_the_exact_numbers(follow: Follow, low: float, high: float) -> None:
    """One run stands for all sizes only where no number comes back to compute with."""
    body = f"return (Large if half({{}}) > {low} * 0.75 else Small)(1)"
    contexts = follow({"net": body.format(low), "other": body.format(high)}, HALF)

    assert reached(contexts, "net") == {"half", *SMALL}
    assert reached(contexts, "other") == {"half", *LARGE}


@pytest.mark.parametrize("test", ["n > 20", "n == 31", "20 <= n"])
@pytest.mark.parametrize("body", ["return pick({})(1)", "return lead({})(1)"])
def test_what_a_function_does_depends_on_a_size_that_it_compares_with(follow: Follow, test: str, body: str) -> None:
    """So does all that leads to it; elsewhere a run with one size stands for those with others."""
    more = f"def pick(n): return Large if {test} else Small\ndef lead(n): return pick(n)\n"
    contexts = follow({"net": body.format(15), "other": body.format(31)}, more)

    assert reached(contexts, "net") - {"lead"} == {"pick", *SMALL}
    assert reached(contexts, "other") - {"lead"} == {"pick", *LARGE}


@pytest.mark.parametrize(
    "loop",
    [
        "while True: Small(1)",
        "n = 0\n    while n < 10 ** 9:\n        n += 1\n        Small(n)",
        "for i in range(10 ** 9): Small(i)",
        "items = [1]\n    for i in items:\n        items.append(i)\n        Small(i)",
        "for a in range(300):\n        for b in range(300):\n            for c in range(300): Small(a)",
    ],
)
def test_a_loop_that_does_not_end_still_yields_what_was_found(follow: Follow, loop: str) -> None:
    contexts = follow({"net": loop, "other": "return _create('b', block=Large)"})

    assert reached(contexts, "net") == SMALL
    assert reached(contexts, "other") == LARGE


@pytest.mark.parametrize(
    "body",
    [
        "Small(1); raise ValueError",
        "Small(1); return {}['no']",
        "Small(1); return no_such_name.no(1)",
        "Small(1); return Net(1, 2, 3, 4, 5, 6, 7)",
    ],
)
def test_what_a_model_does_before_it_fails_is_kept(follow: Follow, body: str) -> None:
    contexts = follow({"net": body, "other": "return _create('b', block=Large)"})

    assert reached(contexts, "net") >= SMALL
    assert reached(contexts, "other") == LARGE


def test_an_entrypoint_that_cannot_be_called_loses_only_itself(parse: Parse) -> None:
    toy = HEADER + "@register_model\ndef net(): return Small(1)\n" + MODEL.format(name="other", body="return Large(1)")
    registry, evaluator = read_registry(parse({"models/toy.py": toy}))
    contexts = follow_calls(evaluator, registry).contexts

    assert reached(contexts, "other") == LARGE
    assert not LARGE & reached(contexts, "net")


def test_no_create_model_leaves_functions_called_with_anything(parse: Parse) -> None:
    registry, evaluator = read_registry(parse({"models/_factory.py": None}))
    calls = follow_calls(evaluator, registry)

    assert calls.contexts.models == {}
    assert "timm.models.toy:_create_toy" in calls.edges["timm.models.toy:toy_small"]


def test_rows_lead_only_to_rows_before_them(follow: Follow) -> None:
    """So that no context leads back to itself."""
    contexts = follow({"net": "return _create('a')", "other": "return _create('b', block=Large, wide=True)"})

    rows = list(zip(contexts.functions, contexts.direct, contexts.through, strict=True))
    for number, (function, direct, through) in enumerate(rows):
        assert 0 <= function < len(contexts.ids)
        assert all(called < number for called in (*direct, *through))
    assert len({(f, tuple(d), tuple(t)) for f, d, t in rows}) == len(rows) == len(contexts)


# source of the user's own

MINE = """
from timm.layers import ConvAct
from timm.models._builder import build_model_with_cfg
from timm.models._registry import register_model
from torch import nn

class MyNet(nn.Module):
    def __init__(self, width=1):
        super().__init__()
        self.conv = ConvAct(width)

@register_model
def my_net(pretrained=False, **kwargs):
    "Mine."
    return build_model_with_cfg(MyNet, 'my_net', pretrained, **kwargs)
"""


@pytest.fixture
def with_mine(make_timm: Callable[..., Path], tmp_path: Path) -> Callable[..., Graph]:
    """A small timm with source of the user's own beside it."""

    def loaded(files: Mapping[str, str]) -> Graph:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        extra = find_extra(str(tmp_path / next(iter(files)).partition("/")[0]))
        return load_graph(make_timm(), extras=[extra])

    return loaded


@pytest.mark.parametrize(
    ("files", "module", "file"),
    [
        ({"mine.py": MINE}, "mine", "mine.py"),
        ({"mine/__init__.py": "from .models import net", "mine/models/__init__.py": "", "mine/models/net.py": MINE},
         "mine.models.net", "mine/models/net.py"),
    ],
)  # fmt: skip
def test_own_source_registers_like_timms(
    with_mine: Callable[..., Graph], files: dict[str, str], module: str, file: str
) -> None:
    graph = with_mine(files)
    model = graph.node("model:my_net")

    assert (model.file, model.doc, model.data["module"]) == (file, "Mine.", module)
    pairs = list(graph.contexts.pairs(graph.contexts.models["my_net"]))
    assert ("timm.models._factory:create_model", f"{module}:my_net") in pairs
    assert ("timm.models._builder:build_model_with_cfg", f"{module}:MyNet.__init__") in pairs
    assert (f"{module}:MyNet.__init__", "timm.layers.conv:ConvAct.__init__") in pairs
    assert "model:toy_small" in graph


def test_own_source_that_nothing_imports_registers_nothing(with_mine: Callable[..., Graph]) -> None:
    """As Python has it: a package that does not import its modules does not run them."""
    graph = with_mine({"mine/__init__.py": "", "mine/net.py": MINE})

    assert "mine.net:my_net" in graph
    assert "model:my_net" not in graph


def test_own_source_with_an_error_leaves_timm(with_mine: Callable[..., Graph]) -> None:
    graph = with_mine({"mine.py": "def f(:"})

    assert [problem.file for problem in graph.info.problems] == ["mine.py"]
    assert "model:toy_small" in graph
