"""What the real worker says flows through a model, held against hooks on a forward pass of real images on the CPU."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from explorer.diagram.style import Flow
from explorer.diagram.view import View
from explorer.diagram.views.flow_view import architecture, dataflow
from explorer.engine.client import Client
from explorer.engine.process import worker_environment
from explorer.errors import RequestError, UnknownName
from explorer.protocol.events import Log
from explorer.protocol.flow import FlowRequest, FlowResult
from explorer.protocol.inspect import InspectRequest
from explorer.report.wording import dimensions

pytestmark = pytest.mark.xdist_group("torch")

MODELS = [
    "test_resnet",
    "test_vit",
    "test_efficientnet",
    "test_convnext",
    "test_byobnet",
    "test_nfnet",
    "densenet121",
    "swin_tiny_patch4_window7_224",
    "inception_v3",
    "sequencer2d_s",
]

HOOKED = """
import json, sys, warnings
warnings.simplefilter("ignore")
import timm, torch
from torch.overrides import TorchFunctionMode
torch.set_num_threads(1)

class Additions(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func.__name__ in ("add", "add_", "__iadd__", "__radd__") and isinstance(out, torch.Tensor):
            added.append([writers.get(id(x), (None,))[0] for x in args if isinstance(x, torch.Tensor)])
            writers[id(out)] = "+", out
        return out

def shapes(value):
    if isinstance(value, torch.Tensor):
        return [list(value.shape)]
    if isinstance(value, dict):
        value = value.values()
    return [shape for item in value for shape in shapes(item)] if hasattr(value, "__iter__") else []

for name in sys.argv[1:]:
    model = timm.create_model(name).eval()
    seen, passed, added, writers, versions = {}, [], [], {}, {}
    for path, module in model.named_modules():
        def before(module, args, path=path):
            if args and isinstance(args[0], torch.Tensor):
                versions[path] = args[0]._version
                versions[path, "giver"] = writers.get(id(args[0]), (None,))[0]
        def hook(module, args, kwargs, output, path=path):
            seen.setdefault(path, []).append([shapes((args, tuple(kwargs.values()))), shapes(output)])
            if list(module.children()) or not isinstance(output, torch.Tensor):
                return
            if args and output is args[0] and versions[path] == output._version:
                return
            writers[id(output)] = path, output
            if versions.get((path, "giver")):
                passed.append([versions[path, "giver"], path])
        module.register_forward_pre_hook(before)
        module.register_forward_hook(hook, with_kwargs=True)
    size = timm.data.resolve_model_data_config(model)["input_size"]
    with torch.no_grad(), Additions():
        model(torch.randn(1, *size))
    print(json.dumps([name, [seen, passed, added]]))
"""
"""Watches each model from outside: its modules' shapes, which module was given the very tensor that another gave, and
what gave the tensors that were added. In a view nothing tells whose a tensor is, so there nothing is known."""

Hooked = dict[str, list[list[list[list[int]]]]]
"""Of every module that ran, by path: of each call the shapes it was given and those it gave."""


@pytest.fixture(scope="module")
def watched() -> dict[str, Any]:
    command = [sys.executable, "-P", "-c", HOOKED, *MODELS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=worker_environment(), timeout=300)
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.fixture(scope="module")
def hooked(watched: dict[str, Any]) -> dict[str, Hooked]:
    return {name: seen for name, (seen, _, _) in watched.items()}


@pytest.fixture(scope="module")
def flows(torch_client: Client) -> dict[str, FlowResult]:
    return {name: torch_client.run(FlowRequest(name)) for name in MODELS}


def views(flow: FlowResult) -> Iterator[View]:
    yield architecture(flow)
    yield architecture(flow, nodes=12)
    yield dataflow(flow)
    yield dataflow(flow, depth=20, nodes=2000)
    yield dataflow(flow, level="operator")


@pytest.mark.parametrize("name", MODELS)
def test_the_modules_that_ran_are_those_that_hooks_saw(
    name: str, flows: dict[str, FlowResult], hooked: dict[str, Hooked]
) -> None:
    assert {module.path for module in flows[name].modules} == hooked[name].keys()


@pytest.mark.parametrize("name", MODELS)
def test_shapes_of_every_call_are_those_of_real_images(
    name: str, flows: dict[str, FlowResult], hooked: dict[str, Hooked]
) -> None:
    flow = flows[name]
    calls: dict[str, list[Any]] = {}
    for call in flow.calls:
        calls.setdefault(flow.modules[call.module].path, []).append(call)
    for path, rows in calls.items():
        assert len(rows) == len(hooked[name][path])
        for call, (taken, given) in zip(rows, hooked[name][path], strict=True):
            assert {tensor.shape for tensor in call.outputs} <= {tuple(shape) for shape in given}, path
            assert {tensor.shape for tensor in call.inputs} <= {tuple(shape) for shape in taken}, path
            assert bool(call.outputs) == bool(given), path


@pytest.mark.parametrize("name", MODELS)
def test_every_module_that_ran_is_in_every_view(
    name: str, flows: dict[str, FlowResult], hooked: dict[str, Hooked]
) -> None:
    ran = {path or flows[name].modules[0].class_name for path in hooked[name]}
    for view in views(flows[name]):
        assert {member for shown in (*view.nodes, *view.groups) for member in shown.members} == ran


@pytest.mark.parametrize("name", MODELS)
def test_what_an_arrow_says_a_layer_gives_is_what_hooks_saw_it_give(
    name: str, flows: dict[str, FlowResult], hooked: dict[str, Hooked]
) -> None:
    for view in views(flows[name]):
        for edge in view.edges:
            path = edge.source.removeprefix("layer:")
            if edge.source.startswith("layer:") and path in hooked[name]:
                given = {dimensions(shape, 1) for _, shapes in hooked[name][path] for shape in shapes}
                assert edge.tooltip.partition(f"{edge.target} ")[2].partition(",")[0] in given


@pytest.mark.parametrize("name", MODELS)
def test_residuals_join_branches_and_nothing_is_taken_before_it_is_given(
    name: str, flows: dict[str, FlowResult]
) -> None:
    for view in views(flows[name]):
        order = {node.id: place for place, node in enumerate(view.nodes)}
        sources: dict[str, set[str]] = {}
        for edge in view.edges:
            assert order[edge.source] < order[edge.target]
            sources.setdefault(edge.target, set()).add(edge.source)
        for edge in view.edges:
            if edge.kind is Flow.RESIDUAL:
                assert len(sources[edge.target]) > 1


@pytest.mark.parametrize("name", MODELS)
def test_an_arrow_joins_every_two_layers_of_which_one_was_given_what_the_other_gave(
    name: str, flows: dict[str, FlowResult], watched: dict[str, Any]
) -> None:
    view = dataflow(flows[name], depth=20, nodes=2000)
    boxes = {member: node.id for node in view.nodes for member in node.members}
    edges = {(edge.source, edge.target) for edge in view.edges}
    pairs = {(boxes[a], boxes[b]) for a, b in watched[name][1] if a in boxes and b in boxes}
    assert pairs
    assert {pair for pair in pairs if pair[0] != pair[1]} <= edges


@pytest.mark.parametrize("name", MODELS)
def test_every_addition_takes_from_the_layers_whose_tensors_were_added(
    name: str, flows: dict[str, FlowResult], watched: dict[str, Any]
) -> None:
    flow = flows[name]
    origins = ["+" if o.name == "add" else flow.modules[flow.calls[o.call].module].path for o in flow.operators]
    taken = [{origins[t.source] for t in o.inputs if t.source >= 0} for o in flow.operators if o.name == "add"]
    assert len(taken) == len(watched[name][2])
    for found, expected in zip(taken, watched[name][2], strict=True):
        assert set(filter(None, expected)) <= found


def test_a_residual_block_adds_its_input_to_its_last_norm(flows: dict[str, FlowResult]) -> None:
    flow = flows["test_resnet"]
    paths = [flow.modules[flow.calls[operator.call].module].path for operator in flow.operators]
    (addition, *_) = [o for o, row in zip(range(len(paths)), flow.operators, strict=True) if row.name == "add"]
    block = paths[addition]
    sources = sorted(paths[tensor.source] for tensor in flow.operators[addition].inputs)
    assert block == "layer1.0"
    assert len(sources) == 2
    assert any(path.startswith("layer1.0.") for path in sources)


@pytest.mark.parametrize("name", MODELS)
def test_macs_are_those_of_inspecting(name: str, flows: dict[str, FlowResult], torch_client: Client) -> None:
    totals = torch_client.run(InspectRequest(name, totals_only=True)).totals
    assert sum(operator.macs for operator in flows[name].operators) == totals.macs
    assert flows[name].modules[0].params == totals.params


def test_a_result_is_the_same_after_the_pipe(flows: dict[str, FlowResult]) -> None:
    flow = flows["test_vit"]
    assert FlowResult.from_json(json.loads(json.dumps(flow.to_json()))) == flow


def test_wishes_reach_the_model(torch_client: Client) -> None:
    flow = torch_client.run(FlowRequest("test_resnet", in_chans=1, num_classes=7, img_size=64))
    assert flow.inputs == [(1, 1, 64, 64)]
    assert [tensor.shape for tensor in flow.outputs] == [(1, 7)]


def test_a_feature_extractor_gives_all_its_levels(torch_client: Client) -> None:
    flow = torch_client.run(FlowRequest("test_resnet", features_only=True))
    assert len(flow.outputs) == len(flow.levels) == 5
    assert len([node for node in architecture(flow).nodes if node.id.startswith("tensor:output")]) == 5


def test_an_unknown_name_gets_the_closest(torch_client: Client) -> None:
    with pytest.raises(UnknownName) as caught:
        torch_client.run(FlowRequest("test_resnt"))
    assert "test_resnet" in caught.value.hint


def test_a_wish_that_the_model_refuses_is_the_users_mistake(torch_client: Client) -> None:
    with pytest.raises(RequestError):
        torch_client.run(FlowRequest("test_resnet", args={"no_such_argument": 1}))


def test_nothing_is_said_but_progress_where_all_goes_well(torch_client: Client) -> None:
    events: list[Any] = []
    torch_client.run(FlowRequest("test_resnet"), events.append)
    assert not [event for event in events if isinstance(event, Log)]
