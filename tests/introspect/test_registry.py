"""What ``models/toy.py`` registers."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from explorer.introspect.evaluator.machine import Evaluator
from explorer.introspect.evaluator.values import UNKNOWN
from explorer.introspect.reading.parse import Module, parse_module
from explorer.introspect.registry import Registry, read_registry
from explorer.queries.node_data import WeightsData

ReadRegistry = Callable[..., Registry]
URL = "url='https://x'"
ENTRYPOINT = "\n@register_model\ndef net(pretrained=False, **kwargs): pass\n"


def of_net(read: ReadRegistry, cfgs: str) -> list[WeightsData]:
    """The weights of ``net``, whose module says ``default_cfgs = generate_default_cfgs(cfgs)``."""
    return read(f"default_cfgs = generate_default_cfgs({cfgs}){ENTRYPOINT}").architectures["net"].weights


@pytest.mark.parametrize(
    ("cfgs", "tags"),
    [
        (f"{{'net.a': _cfg({URL}), 'net.b': _cfg({URL})}}", ["a", "b"]),
        (f"{{'net.a': _cfg(), 'net.b': _cfg({URL})}}", ["b", "a"]),
        ("{'net.a': _cfg(), 'net.b': _cfg()}", ["a", "b"]),
        (f"{{'net.a': _cfg({URL}), 'net.b': _cfg(), 'net.c': _cfg({URL})}}", ["a", "b", "c"]),
        (f"{{'net.a': _cfg({URL}), 'net.b*': _cfg({URL})}}", ["b", "a"]),
        (f"{{'net.a*': _cfg({URL}), 'net.b*': _cfg({URL})}}", ["a", "b"]),
        (f"{{'net.a': _cfg({URL}), 'net.b*': _cfg()}}", ["b", "a"]),
        (f"{{'net.a': _cfg({URL}), 'net': _cfg({URL})}}", ["", "a"]),
        (f"{{'net.a': _cfg({URL}), 'net': _cfg()}}", ["a", ""]),
        (f"{{'net': _cfg(), 'net.a': _cfg({URL})}}", ["a", ""]),
        ("{'net.a': _cfg(file='f'), 'net.b': _cfg(hf_hub_id='o/n')}", ["a", "b"]),
        (f"{{'net.a.b': _cfg({URL})}}", ["a.b"]),
        (f"{{'other.a': _cfg({URL})}}", []),
    ],
)
def test_the_default_tag_comes_first(registry: ReadRegistry, cfgs: str, tags: list[str]) -> None:
    assert [w.tag for w in of_net(registry, cfgs)] == tags


def test_pretrained_is_what_the_default_says(registry: ReadRegistry) -> None:
    names = registry(
        "default_cfgs = generate_default_cfgs({'net.b': _cfg(url='u'), 'net.a*': _cfg()})" + ENTRYPOINT
    ).architectures

    assert [w.has_weights for w in names["net"].weights] == [False, True]
    assert not names["net"].pretrained


@pytest.mark.parametrize(
    ("cfg", "field", "value"),
    [
        ("_cfg()", "num_classes", 1000),
        ("_cfg(num_classes=10)", "num_classes", 10),
        ("_cfg(num_classes=int(os.environ.get('N', 5)))", "num_classes", 5),
        ("dict(_cfg(), num_classes=10)", "num_classes", 10),
        ("{**_cfg(num_classes=9), 'num_classes': 10}", "num_classes", 10),
        ("dict()", "crop_pct", 0.875),
        ("_cfg()", "input_size", [3, 224, 224]),
        ("_cfg(input_size=(3, 288, 288))", "input_size", [3, 288, 288]),
        ("_cfg(hf_hub_id='timm/')", "hf_hub_id", "timm/net.a"),
        ("_cfg(hf_hub_id='timm/other.b')", "hf_hub_id", "timm/other.b"),
        ("_cfg(hf_hub_id='org/')", "hf_hub_id", "org/"),
        ("_cfg()", "architecture", "net"),
        ("_cfg(architecture='other')", "architecture", "net"),
        ("_cfg()", "tag", "a"),
    ],
)
def test_cfg_fields(registry: ReadRegistry, cfg: str, field: str, value: object) -> None:
    weights = of_net(registry, f"{{'net.a': {cfg}}}")[0]

    assert json.loads(json.dumps(weights.cfg))[field] == value
    assert weights.unknown == ()


def test_an_untagged_cfg_is_completed_with_the_bare_name(registry: ReadRegistry) -> None:
    weights = of_net(registry, "{'net': _cfg(hf_hub_id='timm/')}")[0]

    assert (weights.name, weights.cfg["hf_hub_id"], weights.cfg["tag"]) == ("net", "timm/net", None)


UNKNOWN_FIELDS = [
    "num_classes=torch.N",
    "num_classes=torch.count()",
    "num_classes=10 if torch.cuda.is_available() else 20",
    "num_classes=nn.Conv2d",
    "num_classes=_cfg",
    "num_classes=lambda: 1",
    "num_classes=os",
    "num_classes={1, 2}",
    "num_classes=b'bytes'",
    "num_classes=range(3)",
    "num_classes=2j",
    "num_classes=...",
    "num_classes=float('nan')",
]


@pytest.mark.parametrize("argument", UNKNOWN_FIELDS)
def test_a_field_that_is_no_settled_data_is_unknown(registry: ReadRegistry, argument: str) -> None:
    """What has no form in JSON is not known either: the graph is stored and printed as JSON."""
    weights = of_net(registry, f"{{'net.a': _cfg(url='u', {argument})}}")[0]

    assert weights.unknown == ("num_classes",)
    assert "num_classes" not in weights.cfg
    assert weights.cfg["url"] == "u"
    json.dumps(weights.cfg, allow_nan=False)


def test_unknown_keywords_make_all_fields_unknown_but_the_ones_given_later(registry: ReadRegistry) -> None:
    weights = of_net(registry, "{'net.a': dict(_cfg(url='u', **torch.extra()), crop_pct=0.9)}")[0]

    assert {"url", "num_classes", "interpolation"} <= set(weights.unknown)
    assert (weights.cfg["crop_pct"], weights.cfg["architecture"]) == (0.9, "net")


def test_a_weight_source_that_is_unknown_makes_tags_and_pretrained_unknown(registry: ReadRegistry) -> None:
    cfgs = "{'net.a': _cfg(url=torch.url()), 'net.b': _cfg(url='u')}"
    net = registry(f"default_cfgs = generate_default_cfgs({cfgs}){ENTRYPOINT}").architectures["net"]

    assert not net.weights_known


@pytest.mark.parametrize(
    "assignment",
    [
        "default_cfgs = generate_default_cfgs(torch.cfgs())",
        "default_cfgs = torch.cfgs()",
        "default_cfgs = {**torch.cfgs()}",
        "default_cfgs = generate_default_cfgs({torch.name(): _cfg()})",
        "default_cfgs = generate_default_cfgs({k: _cfg() for k in torch.names()})",
        "default_cfgs = {}\nif torch.flag(): default_cfgs['net'] = _cfg()",
        "default_cfgs = {}\ndef fill():\n  if torch.flag(): return\n  default_cfgs['net'] = _cfg()\nfill()",
        "default_cfgs = {}\nnames = []\nif torch.flag(): names.append('net')\nfor n in names: default_cfgs[n] = _cfg()",
    ],
)
def test_weights_that_the_source_does_not_settle_are_not_known(registry: ReadRegistry, assignment: str) -> None:
    assert not registry(assignment + ENTRYPOINT).architectures["net"].weights_known


@pytest.mark.parametrize(
    "assignment",
    [
        "default_cfgs = {'net': _cfg(url='u')}",
        "default_cfgs = dict(net=_cfg(url='u'))",
        "default_cfgs = {}\nfor n in ('net', 'ten'): default_cfgs[n] = _cfg(url='u')",
        "default_cfgs = {f'{p}t': _cfg(url='u') for p in ('ne', 'te')}",
        "default_cfgs = generate_default_cfgs({'net': _cfg(url='u')})",
        "from ._pretrained import PretrainedCfg\ndefault_cfgs = generate_default_cfgs({'net': PretrainedCfg(url='u')})",
        "from . import _registry\ndefault_cfgs = _registry.generate_default_cfgs({'net': _cfg(url='u')})",
        "from functools import partial\n_c = partial(_cfg, url='u')\n"
        "default_cfgs = generate_default_cfgs({'net': _c()})",
        "base = {'net': _cfg()}\ndefault_cfgs = generate_default_cfgs(base | {'net': _cfg(url='u')})",
        "default_cfgs = generate_default_cfgs(cfgs={'net': _cfg(url='u')})",
    ],
)
def test_ways_to_write_default_cfgs(registry: ReadRegistry, assignment: str) -> None:
    net = registry(assignment + ENTRYPOINT).architectures["net"]

    assert net.weights_known
    assert [(w.tag, w.cfg["url"], w.cfg["num_classes"]) for w in net.weights] == [("", "u", 1000)]


def test_family_and_entrypoint(registry: ReadRegistry) -> None:
    net = registry(ENTRYPOINT).architectures["net"]

    assert (net.family, net.module, net.entrypoint) == ("toy", "timm.models.toy", "timm.models.toy:net")
    assert (net.weights, net.weights_known, net.pretrained) == ([], True, False)


@pytest.mark.parametrize(
    "definition",
    [
        "@register_model\ndef net(): pass",
        "@register_model\n@torch.no_grad()\ndef net(): pass",
        "@torch.no_grad()\n@register_model\ndef net(): pass",
        "def net(): pass\nregister_model(net)",
        "def net(): pass\nnet = register_model(fn=net)",
        "from . import _registry\n@_registry.register_model\ndef net(): pass",
        "from timm.models._registry import register_model as reg\n@reg\ndef net(): pass",
        "if True:\n  @register_model\n  def net(): pass",
        "try:\n  import scipy\nexcept ImportError:\n  scipy = None\n@register_model\ndef net(): pass",
    ],
)
def test_ways_to_register(registry: ReadRegistry, definition: str) -> None:
    assert list(registry(definition).architectures) == ["net"]


def test_a_function_that_is_only_imported_is_registered_once(registry: ReadRegistry) -> None:
    found = registry("from .extra import net", extra=ENTRYPOINT).architectures

    assert [(a.name, a.family) for a in found.values()] == [("net", "extra")]


@pytest.mark.parametrize(
    "call",
    [
        "register_model_deprecations(__name__, {'old': 'net', 'older': 'net.a', 'gone': None})",
        "m = {'old': 'net', 'older': 'net.a', 'gone': None}\n"
        "register_model_deprecations(module_name=__name__, deprecation_map=m)",
        "register_model_deprecations(__name__, deprecation_map={'old': 'net', 'older': 'net.a', 'gone': None})",
        "register_model_deprecations('timm.models.toy', dict(old='net', older='net.a', gone=None))",
        "names = {'old': 'net', 'older': 'net.a'}\nnames['gone'] = None\nregister_model_deprecations(__name__, names)",
    ],
)
def test_deprecations(registry: ReadRegistry, call: str) -> None:
    found = registry(f"{ENTRYPOINT}{call}").deprecations

    assert {d.name: d.replaced_by for d in found.values()} == {"old": "net", "older": "net.a", "gone": None}
    assert {d.family for d in found.values()} == {"toy"}


def test_a_later_registration_replaces_an_earlier_one(registry: ReadRegistry) -> None:
    found = registry(
        "from . import extra\ndefault_cfgs = {'net': _cfg()}" + ENTRYPOINT,
        extra="default_cfgs = generate_default_cfgs({'net.a': _cfg(url='u')})" + ENTRYPOINT,
    ).architectures

    assert [(a.family, [w.tag for w in a.weights]) for a in found.values()] == [("toy", [""])]


def test_deprecating_a_registered_name_takes_its_place(registry: ReadRegistry) -> None:
    found = registry(ENTRYPOINT + "register_model_deprecations(__name__, {'net': None})")

    assert (list(found.architectures), list(found.deprecations)) == ([], ["net"])


def test_a_name_that_is_registered_is_public(parse: Callable[..., dict[str, Module]]) -> None:
    """``register_model`` appends to ``__all__``, so the star import in ``models/__init__`` finds the entrypoint."""
    toy = "from ._registry import register_model\n__all__ = []\n@register_model\ndef net(): pass\n"
    user = "from . import net\nx = 1\n"
    modules = parse({"models/toy.py": toy, "models/user.py": user})

    assert list(read_registry(modules, ("timm", "timm.models.user"))[0].architectures) == ["net"]


@pytest.mark.parametrize(
    "missing", ["models/_pretrained.py", "models/_registry.py", "models/__init__.py", "__init__.py"]
)
def test_a_file_that_is_missing_leaves_the_rest(parse: Callable[..., Any], missing: str) -> None:
    registry, evaluator = read_registry(parse({missing: None}))

    assert isinstance(registry, Registry)
    assert evaluator.attribute("timm.layers", "ConvAct") is not UNKNOWN


def test_every_package_read_registers(parse: Callable[..., dict[str, Module]]) -> None:
    mine = "from timm.models import register_model\n@register_model\ndef mine(): pass\n"
    modules = {**parse(), "mine": parse_module("mine", "mine.py", mine.encode())}
    registry, evaluator = read_registry(modules, ("timm", "mine"))

    assert list(registry.architectures) == ["toy_small", "toy_large", "mine"]
    assert (registry.architectures["mine"].family, registry.architectures["mine"].entrypoint) == ("mine", "mine:mine")
    assert list(read_registry(modules)[0].architectures) == ["toy_small", "toy_large"]
    assert evaluator.is_internal("mine")


def test_the_evaluator_finds_an_entrypoint_by_its_name(parse: Callable[..., dict[str, Module]]) -> None:
    """``model_entrypoint`` looks into a table that a stand-in for ``register_model`` fills."""
    _, evaluator = read_registry(parse())
    lookup = evaluator.attribute("timm.models._registry", "model_entrypoint")

    with evaluator.state.budget(100):
        assert evaluator.call(lookup, ["toy_small"], {}) is evaluator.attribute("timm.models.toy", "toy_small")


@pytest.mark.parametrize(
    "toy",
    [
        "default_cfgs = generate_default_cfgs({1: _cfg()})",
        "default_cfgs = generate_default_cfgs({'net.a': None})",
        "default_cfgs = generate_default_cfgs({'net.a': 5})",
        "default_cfgs = generate_default_cfgs({'net.a': _cfg(no_such_field=1)})",
        "default_cfgs = generate_default_cfgs(5)",
        "default_cfgs = generate_default_cfgs()",
        "default_cfgs = generate_default_cfgs({'net.a': _cfg(url=['a'])})",
        "from ._pretrained import PretrainedCfg\nfrom dataclasses import replace\n"
        "default_cfgs = generate_default_cfgs({'net.a': replace(PretrainedCfg(), **torch.extra())})",
        "default_cfgs = {'net': 5}",
        "default_cfgs = 5",
        "register_model_deprecations()",
        "register_model_deprecations(__name__)",
        "register_model_deprecations(__name__, {1: 'net', None: None})",
        "register_model_deprecations(__name__, {'old': 5})",
        "register_model_deprecations('no.such.module', {'old': 'net'})",
        "register_model(5)",
        "register_model()",
        "__all__ = 5",
        "{}[[]]\n{[]: 1}",
        "(1).real\nx, *y = 1, 2\n[].x = 1",
        "[][0:'a']\n'a'[None]\n{1}[0]\n[1, 2]['a']",
        "class A(metaclass=B): pass\nA.b.c()\nA[1]\n~A",
        "print(f'{1:{2}}', *1, **2)\ndict(**{1: 2})\ndict(1, 2, 3)\ndict([1])\n{**1}\nset([[]])",
        "for a, b in [1, 2]: pass\nfor [] in [1]: pass\nfor x.y in [1]: pass\nfor x[0] in [1]: pass",
        "del no, (a, b), c[0], d.e",
        "x = 'a' % ()\nx = 'a'.join(1)\nx = '{}'.format()\nx = sorted([1, 'a'])\nx = max()\nx = zip(1)\nx = range()",
        "match 1:\n  case 1: pass\n  case _: x = 2",
        "async def f():\n  async with a: pass\n  async for b in c: await d",
        "lambda *a, k=1, **kw: (a, k, kw)\n(lambda: x)(1, 2)\n(lambda x: x)()",
        "def f(a, /, b, *, c): return a\nf(1, b=2, c=3)\nf(a=1)\nf(1, 2, 3)",
        "return_ = {'a': 1}; return_.popitem(); return_.popitem(); {}.popitem(); [].pop(); set().pop()",
        "x = {}\nfor k in x: x[1] = 1\nx = [1]\nfor k in x: x.clear()",
        "x = []; x.append(x); y = str(x); z = {'a': x}; x == z",
        "from copy import deepcopy\nx = {}; x['x'] = x; y = deepcopy(x); default_cfgs = x",
    ],
)  # fmt: skip
def test_no_source_stops_the_reading(registry: ReadRegistry, toy: str) -> None:
    found = registry(f"{toy}{ENTRYPOINT}")

    json.dumps([[w.cfg, w.unknown] for a in found.architectures.values() for w in a.weights])
    assert list(found.architectures) == ["net"]


NAMED = "\nfrom timm.models import register_model\nimport functools\n"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (
            "def log(f):\n  @functools.wraps(f)\n  def w(*a, **k): return f(*a, **k)\n  return w\n"
            "@register_model\n@log\ndef net(): pass",
            ["net"],
        ),
        (
            "def log(f):\n  def w(*a, **k): return f(*a, **k)\n  return functools.update_wrapper(w, f)\n"
            "@register_model\n@log\ndef net(): pass",
            ["net"],
        ),
        ("def log(f):\n  def w(*a, **k): return f(*a, **k)\n  return w\n@register_model\n@log\ndef net(): pass", ["w"]),
        ("for n in (1, 2):\n  def f(): pass\n  f.__name__ = f'net_{n}'\n  register_model(f)", ["net_1", "net_2"]),
        (
            "def add(n):\n  def f(): pass\n  f.__name__ = 'net_' + n\n  return register_model(f)\nadd('a')\nadd('b')",
            ["net_a", "net_b"],
        ),
        ("f = lambda: None\nf.__name__ = 'net'\nregister_model(f)", ["net"]),
        ("register_model(lambda: None)", ["<lambda>"]),
        (
            "def own(f):\n  f.__name__ = 'my_' + f.__name__\n  return register_model(f)\n@own\ndef net(): pass",
            ["my_net"],
        ),
        (
            "def base(width): pass\nf = functools.partial(base, 8)\nf.__name__ = 'net_8'\nf.__module__ = __name__\n"
            "register_model(f)",
            ["net_8"],
        ),
        ("register_model(functools.partial(print, 8))\n@register_model\ndef net(): pass", ["net"]),
        ("exec('@register_model\\ndef net(): pass')", ["net"]),
        ("for n in 'ab':\n  exec(f'@register_model\\ndef net_{n}(): pass')", ["net_a", "net_b"]),
        ("exec(open('other.py').read())\n@register_model\ndef net(): pass", ["net"]),
    ],
)
def test_a_function_is_registered_by_the_name_that_it_says_then(source: str, names: list[str]) -> None:
    assert registered({"own.py": NAMED + source}) == names


def registered(files: dict[str, str]) -> list[str]:
    """What the package or module ``own`` registers, beside a timm that registers nothing."""
    return list(read_beside_timm(files)[0].architectures)


def reading(files: dict[str, str]) -> Evaluator:
    """The evaluator that executed the package or module ``own``."""
    return read_beside_timm(files)[1]


def read_beside_timm(files: dict[str, str]) -> tuple[Registry, Evaluator]:
    timm = {
        "timm/__init__.py": "",
        "timm/models/__init__.py": "from ._registry import register_model",
        "timm/models/_registry.py": "def register_model(fn): return fn",
    }
    modules = {}
    for file, source in {**timm, **files}.items():
        name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        modules[name] = parse_module(name, file, source.encode())
    return read_registry(modules, ("timm", "own"))


@pytest.mark.parametrize(
    ("condition", "is_so"),
    [
        ("sys.version_info >= (3, 9)", True),
        ("sys.version_info.major == 2", False),
        ("sys.version_info[0] < 3", False),
        ("sys.platform == 'nowhere'", False),
        ("os.name == 'nothing'", False),
        ("platform.system() == 'Nothing'", False),
        ("HAS_NONE", False),
        ("HAS_JSON", True),
        ("torch.cuda.is_available()", False),
        ("torch.backends.mps.is_available()", False),
        ("find_spec('no_such_module_at_all') is not None", False),
        ("find_spec('json') is not None", True),
        ("TYPE_CHECKING", False),
    ],
)
def test_what_is_defined_on_this_machine(monkeypatch: pytest.MonkeyPatch, condition: str, is_so: bool) -> None:
    monkeypatch.setattr("explorer.introspect.evaluator.surroundings._has_nvidia_gpu", lambda: False)
    monkeypatch.setattr("sys.platform", "linux")
    source = f"""
import os, platform, sys, torch
from importlib.util import find_spec
from typing import TYPE_CHECKING
from timm.models import register_model
try:
    import no_such_module_at_all
    HAS_NONE = True
except ImportError:
    HAS_NONE = False
try:
    from json import decoder
    HAS_JSON = True
except (ImportError, OSError) as error:
    HAS_JSON = False
if {condition}:
    @register_model
    def net_if(): pass
else:
    @register_model
    def net_else(): pass
"""

    assert registered({"own.py": source}) == ["net_if" if is_so else "net_else"]


def test_a_gpu_that_torch_may_not_see_is_not_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.introspect.evaluator.surroundings._has_nvidia_gpu", lambda: True)
    source = "import torch\nfrom timm.models import register_model\nif torch.cuda.is_available():\n  "

    assert registered({"own.py": source + "register_model(lambda: 1)"}) == ["<lambda>"]


NET = "from timm.models import register_model\n@register_model\ndef {}(): pass\n"


@pytest.mark.parametrize(
    "source",
    [
        "import importlib, pkgutil\nfor m in pkgutil.iter_modules(__path__):\n"
        "  importlib.import_module(f'{__name__}.{m.name}')",
        "import pkgutil\nfor _, name, ispkg in pkgutil.walk_packages(__path__, __name__ + '.'):\n  __import__(name)",
        "import importlib, os\nfor f in os.listdir(os.path.dirname(os.path.abspath(__file__))):\n"
        "  if f.endswith('.py') and f[0] != '_': importlib.import_module('.' + f[:-3], __name__)\n"
        "from .deep import two",
        "from importlib import import_module\nfrom pathlib import Path\n"
        "for f in Path(__file__).resolve().parent.glob('*.py'):\n"
        "  if f.stem != '__init__': import_module(f'{__package__}.{f.stem}')\nimport own.deep.two",
        "import glob, os\nfiles = glob.glob(os.path.join(os.path.dirname(__file__), '*.py'))\n"
        "__all__ = [os.path.basename(f)[:-3] for f in files if not f.endswith('__init__.py')]\n"
        "from . import *\nfrom .deep.two import *",
        "from importlib import import_module\n"
        "def load(names):\n  for name in names: import_module(f'.{name}', package=__name__)\nload(('one', 'deep.two'))",
        "import importlib\n[importlib.import_module('own.' + name) for name in ['one', 'deep', 'deep.two']]",
    ],
)
def test_a_package_that_looks_for_its_modules_imports_them(source: str) -> None:
    package = "import pkgutil, importlib\nfor m in pkgutil.iter_modules(__path__): import_it(m)\n"
    files = {
        "own/__init__.py": source + "\nfrom . import deep\n",
        "own/one.py": NET.format("one_net"),
        "own/deep/__init__.py": package + "from . import two\n",
        "own/deep/two.py": NET.format("two_net"),
    }

    assert sorted(registered(files)) == ["one_net", "two_net"]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("@register_model\ndef net(): pass", []),
        (
            "import torch\nif torch.utils.mystery():\n  @register_model\n  def net(): pass",
            ["whether net is registered"],
        ),
        ("import json\nregister_model(json.load(open('x')))", ["what is registered"]),
        ("import json\ndef f(): pass\nf.__name__ = json.load(open('x'))\nregister_model(f)", ["the name"]),
        ("register_model(functools.partial(print, 8))", ["a partial, which has no __name__"]),
        ("import json\nfrom importlib import import_module\nimport_module(json.load(open('x')))", ["which module"]),
        ("exec(open('other.py').read())", ["what it runs"]),
        ("import json\nfor n in range(10 ** 9): register_model(json)", ["registered"]),
    ],
)
def test_what_source_alone_does_not_tell_of_registrations_is_counted(source: str, told: list[str]) -> None:
    state = reading({"own.py": NAMED + source}).state

    assert len(state.untold) == len(told)
    for ((module, line), why), said in zip(state.untold.items(), told, strict=True):
        assert (module, line > 2, said in why) == ("own", True, True)
