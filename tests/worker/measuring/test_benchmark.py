"""The real worker on real models: small ones, for tenths of a second."""

import json

import pytest

from explorer.errors import OutOfMemory, RequestError, UnknownName
from explorer.protocol.bench import BenchRequest, VersusRequest
from explorer.protocol.events import Log, Partial, Progress

pytestmark = pytest.mark.xdist_group("torch")

SECONDS = 0.1
SGD = "SGD(lr=0.0001, momentum=0.9, nesterov=True, weight_decay=0.0)"


def measure(client, model="test_resnet.r160_in1k", on_event=None, **wishes):
    # One thread: other work on the machine then costs time, not the threads' waiting for each other.
    given = {"seconds": SECONDS, "iterations": 3, "device": "cpu", "threads": 1, "roofline": False, **wishes}
    return client.run(BenchRequest(model, **given), on_event)


def log_of(client, model, **wishes):
    events = []
    result = measure(client, model, events.append, seconds=0.01, **wishes)
    return result, [e.message for e in events if isinstance(e, Log)]


@pytest.fixture(scope="module")
def measured(torch_client):
    """One measurement with all there is to it and the events before it, long enough to be reported on."""
    events = []
    result = measure(torch_client, on_event=events.append, batch_size=3, seconds=0.8, iterations=6, roofline=True)
    return result, events


def test_the_figures_agree_with_each_other(measured):
    result, _ = measured
    latency = result.latency_ms
    assert 0 < latency.min <= latency.p50 <= latency.p90 <= latency.p99 <= latency.max
    assert latency.min <= latency.mean <= latency.max
    assert latency.min <= latency.p50_low <= latency.p50 <= latency.p50_high <= latency.max
    assert result.iterations >= 6
    assert result.warmup_iterations >= 3
    assert min(result.measured_seconds, result.throughput_seconds) >= 0.4
    assert result.measured_seconds == pytest.approx(result.iterations * latency.mean / 1000)
    assert result.samples_per_sec == pytest.approx(3 * result.throughput_iterations / result.throughput_seconds)


def test_the_share_of_the_ceiling_is_of_two_operations_a_mac(measured):
    result, _ = measured
    roofline = result.roofline
    assert (result.macs, result.macs_fvcore, result.activations) == (102_547_200, 103_828_000, 640_200)
    assert roofline.achieved_tflops == pytest.approx(2 * result.macs * result.samples_per_sec / 1e12)
    assert roofline.share == pytest.approx(roofline.achieved_tflops / roofline.matmul_tflops)
    assert roofline.copy_gb_per_sec > 0


def test_on_the_cpu_there_is_no_figure_of_a_gpu(measured):
    result, _ = measured
    assert (result.gpu, result.latency_cuda_ms, result.samples_per_sec_cuda) == (None, None, None)


def test_the_model_is_the_one_asked_for(measured):
    result, _ = measured
    assert result.model == "test_resnet.r160_in1k"
    assert (result.batch_size, result.in_chans, result.img_size) == (3, 3, 160)
    assert result.param_count == 469_688
    assert (result.device, result.dtype) == ("cpu", "float32")


def test_the_result_says_what_it_was_measured_with(measured):
    result, _ = measured
    assert result.settings["pretrained"] is False
    assert result.settings["inference_mode"] is True
    assert result.settings["optimizer"] is None
    asked = set(BenchRequest.__struct_fields__) - {"model"}
    assert asked <= result.settings.keys()
    for fact in ("platform", "cpu", "device_name", "python", "torch", "timm", "explorer", "threads"):
        assert result.environment[fact]
    assert json.loads(json.dumps(result.to_json()))["latency_ms"]["p50"] == result.latency_ms.p50


def test_what_is_left_open_is_chosen_and_told(torch_client):
    settings = measure(torch_client, threads=None).settings
    assert (settings["batch_size"], settings["dtype"], settings["memory_format"]) == (1, "float32", "contiguous")
    assert (settings["compile"], settings["cuda_graphs"], settings["cudnn_benchmark"]) == ("off", False, False)
    assert settings["threads"] >= 1
    assert settings["float32_matmul_precision"] == "highest"


def test_settings_are_taken_and_put_back(torch_client):
    usual = measure(torch_client, threads=None).settings
    wishes = {"threads": 3, "memory_format": "channels_last", "inference_mode": False, "fused_attn": False}
    other = measure(torch_client, cudnn_benchmark=True, **wishes).settings
    assert {name: other[name] for name in (*wishes, "cudnn_benchmark")} == {**wishes, "cudnn_benchmark": True}
    assert measure(torch_client, threads=None).settings == usual


def test_memory_is_a_peak_above_what_there_was(measured):
    result, _ = measured
    assert result.memory_kind in ("peak_rss", "peak_rss_since_start")
    assert result.memory_bytes > 100 << 20
    assert result.memory_before_bytes is None or result.memory_bytes >= result.memory_before_bytes


def test_progress_leads_up_to_the_result(measured):
    result, events = measured
    phases = [e.phase for e in events if isinstance(e, Progress)]
    assert list(dict.fromkeys(p for p in phases if p != "import")) == [
        "build",
        "warm-up",
        "measure",
        "count",
        "roofline",
    ]
    fractions = [e.fraction for e in events if isinstance(e, Progress) and e.fraction is not None]
    assert fractions == sorted(fractions)
    assert all(0 <= f <= 1 for f in fractions)
    partials = [e.value for e in events if isinstance(e, Partial)]
    assert 1 <= len(partials) <= 8
    most = max(result.iterations, result.throughput_iterations)
    assert all(0 < p.iterations <= most and p.latency_p50_ms > 0 and p.samples_per_sec > 0 for p in partials)


def test_a_batch_is_one_image_on_the_cpu_unless_said_otherwise(torch_client):
    assert measure(torch_client).batch_size == 1


def test_a_slow_model_gets_its_iterations(torch_client):
    result = measure(torch_client, seconds=1e-6, iterations=5)
    assert (result.iterations, result.throughput_iterations, result.warmup_iterations) == (5, 3, 3)


@pytest.mark.parametrize(("model", "img_size"), [("test_resnet", 64), ("test_vit", 96)])
def test_an_image_size_of_ones_own(torch_client, model, img_size):
    """One model takes any size, the other is built for the one it gets."""
    assert measure(torch_client, model, img_size=img_size).img_size == img_size


def test_an_image_size_the_model_refuses_is_told_in_its_own_words(torch_client):
    with pytest.raises(RequestError, match=r"does not take image size 100: .*divisible by patch size"):
        measure(torch_client, "test_vit", img_size=100)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "amp"])
def test_other_dtypes(torch_client, dtype):
    result = measure(torch_client, "test_vit", dtype=dtype, seconds=0.01)
    assert (result.dtype, result.settings["amp_dtype"]) == (dtype, "bfloat16" if dtype == "amp" else None)


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"dtype": "tf32"}, "tf32 is for CUDA, not for cpu.*float32"),
        ({"cuda_graphs": True}, "CUDA graphs are for CUDA, not for cpu.*--cuda-graphs"),
    ],
    ids=["tf32", "graphs"],
)
def test_what_needs_cuda_is_refused_on_the_cpu(torch_client, wishes, said):
    with pytest.raises(RequestError, match=said):
        measure(torch_client, **wishes)


def test_the_model_is_built_as_asked(torch_client):
    result = measure(torch_client, "test_resnet", in_chans=1, num_classes=0, args={"drop_rate": 0.1}, seconds=0.01)
    assert (result.in_chans, result.settings["num_classes"], result.settings["args"]) == (1, 0, {"drop_rate": 0.1})
    assert result.param_count < 469_688
    with pytest.raises(RequestError, match="takes no argument 'colour'"):
        measure(torch_client, args={"colour": 1})


def test_a_training_step_and_its_parts(torch_client):
    result = measure(torch_client, train=True, batch_size=4, roofline=True)
    assert (result.mode, result.settings["mode"], result.settings["inference_mode"]) == ("train", "train", False)
    assert min(result.train.forward_ms.min, result.train.backward_ms.min, result.train.optimizer_ms.min) > 0
    assert result.train.optimizer == result.settings["optimizer"] == SGD
    assert result.settings["loss"] == "cross-entropy, random labels"
    assert result.samples_per_sec == pytest.approx(4 * result.throughput_iterations / result.throughput_seconds)
    assert result.roofline.achieved_tflops == pytest.approx(6 * result.macs * result.samples_per_sec / 1e12)


def test_a_model_without_classes_trains_against_a_random_target(torch_client):
    result = measure(torch_client, "test_vit", train=True, batch_size=2, args={"num_classes": 0, "global_pool": ""})
    assert result.settings["loss"] == "mean squared error, random target"


def test_one_image_is_too_few_for_batch_norm(torch_client):
    with pytest.raises(RequestError, match=r"1 image a batch.*raise --batch-size"):
        measure(torch_client, "test_efficientnet", img_size=32, train=True, batch_size=1)


def test_two_models_in_turns(torch_client):
    events = []
    sides = [
        BenchRequest("test_resnet", device="cpu", threads=n, seconds=0.05, iterations=2, roofline=False) for n in (1, 2)
    ]
    result = torch_client.run(VersusRequest(*sides, seconds=0.3), events.append)
    assert (result.a.settings["threads"], result.b.settings["threads"]) == (1, 2)
    assert 0 < result.ratio_low <= result.ratio <= result.ratio_high
    assert result.rounds >= 6
    assert any(isinstance(e, Progress) and e.phase == "versus" for e in events)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("resnt34", "no model 'resnt34' .*resnet34"),
        ("RESNET34", "no model 'RESNET34' .*resnet34"),
        ("resnet34.a1_in2k", "no weights 'resnet34.a1_in2k' .*resnet34.a1_in1k"),
    ],
)
def test_an_unknown_name_comes_with_the_closest(torch_client, model, said):
    with pytest.raises(UnknownName, match=said):
        measure(torch_client, model)


@pytest.mark.parametrize("model", ["timm/resnet34", "ftp:resnet34", "local-dir:/nowhere"])
def test_a_source_that_is_none(torch_client, model):
    with pytest.raises(RequestError) as caught:
        measure(torch_client, model)
    assert caught.value.exit_code == 2


def test_a_deprecated_name_works_with_a_notice(torch_client):
    result, log = log_of(torch_client, "tv_resnet34")
    assert result.model == "resnet34.tv_in1k"
    assert log == ["timm calls tv_resnet34 resnet34.tv_in1k now"]


def test_a_model_folder(torch_client, tmp_path):
    cfg = {"input_size": [3, 96, 96], "fixed_input_size": True, "num_classes": 10}
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "test_vit", "pretrained_cfg": cfg}))
    assert measure(torch_client, f"local-dir:{tmp_path}").img_size == 96
    assert measure(torch_client, f"local-dir:{tmp_path}", img_size=64).img_size == 64


def test_no_memory_for_the_batch(torch_client):
    with pytest.raises(OutOfMemory, match=r"batch size 1000000000.*lower --batch-size"):
        measure(torch_client, batch_size=10**9, backoff=False)
    with pytest.raises(OutOfMemory):
        measure(torch_client, batch_size=2**31 - 1, backoff=False)  # more is refused before it is tried
    assert measure(torch_client).iterations >= 3


def test_the_device_is_chosen_with_a_notice(torch_client):
    result, log = log_of(torch_client, "test_resnet", device=None)
    if result.device == "cpu":
        assert log == ["no CUDA device here, using the CPU"]
    else:
        assert (log, result.batch_size, result.memory_kind) == ([], 256, "cuda_max_allocated")


def test_a_device_that_is_not_there(torch_client):
    with pytest.raises(RequestError, match=r"CUDA|cuda:99"):
        measure(torch_client, device="cuda:99")
