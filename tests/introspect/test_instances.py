"""What models' instances hold, as their source tells."""

from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.graph.instances import Held
from explorer.introspect import load_graph
from explorer.introspect.call_graph import follow_calls
from explorer.introspect.reading.parse import Module
from explorer.introspect.registry import read_registry

HEADER = """
from copy import deepcopy
import torch
from torch import nn
from ._builder import build_model_with_cfg
from ._registry import register_model

class Part(nn.Module):
    def __init__(self, width=8): super().__init__()
class Other(nn.Module):
    def __init__(self, width=8): super().__init__()
class Bare(Part):
    pass
class Linear(nn.Linear):
    def forward(self, x): return x
class Layer(nn.TransformerEncoderLayer):
    pass
class Helper:
    def __init__(self): self.part = Part()
    def __call__(self): return self.part
"""

Holds = Callable[..., Held]


@pytest.fixture
def holds(parse: Callable[..., dict[str, Module]]) -> Holds:
    """What a model holds whose class has a constructor of these lines."""

    def held(*lines: str, made: str = "Net()", more: str = "") -> Held:
        body = "".join(f"\n        {line}" for line in lines)
        net = f"class Net(nn.Module):\n    def __init__(self, part=None, cls=Part):\n        super().__init__(){body}\n"
        entrypoint = f"@register_model\ndef net(pretrained=False, **kwargs): return {made}\n"
        registry, evaluator = read_registry(parse({"models/toy.py": HEADER + more + net + entrypoint}))
        found = follow_calls(evaluator, registry).instances.of("net")
        assert found is not None
        return found

    return held


def names(held: Held) -> set[str]:
    """The classes held, without their module."""
    return {name.rpartition(":")[2] for name in held.classes()} - {"Net"}


@pytest.mark.parametrize("made", ["Net()", "build_model_with_cfg(Net, 'net', pretrained)", "make(Net)"])
def test_a_model_is_of_its_own_class_however_it_is_made(holds: Holds, made: str) -> None:
    held = holds("self.body = cls()", made=made, more="def make(cls): return cls()\n")

    assert held == Held(("timm.models.toy:Net",), (("timm.models.toy:Net", "timm.models.toy:Part"),))


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("self.a = Bare()", {"Bare"}),
        ("self.a = Linear(8, 8)", {"Linear"}),
        ("self.a = nn.Linear(8, 8)", {"Linear"}),
        ("self.a = Part() if cls is Part else Other()", {"Part"}),
        ("self.add_module('a', Part())", {"Part"}),
        ("setattr(self, 'a', Part())", {"Part"}),
        ("self.a = nn.Sequential(Part(), nn.ModuleList([Other() for _ in range(3)]))",
         {"Sequential", "Part", "ModuleList", "Other"}),
        ("self.a = nn.ModuleDict({'a': Part()})", {"ModuleDict", "Part"}),
        ("self.a = Helper()()", {"Part"}),
        ("self.a = deepcopy(Part())", {"Part"}),
        ("self.a = nn.ModuleList([Part()]); self.a += [Other()]", {"ModuleList", "Part", "Other"}),
        ("self.a = nn.TransformerEncoder(Layer(8, 2), num_layers=2)", {"TransformerEncoder", "Layer"}),
        ("self.a = nn.TransformerEncoder(encoder_layer=Layer(8, 2), num_layers=2)", {"TransformerEncoder", "Layer"}),
        ("self.helper = Helper()", set()),
        ("self.a = [Part()]", set()),
        ("Part()", set()),
        ("self.a = nn.Parameter(torch.zeros(1))", set()),
    ],
)  # fmt: skip
def test_a_model_holds_what_torch_registers(holds: Holds, line: str, parts: set[str]) -> None:
    assert names(holds(line)) == parts


def test_a_part_that_is_replaced_is_held_no_more(holds: Holds) -> None:
    assert names(holds("self.a = Part()", "self.a = Other()")) == {"Other"}


def test_what_an_unknown_condition_decides_may_be_held(holds: Holds) -> None:
    assert names(holds("self.a = Part() if torch.rand(1) > 0.5 else Other()")) == {"Part", "Other"}


def test_a_part_made_before_the_model_is_held_by_what_takes_it(holds: Holds) -> None:
    held = holds("self.inner = nn.Sequential(part)", made="Net(part=Part())")

    assert held.own == ("timm.models.toy:Net",)
    assert ("torch.nn:Sequential", "timm.models.toy:Part") in held.pairs


FEATURES = """
class Features(nn.ModuleDict):
    def __init__(self, model, last):
        super().__init__()
        kept = {}
        for name, module in model.named_children():
            kept[name] = module
            if name == last:
                break
        self.update(kept)
"""


def test_parts_taken_over_by_name_are_those_up_to_the_last(holds: Holds) -> None:
    held = holds(
        "self.first = Part()",
        "self.second = nn.Sequential(Bare())",
        "self.head = Other()",
        made="Features(Net(), 'second')",
        more=FEATURES,
    )
    assert held.own == ("timm.models.toy:Features",)
    assert names(held) == {"Features", "Part", "Sequential", "Bare"}


def test_a_walk_down_a_deep_model_ends_and_leaves_what_is_held(holds: Holds) -> None:
    walk = "def walk(m, name=''):\n    for n, c in m.named_children(): walk(c, name + n)\n"
    lines = ["self.a = Part()", *["self.a = nn.Sequential(self.a, Other(), Bare())"] * 40, "walk(self)"]

    assert names(holds(*lines, more=walk)) == {"Part", "Sequential", "Other", "Bare"}


@pytest.mark.parametrize(
    ("rates", "part"),
    [
        ("torch.linspace(0, 0., n).split(depths)", "Other"),
        ("torch.linspace(0, 0.1, n).split(depths)", "Part"),
    ],
)
def test_equal_ends_of_a_schedule_settle_it_however_long_it_is(holds: Holds, rates: str, part: str) -> None:
    held = holds(
        "depths = torch.unique(torch.tensor([1.0, 2.0])).tolist()",
        "n = sum(depths)",
        f"rates = [x.tolist() for x in {rates}]",
        "self.a = nn.ModuleList([Part() if rates[i][0] > 0 else Other() for i in range(4)])",
    )
    assert part in names(held)
    assert ("Part" in names(held)) is (part == "Part")


def test_what_is_held_survives_the_cache_and_a_change_elsewhere(make_timm: Callable[..., Path]) -> None:
    package = make_timm()
    first = load_graph(package).instances
    (package / "added.py").write_text("new = 1\n")
    changed = load_graph(package).instances

    assert first.models
    assert {name: first.of(name) for name in first.models} == {name: changed.of(name) for name in changed.models}
    assert load_graph(package).instances == changed
