"""What inspecting tells, by the real worker on timm's tiny models."""

import json

import pytest

from explorer.errors import RequestError, UnknownName
from explorer.protocol.events import Log, Progress
from explorer.protocol.inspect import InspectRequest, InspectResult

pytestmark = pytest.mark.xdist_group("torch")

FAMILIES = ("test_resnet", "test_vit", "test_convnext", "test_efficientnet", "test_byobnet", "test_nfnet")


@pytest.fixture(scope="module")
def inspect(torch_client):
    """Inspects by name and wishes; each question is asked once."""
    known = {}

    def ask(model, **wishes):
        key = (model, json.dumps(wishes))
        if key not in known:
            known[key] = torch_client.run(InspectRequest(model, **wishes))
        return known[key]

    return ask


def layer_of(result, name):
    return next(layer for layer in result.layers if layer.name == name)


@pytest.mark.parametrize("model", FAMILIES)
def test_layers_add_up_to_the_totals(inspect, model):
    result = inspect(model)
    whole = result.layers[0]
    assert (whole.name, whole.share, whole.calls) == ("", 1.0, 1)
    assert whole.params == result.totals.params == sum(layer.own_params for layer in result.layers)
    assert whole.macs == result.totals.macs == sum(layer.own_macs for layer in result.layers)
    assert (whole.macs_fvcore, whole.activations) == (result.totals.macs_fvcore, result.totals.activations)
    assert whole.buffers == result.totals.buffers


@pytest.mark.parametrize("model", FAMILIES)
def test_parameters_are_those_torch_has(inspect, model):
    import timm

    made = timm.create_model(model)
    totals = inspect(model).totals
    assert totals.params == sum(p.numel() for p in made.parameters())
    assert totals.buffers == sum(b.numel() for b in made.buffers())
    assert [layer.name for layer in inspect(model).layers] == [name for name, _ in made.named_modules()]


@pytest.mark.parametrize("model", FAMILIES)
def test_features_are_as_declared(inspect, model):
    result = inspect(model)
    assert result.feature_info
    assert result.feature_info_note is None
    for level in result.feature_info:
        assert (level.measured_channels, level.measured_reduction) == (
            level.declared_channels,
            level.declared_reduction,
        )


@pytest.mark.parametrize("model", FAMILIES)
def test_the_model_runs_on_meta(inspect, model):
    result = inspect(model)
    assert (result.device, result.built_on) == ("meta", "meta")


def test_a_convolution_is_told_in_full(inspect):
    conv = layer_of(inspect("test_resnet"), "layer1.0.conv1")
    assert conv.class_name == "Conv2d"
    batch, channels, height, width = conv.output_shape
    assert batch == 1
    weights = conv.own_params
    assert conv.macs == conv.own_macs == weights * height * width
    assert conv.activations == channels * height * width
    assert conv.output_bytes == 4 * conv.activations
    assert conv.input_shape == layer_of(inspect("test_resnet"), "layer1.0").input_shape
    assert conv.share == pytest.approx(conv.macs / inspect("test_resnet").totals.macs)


def test_a_stage_holds_what_is_in_it(inspect):
    result = inspect("test_resnet")
    assert {layer.stage for layer in result.layers if layer.name.startswith("layer2")} == {2}
    assert layer_of(result, "layer2.0").reduction == result.feature_info[2].declared_reduction
    assert layer_of(result, "fc").stage is None


def test_stages_keep_their_modules_in_the_feature_extractor(inspect):
    result = inspect("test_convnext", features_only=True)
    assert {layer.stage for layer in result.layers} >= set(range(len(result.feature_info)))


def test_a_batch_changes_shapes_but_no_cost(inspect):
    one, four = inspect("test_vit"), inspect("test_vit", batch_size=4)
    assert four.totals == one.totals
    assert [layer.macs for layer in four.layers] == [layer.macs for layer in one.layers]
    assert four.layers[0].output_shape == (4, *one.layers[0].output_shape[1:])
    assert four.layers[0].output_bytes == 4 * one.layers[0].output_bytes


def test_totals_alone_leave_the_rest_out(inspect):
    result = inspect("test_resnet", totals_only=True)
    assert (result.layers, result.feature_info) == ([], [])
    assert result.totals == inspect("test_resnet").totals


def test_the_result_survives_json(inspect):
    result = inspect("test_efficientnet")
    assert InspectResult.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_the_result_says_what_it_was_counted_with(inspect):
    result = inspect("test_resnet", in_chans=1)
    assert result.settings["in_chans"] == 1
    assert set(result.environment) >= {"timm", "torch", "python", "explorer"}
    assert result.uncounted
    assert all(times > 0 for times in result.uncounted.values())


WISHES = [
    ({"img_size": 64}, (1, 3, 64, 64)),
    ({"in_chans": 5}, (1, 5, 160, 160)),
    ({"args": {"in_chans": 2}}, (1, 2, 160, 160)),
]


@pytest.mark.parametrize(
    ("model", "wishes", "shape"),
    [
        *((model, *wish) for model in ("test_resnet", "test_vit") for wish in WISHES),
        ("test_vit", {"args": {"img_size": 96}}, (1, 3, 96, 96)),
    ],
)
def test_the_input_is_the_one_wished_for(inspect, model, wishes, shape):
    assert inspect(model, **wishes).layers[0].input_shape == shape


def test_without_classes_the_classifier_costs_nothing(inspect):
    result = inspect("test_resnet", num_classes=0)
    assert result.num_classes == 0
    assert result.totals.params < inspect("test_resnet").totals.params


def test_a_feature_extractor_gives_several_shapes(inspect):
    result = inspect("test_resnet", features_only=True)
    shapes = result.layers[0].output_shape
    assert [shape[1] for shape in shapes] == [level.declared_channels for level in result.feature_info]


def test_fused_branches_leave_fewer_parameters(inspect):
    fused = inspect("repghostnet_050", reparam=True, totals_only=True)
    assert fused.totals.params < inspect("repghostnet_050", totals_only=True).totals.params


def test_a_recurrent_model_is_counted_once_by_the_explorers_convention(inspect):
    totals = inspect("sequencer2d_s", totals_only=True).totals
    assert totals.macs > 1.5 * totals.macs_fvcore


@pytest.mark.parametrize(
    ("model", "wishes", "said"),
    [
        pytest.param("test_vit", {"img_size": 100}, "does not take image size 100: ", id="img_size"),
        pytest.param("test_resnet", {"args": {"colour": 3}}, "takes no argument 'colour'", id="keyword"),
        pytest.param("test_resnet", {"args": {"block_args": 3}}, "block_args=3", id="value"),
        pytest.param("test_resnet", {"args": {"out_indices": [9]}, "features_only": True}, "features_only", id="index"),
    ],
)
def test_a_wish_that_is_refused_is_the_users_to_mend(inspect, model, wishes, said):
    with pytest.raises(RequestError) as caught:
        inspect(model, **wishes)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_name_comes_with_the_closest(inspect):
    with pytest.raises(UnknownName, match="resnet34"):
        inspect("resnt34")


def test_a_deprecated_name_works_with_a_notice(torch_client):
    events = []
    result = torch_client.run(InspectRequest("tv_resnet34", totals_only=True), events.append)
    assert result.model == "resnet34.tv_in1k"
    assert [e.message for e in events if isinstance(e, Log)] == ["timm calls tv_resnet34 resnet34.tv_in1k now"]


def test_progress_names_the_parts(torch_client):
    events = []
    torch_client.run(InspectRequest("test_resnet"), events.append)
    phases = [e.phase for e in events if isinstance(e, Progress) and e.phase != "import"]
    assert phases == ["build", "run", "features"]


OWN = """
from timm.models import register_model
import torch
from torch import nn

class Tied(nn.Module):
    num_classes = 7
    pretrained_cfg = {"input_size": (3, 8, 8)}

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)
        self.second.weight = self.first.weight
        self.again = self.first

    def forward(self, x):
        return {"logits": self.second(self.first(x)), "pair": (x, x)}

class NeedsData(Tied):
    def __init__(self):
        super().__init__()
        self.scale = float(torch.ones(1))

class BuiltOfData(nn.Module):
    num_classes = 7
    pretrained_cfg = {"input_size": (3, 8, 8)}

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(int(torch.full((1,), 8)), 2)

    def forward(self, x):
        return self.fc(x)

class LooksAtValues(Tied):
    def forward(self, x):
        return super().forward(x) if x.sum().item() < 1e9 else x

class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

@register_model
def own_listed(pretrained=False, **kwargs):
    return Listed()

@register_model
def own_tied(pretrained=False, **kwargs):
    return Tied()

@register_model
def own_needs_data(pretrained=False, **kwargs):
    return NeedsData()

@register_model
def own_built_of_data(pretrained=False, **kwargs):
    return BuiltOfData()

@register_model
def own_looks_at_values(pretrained=False, **kwargs):
    return LooksAtValues()

@register_model
def own_broken(pretrained=False, **kwargs):
    raise ValueError("it is broken")
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Source of models of one's own, as a request takes it."""
    file = tmp_path_factory.mktemp("own") / "own_inspected.py"
    file.write_text(OWN)
    return [["own_inspected", str(file)]]


def test_a_shared_parameter_counts_once_and_says_where_it_is(inspect, own):
    result = inspect("own_tied", extra=own)
    assert [layer.name for layer in result.layers] == ["", "first", "second"]
    assert result.totals.params == result.layers[0].params == 64
    assert [layer.own_params for layer in result.layers] == [0, 64, 64]
    assert [layer.shared_with for layer in result.layers] == [None, None, "first"]
    assert result.layers[0].output_shape == ((1, 3, 8, 8), ((1, 3, 8, 8), (1, 3, 8, 8)))
    assert result.feature_info_note == "the model declares no feature_info"


def test_a_container_that_is_never_called_costs_what_is_in_it(inspect, own):
    layers = {layer.name: layer for layer in inspect("own_listed", extra=own).layers}
    pixels = 224 * 224
    assert (layers["layers"].calls, layers["layers"].own_macs, layers["layers"].output_shape) == (0, 0, None)
    assert layers["layers"].macs == (3 * 4 + 4 * 5) * pixels == layers[""].macs
    assert (layers["layers"].activations, layers["layers"].share) == ((4 + 5) * pixels, 1.0)


@pytest.mark.parametrize("model", ["own_needs_data", "own_looks_at_values"])
def test_what_cannot_be_had_on_meta_is_had_on_the_cpu(torch_client, own, model):
    events = []
    result = torch_client.run(InspectRequest(model, extra=own), events.append)
    assert (result.device, result.built_on) == ("cpu", "cpu")
    assert result.totals.macs == 2 * 3 * 8 * 64
    assert result.totals.params == 64
    assert any("on the CPU" in e.message for e in events if isinstance(e, Log))


def test_what_cannot_be_created_on_meta_runs_there_all_the_same(inspect, own):
    result = inspect("own_built_of_data", extra=own)
    assert (result.device, result.built_on) == ("meta", "cpu")
    assert result.totals.macs == 3 * 8 * 8 * 2


def test_a_model_that_fails_as_it_is_is_no_ones_wish(inspect, own):
    with pytest.raises(Exception, match="own_broken cannot be built and run: it is broken") as caught:
        inspect("own_broken", extra=own)
    assert caught.value.exit_code == 1
