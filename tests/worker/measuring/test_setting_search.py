"""The search for the fastest settings, and two measurements in turns, on tiny models in a real worker."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from explorer.engine.client import Client
from explorer.errors import RequestError
from explorer.protocol.bench import BenchRequest, VersusRequest
from explorer.protocol.events import Event, Partial, decode_request, encode_request
from explorer.protocol.tune import TUNED, TuneRequest, TuneResult, TuneStep
from explorer.report.tuning_report import python

pytestmark = pytest.mark.xdist_group("torch")
BENCH = BenchRequest("test_vit", device="cpu", seconds=0.2, roofline=False)
QUICK = ("memory_format", "threads", "compile", "batch_size")
"""Left alone where the search itself is not what is looked at."""


@pytest.fixture(scope="module")
def found(torch_client: Client) -> tuple[TuneResult, list[TuneStep]]:
    """What a search without the slow settings found, and the steps as they were told."""
    told: list[TuneStep] = []

    def hear(event: Event) -> None:
        if isinstance(event, Partial) and isinstance(event.value, TuneStep):
            told.append(event.value)

    return torch_client.run(TuneRequest(BENCH, QUICK), hear), told


def test_values_that_suit_the_device_are_tried_and_no_others(found: tuple[TuneResult, list[TuneStep]]) -> None:
    result, told = found
    tried = [(step.setting, step.value) for step in result.steps]
    assert {("dtype", "bfloat16"), ("dtype", "amp"), ("inference_mode", False)} <= set(tried)
    assert {setting for setting, _ in tried} <= {"dtype", "fused_attn", "inference_mode"}
    assert len(tried) == len(set(tried))
    assert told == list(result.steps)


def test_outputs_are_compared_with_those_of_float32(found: tuple[TuneResult, list[TuneStep]]) -> None:
    by_value = {step.value: step.difference for step in found[0].steps}
    exact, rough = by_value[False], by_value["bfloat16"]
    assert exact is not None
    assert rough is not None
    assert exact.max_abs is not None
    assert rough.max_abs is not None
    assert exact.max_abs < rough.max_abs < 1
    assert rough.is_finite


def test_the_answer_is_never_slower_than_the_defaults(found: tuple[TuneResult, list[TuneStep]]) -> None:
    result, _ = found
    assert result.tuned.samples_per_sec >= result.baseline.samples_per_sec
    assert result.is_faster == (result.tuned != result.baseline)
    if result.is_faster:
        assert result.ratio_low > 1


def test_the_answer_survives_the_pipe_and_json(found: tuple[TuneResult, list[TuneStep]]) -> None:
    result, _ = found
    assert TuneResult.from_json(json.loads(json.dumps(result.to_json(), allow_nan=False))) == result


def test_what_is_asked_for_again_is_what_was_measured(found: tuple[TuneResult, list[TuneStep]]) -> None:
    result, _ = found
    assert (result.request.device, result.request.batch_size) == (result.tuned.device, result.tuned.batch_size)
    assert result.request.dtype == result.tuned.dtype
    for name in ("memory_format", "compile", "inference_mode"):
        assert getattr(result.request, name) == result.tuned.settings[name]


def test_a_kept_dtype_stays(torch_client: Client) -> None:
    keep = [name for name in TUNED if name != "inference_mode"]
    result = torch_client.run(TuneRequest(BENCH, keep))
    assert {step.setting for step in result.steps} == {"inference_mode"}
    assert result.tuned.dtype == "float32"


def test_no_value_is_tried_when_the_time_is_over(torch_client: Client) -> None:
    notes: list[Any] = []
    result = torch_client.run(TuneRequest(BENCH, limit_seconds=1e-6), notes.append)
    assert (list(result.steps), result.is_faster, result.rounds) == ([], False, 0)
    assert any("nothing is tried from memory_format on" in getattr(note, "message", "") for note in notes)


def test_settings_that_cannot_be_begun_with_are_an_error(torch_client: Client) -> None:
    with pytest.raises(RequestError, match="tf32"):
        torch_client.run(TuneRequest(replace(BENCH, dtype="tf32")))


@pytest.mark.parametrize(
    "wishes",
    [
        {"dtype": "bfloat16", "memory_format": "channels_last", "threads": 1, "fused_attn": False},
        {"dtype": "amp", "inference_mode": False, "img_size": 64, "num_classes": 7, "batch_size": 2},
        {"train": True, "batch_size": 2},
    ],
    ids=["half", "amp", "train"],
)
def test_the_python_runs_the_model_the_same_way(torch_client: Client, wishes: dict[str, Any]) -> None:
    request = replace(BENCH, model="test_resnet", **wishes)
    result = torch_client.run(request)
    model_args = {"num_classes": wishes["num_classes"]} if "num_classes" in wishes else {}
    import torch

    threads = torch.get_num_threads()
    names: dict[str, Any] = {}
    exec(python(request, result, model_args), names)
    torch.set_num_threads(threads)
    names["timm"].layers.set_fused_attn(True)
    assert names["output"].shape == (result.batch_size, wishes.get("num_classes", 1000))
    expected = {"float32": torch.float32}.get(result.dtype, torch.bfloat16)
    assert names["output"].dtype is expected
    assert names["images"].shape[2:] == (result.img_size, result.img_size)


# two in turns


def test_two_models_are_measured_alone_and_in_turns(torch_client: Client) -> None:
    other = replace(BENCH, model="test_resnet", threads=1)
    result = torch_client.run(VersusRequest(BENCH, other, 0.3))
    assert (result.a.model.split(".")[0], result.b.model.split(".")[0]) == ("test_vit", "test_resnet")
    assert result.b.settings["threads"] == 1
    assert result.ratio_low <= result.ratio <= result.ratio_high
    assert result.rounds >= 6


# pieces


def test_a_request_survives_the_pipe() -> None:
    request = TuneRequest(replace(BENCH, args={"drop_rate": 0.1}), ["dtype"], 5.0)
    assert decode_request(encode_request(request)) == request


@pytest.mark.parametrize(
    "wishes",
    [{"keep": ["colour"]}, {"limit_seconds": 0}, {"bench": "resnet34"}],
    ids=["setting", "limit", "bench"],
)
def test_a_search_that_makes_no_sense_is_refused(wishes: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        TuneRequest(**{"bench": BENCH, **wishes})


CUDA = {
    "memory_format": ["channels_last"],
    "dtype": ["bfloat16", "float16", "amp"],
    "fused_attn": [False],
    "cudnn_benchmark": [False],
    "threads": [],
    "inference_mode": [False],
    "compile": ["default", "reduce-overhead", "max-autotune"],
    "cuda_graphs": [True],
}
TRAINING = CUDA | {"dtype": ["amp"], "inference_mode": [], "cuda_graphs": []}
CPU = CUDA | {"dtype": ["bfloat16", "amp"], "cudnn_benchmark": [], "compile": ["default"], "cuda_graphs": []}


@pytest.mark.parametrize(
    ("device", "train", "expected"),
    [("cuda:0", False, CUDA), ("cuda:0", True, TRAINING), ("cpu", False, CPU)],
    ids=["cuda", "training", "cpu"],
)
def test_each_device_has_values_of_its_own(device: str, train: bool, expected: dict[str, list[Any]]) -> None:
    import torch

    from explorer.worker.measuring.setting_search import candidates

    block = torch.nn.Module()
    block.fused_attn = True
    dtype = "float32" if device == "cpu" else "tf32"
    request = replace(BENCH, device=device, train=train, dtype=dtype, fused_attn=True, cudnn_benchmark=True, threads=3)
    best: Any = SimpleNamespace(request=request, device=torch.device(device), model=torch.nn.Sequential(block))
    for setting, values in expected.items():
        if (setting, device) != ("threads", "cpu"):
            assert candidates(setting, best) == values
    assert all(count >= 1 for count in candidates("threads", best))
