"""The real worker on real models: small ones, for tenths of a second."""

import json

import pytest

from explorer.engine.protocol import BenchRequest, Log, Partial, Progress
from explorer.errors import OutOfMemory, RequestError, UnknownName

pytestmark = pytest.mark.xdist_group("torch")

SECONDS = 0.2


def measure(client, model="test_resnet.r160_in1k", seconds=SECONDS, device="cpu", **wishes):
    return client.run(BenchRequest(model, seconds=seconds, device=device, **wishes))


def log_of(client, model, device="cpu"):
    events = []
    result = client.run(BenchRequest(model, seconds=0.01, device=device), events.append)
    return result, [e.message for e in events if isinstance(e, Log)]


@pytest.fixture(scope="module")
def measured(torch_client):
    """One measurement and the events before it, long enough to be reported on."""
    events = []
    request = BenchRequest("test_resnet.r160_in1k", device="cpu", batch_size=3, seconds=0.8)
    return torch_client.run(request, events.append), events


def test_the_figures_agree_with_each_other(measured):
    result, _ = measured
    latency = result.latency_ms
    assert 0 < latency.min <= latency.p50 <= latency.p90 <= latency.p99 <= latency.max
    assert latency.min <= latency.mean <= latency.max
    assert result.iterations >= 5
    assert result.warmup_iterations >= 2
    assert result.measured_seconds >= 0.8
    assert result.measured_seconds == pytest.approx(result.iterations * latency.mean / 1000)
    assert result.samples_per_sec == pytest.approx(3 * result.iterations / result.measured_seconds)


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
    assert result.settings["memory_format"] == "contiguous_format"
    assert result.settings["threads"] >= 1
    for fact in ("platform", "cpu", "device_name", "python", "torch", "timm", "explorer", "threads"):
        assert result.environment[fact]
    assert json.loads(json.dumps(result.to_json()))["latency_ms"]["p50"] == result.latency_ms.p50


def test_memory_is_a_peak_above_what_there_was(measured):
    result, _ = measured
    assert result.memory_kind in ("peak_rss", "peak_rss_since_start")
    assert result.memory_bytes > 100 << 20
    assert result.memory_before_bytes is None or result.memory_bytes >= result.memory_before_bytes


def test_progress_leads_up_to_the_result(measured):
    result, events = measured
    phases = [e.phase for e in events if isinstance(e, Progress)]
    assert list(dict.fromkeys(p for p in phases if p != "import")) == ["build", "warm-up", "measure"]
    fractions = [e.fraction for e in events if isinstance(e, Progress) and e.fraction is not None]
    assert fractions == sorted(fractions)
    assert all(0 <= f <= 1 for f in fractions)
    partials = [e.value for e in events if isinstance(e, Partial)]
    assert 1 <= len(partials) <= 8
    assert all(0 < p.iterations <= result.iterations and p.latency_p50_ms > 0 for p in partials)


def test_a_batch_is_one_image_on_the_cpu_unless_said_otherwise(torch_client):
    assert measure(torch_client).batch_size == 1


def test_a_slow_model_gets_its_five_iterations(torch_client):
    result = measure(torch_client, seconds=1e-6)
    assert (result.iterations, result.warmup_iterations) == (5, 2)


@pytest.mark.parametrize(("model", "img_size"), [("test_resnet", 64), ("test_vit", 96)])
def test_an_image_size_of_ones_own(torch_client, model, img_size):
    """One model takes any size, the other is built for the one it gets."""
    assert measure(torch_client, model, img_size=img_size).img_size == img_size


def test_an_image_size_the_model_refuses_is_told_in_its_own_words(torch_client):
    with pytest.raises(RequestError, match=r"does not take image size 100: .*divisible by patch size"):
        measure(torch_client, "test_vit", img_size=100)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_other_dtypes(torch_client, dtype):
    assert measure(torch_client, "test_vit", dtype=dtype, seconds=0.01).dtype == dtype


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
        measure(torch_client, batch_size=10**9)
    with pytest.raises(OutOfMemory):
        measure(torch_client, batch_size=10**30)
    assert measure(torch_client).iterations >= 5


def test_the_device_is_chosen_with_a_notice(torch_client):
    result, log = log_of(torch_client, "test_resnet", device=None)
    if result.device == "cpu":
        assert log == ["no CUDA device here, using the CPU"]
    else:
        assert (log, result.batch_size, result.memory_kind) == ([], 64, "cuda_max_allocated")


def test_a_device_that_is_not_there(torch_client):
    with pytest.raises(RequestError, match=r"CUDA|cuda:99"):
        measure(torch_client, device="cuda:99")
