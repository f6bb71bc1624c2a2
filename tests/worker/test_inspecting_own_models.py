"""What is counted of models as people write them: whatever runs in torch, told with the figures it has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.engine.client import Client
from explorer.errors import ExplorerError
from explorer.protocol.bench import BenchRequest
from explorer.protocol.events import Log
from explorer.protocol.flow import FlowRequest, FlowResult
from explorer.protocol.inspect import InspectRequest, InspectResult

pytestmark = pytest.mark.xdist_group("torch")

SOURCE = """
from collections import deque
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch
from timm.models import register_model
from torch import nn


class Pooled(nn.Module):
    "3×8×8 images to 12 numbers, by 3·12·4·4 multiplications for each of 4 patches: 2304."

    pretrained_cfg = {"input_size": (3, 8, 8)}

    def __init__(self, then=None, **said):
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 4, 4)
        self.then = then
        for name, value in said.items():
            setattr(self, name, value)

    def pooled(self, x):
        return self.patches(x).mean((2, 3))

    def forward(self, x):
        x = self.pooled(x)
        return x if self.then is None else self.then(x)


def registered(function):
    def entrypoint(pretrained=False, **kwargs):
        return function()

    entrypoint.__name__ = entrypoint.__qualname__ = function.__name__
    entrypoint.__module__ = __name__
    return register_model(entrypoint)


@dataclass
class Heads:
    main: torch.Tensor
    side: list


class TwoHeads(Pooled):
    def __init__(self, answer):
        super().__init__()
        self.main, self.side, self.answer = nn.Linear(12, 7), nn.Linear(12, 4), answer

    def forward(self, x):
        x = self.pooled(x)
        return self.answer(self.main(x), self.side(x))


@registered
def in_a_dataclass():
    return TwoHeads(lambda main, side: Heads(main, [side]))


@registered
def in_a_namespace():
    return TwoHeads(lambda main, side: SimpleNamespace(main=main, side=side))


@registered
def in_a_set():
    return TwoHeads(lambda main, side: {"both": frozenset([main])})


class Paired(nn.Module):
    def __init__(self):
        super().__init__()
        self.pair = nn.Bilinear(12, 12, 5, bias=False)

    def forward(self, x):
        return self.pair(x, x)


@registered
def with_a_bilinear_layer():
    return Pooled(Paired())


@torch.library.custom_op("explorer_test::relu", mutates_args=())
def doubled(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x, -x], -1)


@doubled.register_fake
def _(x):
    return x.new_empty(*x.shape[:-1], 2 * x.shape[-1])


@registered
def with_an_operator_of_its_own():
    return Pooled(lambda_module(torch.ops.explorer_test.relu))


def lambda_module(function):
    class Called(nn.Module):
        def forward(self, x):
            return function(x)

    return Called()


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(12, 6)

    def forward(self, x):
        state = x.new_zeros(len(x), 6)
        weights = dict(w_ih=self.cell.weight_ih, w_hh=self.cell.weight_hh)
        return torch.lstm_cell(hx=(state, state), input=x, **weights)[0]


@registered
def with_a_cell_by_keyword():
    return Pooled(Cell())


class Nested(Pooled):
    def __init__(self):
        super().__init__()
        layer = nn.Linear(12, 12)
        self.nest = nn.ModuleList([nn.ModuleList([layer, layer]), nn.ModuleList([layer])])

    def forward(self, x):
        return self.nest[0][0](self.pooled(x))


@registered
def with_one_layer_in_two_lists():
    return Nested()


class AroundTheHooks(Pooled):
    def __init__(self):
        super().__init__()
        self.direct, self.idle = nn.Linear(12, 7), nn.Linear(12, 7)
        self.compiled = torch.jit.script(nn.Linear(7, 5))

    def forward(self, x):
        x = self.compiled(self.direct.forward(self.pooled(x)))
        self.made = nn.Linear(5, 4)
        return nn.Linear(4, 3)(self.made(x))


@registered
def with_layers_run_around_the_hooks():
    return AroundTheHooks()


@registered
def with_lazy_layers():
    return Pooled(nn.Sequential(nn.LazyLinear(9), nn.LazyBatchNorm1d()))


@registered
def with_a_scripted_layer():
    return Pooled(torch.jit.script(nn.Linear(12, 5)))


class Chosen(Pooled):
    def forward(self, x):
        x = self.pooled(x)
        return torch.cond(x.sum() > x.sum() + 1, lambda y: y * 2, lambda y: self.then(y), (x,))


@registered
def with_a_condition():
    return Chosen(nn.Linear(12, 3))


class Mapped(Pooled):
    def __init__(self):
        super().__init__()
        self.heads = nn.Parameter(torch.randn(3, 12, 2))

    def forward(self, x):
        x = self.pooled(x)
        return torch.func.vmap(lambda head: x @ head)(self.heads).sum(0)


@registered
def with_vmap():
    return Mapped()


class Sparse(Pooled):
    def forward(self, x):
        picks = torch.sparse_coo_tensor(torch.tensor([[0, 1], [3, 4]]), torch.ones(2), (2, 12))
        return torch.sparse.mm(picks, self.pooled(x).t()).t()


@registered
def with_a_sparse_matrix():
    return Sparse()


class Scanned(Pooled):
    def forward(self, x):
        from torch._higher_order_ops.scan import scan

        steps = self.patches(x).flatten(2).permute(2, 0, 1).contiguous()
        return self.then(scan(lambda total, step: (total + step, step), torch.zeros_like(steps[0]), steps)[0])


@registered
def with_a_scan():
    return Scanned(nn.Linear(12, 3))


class Ragged(Pooled):
    def __init__(self, layout, then):
        super().__init__(then)
        self.layout = layout

    def forward(self, x):
        parts = self.patches(x).flatten(2)[0].t()
        return self.then(torch.nested.nested_tensor([parts[:1], parts[:3]], layout=self.layout))


@registered
def with_jagged_tensors():
    layer = nn.Linear(12, 5)
    return Ragged(torch.jagged, lambda x: layer(x).values())


@registered
def with_nested_tensors():
    return Ragged(torch.strided, lambda x: x)


@registered
def with_a_list_in_itself():
    def held(x):
        answer = [x]
        return [answer, answer.append(answer)]

    return Pooled(held)


class Answer:
    def __init__(self, logits):
        self.logits = logits


@registered
def in_an_object():
    return Pooled(lambda x: deque([Answer(x)]))


class Untrainable(nn.Linear):
    def train(self, mode=True):
        raise NotImplementedError("Calling train() is not supported yet.")


@registered
def with_a_part_that_refuses_modes():
    return Pooled(Untrainable(12, 3))


@registered
def with_classes_as_numpy_has_them():
    return Pooled(num_classes=np.int32(12))


@registered
def with_classes_in_words():
    return Pooled(num_classes="twelve")


@registered
def with_levels_of_odd_kinds():
    good = {"num_chs": 12, "reduction": 0.25, "module": "patches"}
    return Pooled(feature_info=[good, {"num_chs": "many", "reduction": 4, "module": "patches"}, None])


@registered
def with_levels_in_a_string():
    return Pooled(feature_info="none")
"""

PATCHES = 3 * 12 * 16 * 4
"""Multiplications of what all of these begin with."""


@pytest.fixture(scope="module")
def extra(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[str, str], ...]:
    file: Path = tmp_path_factory.mktemp("models") / "models_as_people_write_them.py"
    file.write_text(SOURCE, encoding="utf-8")
    return (("models_as_people_write_them", str(file)),)


@pytest.fixture
def inspect(torch_client: Client, extra: Any) -> Callable[[str], InspectResult]:
    return lambda name: torch_client.run(InspectRequest(name, extra=extra))


@pytest.fixture
def flow(torch_client: Client, extra: Any) -> Callable[[str], FlowResult]:
    return lambda name: torch_client.run(FlowRequest(name, extra=extra))


@pytest.mark.parametrize(
    ("name", "macs", "output"),
    [
        ("in_a_dataclass", 12 * 7 + 12 * 4, ((1, 7), ((1, 4),))),
        ("in_a_namespace", 12 * 7 + 12 * 4, ((1, 7), (1, 4))),
        ("in_a_set", 12 * 7 + 12 * 4, (((1, 7),),)),
        ("with_a_bilinear_layer", 5 * (12 * 12 + 12), (1, 5)),
        ("with_an_operator_of_its_own", 0, (1, 24)),
        ("with_a_cell_by_keyword", 24 * (12 + 6), (1, 6)),
        ("with_one_layer_in_two_lists", 12 * 12, (1, 12)),
        ("with_layers_run_around_the_hooks", 12 * 7 + 7 * 5 + 5 * 4 + 4 * 3, (1, 3)),
        ("with_lazy_layers", 12 * 9, (1, 9)),
        ("with_a_scripted_layer", 12 * 5, (1, 5)),
        ("with_a_condition", 12 * 3, (1, 3)),
        ("with_vmap", 3 * 12 * 2, (1, 2)),
        ("with_a_scan", 12 * 3, (1, 3)),
        ("with_a_part_that_refuses_modes", 12 * 3, (1, 3)),
        ("with_jagged_tensors", 4 * 12 * 5, (4, 5)),
        ("with_nested_tensors", 0, ((1, 12), (3, 12))),
        ("with_a_list_in_itself", 0, (((1, 12),),)),
        ("in_an_object", 0, (((1, 12),),)),
    ],
)
def test_costs_and_shapes_are_those_of_what_runs(inspect: Any, name: str, macs: int, output: Any) -> None:
    whole = inspect(name).layers[0]
    assert (whole.macs - PATCHES, whole.output_shape) == (macs, output)


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("in_a_dataclass", 2),
        ("in_a_namespace", 2),
        ("with_lazy_layers", 1),
        ("with_a_scripted_layer", 1),
        ("with_a_condition", 1),
        ("with_vmap", 1),
        ("with_a_sparse_matrix", 1),
        ("with_a_scan", 1),
        ("with_jagged_tensors", 1),
        ("with_nested_tensors", 2),
        ("with_a_list_in_itself", 1),
        ("in_an_object", 1),
    ],
)
def test_what_flows_is_recorded_to_its_end(flow: Any, name: str, outputs: int) -> None:
    found = flow(name)
    assert len(found.outputs) == outputs
    assert all(tensor.source is not None for tensor in found.outputs)


def test_an_operator_of_ones_own_is_named_with_its_namespace(inspect: Any) -> None:
    assert inspect("with_an_operator_of_its_own").uncounted["explorer_test.relu"] == 1


def test_a_layer_in_two_lists_counts_once_in_what_holds_both(inspect: Any) -> None:
    found = inspect("with_one_layer_in_two_lists")
    nest = next(layer for layer in found.layers if layer.name == "nest")
    assert (nest.macs, nest.share) == (144, 144 / (PATCHES + 144))


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_layer_that_runs_without_being_called_has_its_figures(
    torch_client: Client, extra: Any, batch_size: int
) -> None:
    name = "with_layers_run_around_the_hooks"
    found = torch_client.run(InspectRequest(name, batch_size=batch_size, extra=extra))
    rows = {layer.name: layer for layer in found.layers}
    assert rows[""].own_macs == 4 * 3
    assert [(rows[at].calls, rows[at].macs) for at in ("direct", "compiled", "made")] == [(1, 84), (1, 35), (1, 20)]
    assert (rows["made"].input_shape, rows["made"].output_shape) == ((batch_size, 5), (batch_size, 4))
    assert (rows["idle"].calls, rows["idle"].macs, rows["idle"].output_shape) == (0, 0, None)


def test_parameters_of_lazy_layers_are_there(inspect: Any) -> None:
    assert inspect("with_lazy_layers").totals.params == 3 * 12 * 16 + 12 + 12 * 9 + 9 + 2 * 9


@pytest.mark.parametrize(
    ("name", "said"), [("with_classes_as_numpy_has_them", 12), ("with_classes_in_words", None), ("in_a_set", None)]
)
def test_the_number_of_classes_is_a_number_or_unknown(inspect: Any, name: str, said: int | None) -> None:
    found = inspect(name)
    assert (found.num_classes, found.totals.params >= 588) == (said, True)


def test_levels_that_cannot_be_read_are_left_out_with_a_note(inspect: Any) -> None:
    found = inspect("with_levels_of_odd_kinds")
    assert [(level.declared_channels, level.declared_reduction) for level in found.feature_info] == [(12, 0.25)]
    assert found.feature_info_note
    assert inspect("with_levels_in_a_string").feature_info == []


def test_an_extractor_lists_the_levels_it_was_asked_for(torch_client: Client) -> None:
    wishes = {"out_indices": [0, 2]}
    found = torch_client.run(InspectRequest("test_resnet", features_only=True, args=wishes))
    assert [level.index for level in found.feature_info] == [0, 2]
    assert [level.measured_channels for level in found.feature_info] == [
        level.declared_channels for level in found.feature_info
    ]


def test_training_goes_by_the_first_tensor_of_what_a_model_returns(torch_client: Client, extra: Any) -> None:
    wishes: Any = {"batch_size": 2, "seconds": 0.1, "extra": extra, "train": True, "device": "cpu"}
    found = torch_client.run(BenchRequest("in_a_dataclass", **wishes))
    assert found.samples_per_sec > 0


ASKING = """
import torch
from timm.models import register_model
from torch import nn


class Net(nn.Module):
    pretrained_cfg = {"input_size": (3, 8, 8)}

    def __init__(self, img_size=8):
        super().__init__()
        self.c = nn.Conv2d(3, 4, 4, 4)
        self.img_size = img_size

    def forward(self, x, **more):
        if x.shape[-1] != self.img_size:
            raise ValueError(f"want {self.img_size}")
        return self.c(x)


class Pair(Net):
    def forward(self, x, other, scale=1):
        return self.c(x) + other


class Film(Net):
    pretrained_cfg = {"input_size": (3, 4, 8, 8)}


@register_model
def ask_bare(pretrained=False):
    return Net()


@register_model
def ask_passing(pretrained=False, **kwargs):
    return Net(**kwargs)


@register_model
def ask_nothing(pretrained=False, **kwargs):
    Net()


@register_model
def ask_list(pretrained=False, **kwargs):
    return [Net()]


@register_model
def ask_function(pretrained=False, **kwargs):
    return lambda x: x


@register_model
def ask_twice(pretrained=False, **kwargs):
    return dict(pretrained_cfg=None, **kwargs)


@register_model
def ask_width(width, pretrained=False, **kwargs):
    return Net()


class Inside(Net):
    def forward(self, x):
        return Pair()(x)


@register_model
def ask_inside(pretrained=False, **kwargs):
    return Inside()


@register_model
def ask_film(pretrained=False, **kwargs):
    return Film()


@register_model
def ask_pair(pretrained=False, **kwargs):
    return Pair()


@register_model
def ask_sized(pretrained=False, img_size=8, **kwargs):
    return Net(img_size)
"""


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("asking") / "asking.py"
    path.write_text(ASKING)
    return path


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        ("ask_bare", {}, r"entrypoint of ask_bare takes no pretrained_cfg .*\*\*kwargs"),
        ("ask_passing", {}, r"hands pretrained_cfg on to Net.__init__\(\), which does not take it .*pop them"),
        ("ask_nothing", {}, "entrypoint of ask_nothing returns nothing"),
        ("ask_list", {}, "entrypoint of ask_list returns a list"),
        ("ask_function", {}, "entrypoint of ask_function returns a function"),
        ("ask_twice", {}, r"hands pretrained_cfg on to dict\(\), .*pop them"),
        ("ask_width", {}, "has no default for width .*--set width="),
        ("ask_inside", {}, r"cannot be built and run: Pair.forward\(\) missing 1"),
        ("ask_film", {}, "Film declares an input_size of 3×4×8×8 .*models of one image"),
        ("ask_pair", {}, "ask_pair takes several inputs: x, other .*models of one image"),
        ("ask_sized", {"img_size": 16}, "--set img_size=16 builds it for that size"),
    ],
)
def test_what_a_model_lacks_is_said_with_its_mend(
    torch_client: Client, asking: Path, model: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ExplorerError, match=said):
        torch_client.run(InspectRequest(model, **options, extra=(("asking", str(asking)),)))


def test_a_source_that_registers_nothing_is_told(torch_client: Client, tmp_path: Path) -> None:
    path = tmp_path / "nothing_registered.py"
    path.write_text("x = 1\n")
    events: list[Any] = []

    with pytest.raises(ExplorerError, match="no model 'nowhere'"):
        torch_client.run(InspectRequest("nowhere", extra=(("nothing_registered", str(path)),)), events.append)

    assert f"{path} registers no model" in " ".join(event.message for event in events if isinstance(event, Log))
