"""Models made ready in this very process: what the settings come to, what is freed, what runs out."""

import gc
import os
import shutil
import weakref
from pathlib import Path

import pytest
import torch
from timm.layers import use_fused_attn

from explorer.errors import EngineError, OutOfMemory, RequestError
from explorer.protocol.bench import BenchRequest
from explorer.protocol.events import Log
from explorer.worker.hardware import memory
from explorer.worker.measuring import benchmark, prepared, prepared_model, run
from explorer.worker.measuring.passes import images

CPU = torch.device("cpu")
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler here")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")

OWN = """
from torch import nn
from timm.models import build_model_with_cfg, register_model

class {name}Net(nn.Module):
    def __init__(self, num_classes=10, **kwargs):
        super().__init__()
        self.num_classes = self.num_features = num_classes
        self.conv = nn.Conv2d(3, 4, 7, stride=7)
        self.fc = nn.Linear(4, num_classes)
    def forward(self, x):
        return self.fc(self.conv(x).relu().mean((2, 3)))

@register_model
def {name}(pretrained=False, **kwargs):
    return build_model_with_cfg({name}Net, '{name}', pretrained, **kwargs)
"""


def request(model="test_resnet", **wishes):
    given = {"seconds": 0.02, "iterations": 2, "device": "cpu", "threads": 1, "roofline": False, **wishes}
    return BenchRequest(model, **given)


def ignore(event):
    """What is told meanwhile is not looked at."""


def switches():
    backends = torch.backends
    return (
        torch.get_num_threads(),
        torch.get_float32_matmul_precision(),
        backends.cudnn.benchmark,
        use_fused_attn(),
        torch.is_inference_mode_enabled(),
        torch.is_grad_enabled(),
        os.environ.get("TORCHINDUCTOR_CACHE_DIR"),
    )


def test_the_switches_are_set_inside_and_put_back_outside():
    before = switches()
    wishes = request(threads=3, cudnn_benchmark=True, fused_attn=not use_fused_attn(), inference_mode=False)
    with prepared(wishes, ignore) as one:
        assert switches() == before
        with one.settings():
            assert switches() == (3, "highest", True, not before[3], False, False, before[6])
        assert switches() == before
    assert switches() == before


def test_a_failure_puts_the_switches_back_too():
    before = switches()
    with pytest.raises(RequestError), prepared(request("test_vit", img_size=100, threads=3), ignore):
        pass
    assert switches() == before


def test_passes_run_in_inference_mode_unless_told_otherwise():
    for wished in (True, False):
        with prepared(request(inference_mode=wished), ignore) as one, one.settings():
            assert one.clock.run().is_inference() is wished


def test_weights_and_images_are_as_asked():
    with prepared(request(dtype="bfloat16", memory_format="channels_last", batch_size=2), ignore) as one:
        weight = next(p for p in one.model.parameters() if p.ndim == 4)
        assert weight.dtype == one.dtype == torch.bfloat16
        assert weight.is_contiguous(memory_format=torch.channels_last)
        assert one.clock.run.args[0].is_contiguous(memory_format=torch.channels_last)
        assert one.clock.run.args[0].dtype == torch.bfloat16


def test_every_open_setting_is_chosen():
    with prepared(BenchRequest("test_resnet", device="cpu", seconds=0.01), ignore) as one:
        whole = one.request
        assert (whole.batch_size, whole.device, whole.dtype) == (1, "cpu", "float32")
        assert None not in (whole.threads, whole.fused_attn, whole.cudnn_benchmark)


def test_outputs_are_the_same_for_the_same_weights_and_images():
    found = {}
    for name, wishes in {"once": {}, "again": {}, "batch": {"batch_size": 3}, "half": {"dtype": "bfloat16"}}.items():
        with prepared(request(**wishes), ignore) as one:
            (found[name],) = one.outputs()
            assert found[name].dtype == torch.float32
    assert torch.equal(found["once"], found["again"])
    torch.testing.assert_close(found["batch"][:1], found["once"], rtol=1e-4, atol=1e-5)
    assert 0 < (found["half"] - found["once"]).abs().max() < 0.2


def test_outputs_before_training_are_those_of_the_model_as_it_is_used():
    with (
        prepared(request(train=True, batch_size=2), ignore) as trained,
        prepared(request(batch_size=2), ignore) as used,
    ):
        assert torch.equal(trained.outputs()[0], used.outputs()[0])


def test_a_training_step_changes_the_weights():
    with prepared(request(train=True, batch_size=2), ignore) as one:
        before = [p.detach().clone() for p in one.model.parameters()]
        with one.settings():
            assert one.block(1) > 0
            assert min(one.step.parts(lambda: None)) > 0
        assert one.model.training
        assert any(not torch.equal(a, b) for a, b in zip(before, one.model.parameters(), strict=True))


def test_nothing_of_the_model_is_left_afterwards():
    with prepared(request(), ignore) as one:
        kept = weakref.ref(one.model)
    gc.collect()
    assert kept() is None


def failing_above(limit, error):
    def images_or_not(batch_size, *rest):
        if batch_size > limit:
            raise error
        return images(batch_size, *rest)

    return images_or_not


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory."), MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator")],
    ids=["cuda", "python", "cpu"],
)
def test_the_batch_is_halved_until_it_fits(monkeypatch, error):
    monkeypatch.setattr(prepared_model, "images", failing_above(3, error))
    logs = []
    result = run(request(batch_size=12), lambda e: logs.append(e.message) if isinstance(e, Log) else None)
    assert (result.batch_size, result.batch_size_requested) == (3, 12)
    assert result.settings["batch_size"] == 3
    assert logs == [
        "test_resnet at batch size 12 runs out of memory on cpu, trying 6",
        "test_resnet at batch size 6 runs out of memory on cpu, trying 3",
    ]


def test_the_batch_is_halved_where_memory_runs_out_only_later(monkeypatch):
    whole = benchmark._timed

    def timed(one, emit):
        if one.batch_size > 2:
            raise MemoryError
        return whole(one, emit)

    monkeypatch.setattr(benchmark, "_timed", timed)
    result = run(request(batch_size=4), ignore)
    assert (result.batch_size, result.batch_size_requested) == (2, 4)


@pytest.mark.parametrize(("batch_size", "backoff"), [(4, False), (1, True)])
def test_without_a_smaller_batch_it_is_an_error(monkeypatch, batch_size, backoff):
    monkeypatch.setattr(prepared_model, "images", failing_above(0, MemoryError()))
    with pytest.raises(OutOfMemory, match=f"batch size {batch_size} runs out of memory"):
        run(request(batch_size=batch_size, backoff=backoff), ignore)


@pytest.mark.parametrize("error", [ValueError("bad shape"), RuntimeError("could not create a primitive")])
def test_another_error_halves_nothing(monkeypatch, error):
    tried = []

    def images_never(batch_size, *rest):
        tried.append(batch_size)
        raise error

    monkeypatch.setattr(prepared_model, "images", images_never)
    with pytest.raises(EngineError, match=str(error)):
        run(request(batch_size=8), ignore)
    assert tried == [8]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells what memory is left")
def test_too_little_memory_of_the_machine_is_an_error_not_the_end(monkeypatch):
    monkeypatch.setattr(memory, "_limit_bytes", lambda: memory.held_bytes() + (60 << 20))
    logs = []
    result = run(request(batch_size=10**9), lambda e: logs.append(e) if isinstance(e, Log) else None)
    assert 1 <= result.batch_size < 500
    assert result.batch_size_requested == 10**9
    assert len(logs) < 8
    assert not memory.is_short()


def own(tmp_path, name):
    path = tmp_path / f"{name}.py"
    path.write_text(OWN.format(name=name))
    return ((name, str(path)),)


@needs_compiler
def test_compiling_is_told_cold_and_warm_and_leaves_nothing(tmp_path, monkeypatch):
    from torch._inductor import config

    # Trying out vector instructions and compiling headers ahead take longer than all the rest.
    quick = {"cpp.simdlen": 1, "cpp_cache_precompile_headers": False}
    quick = {name: value for name, value in quick.items() if "." in name or hasattr(config, name)}
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = switches()
    wish = request("own_compiled", compile="default", extra=own(tmp_path, "own_compiled"))
    with config.patch(quick), prepared(wish, ignore) as one:
        (folder,) = tmp_path.glob("explorer-compile-*")
        assert any(path.is_file() for path in folder.rglob("*")), "the cache was made for this run"
        (compiled,) = one.outputs()
        result = benchmark.measured(one, ignore)
    assert result.compile.cold_seconds > 0
    assert result.compile.warm_seconds > 0
    assert result.settings["compile"] == "default"
    assert not [*tmp_path.glob("explorer-compile-*")]
    assert switches() == before
    with prepared(request("own_compiled"), ignore) as one:
        torch.testing.assert_close(compiled, one.outputs()[0], rtol=1e-4, atol=1e-5)


@needs_compiler
def test_a_missing_compiler_is_told_in_one_line(tmp_path):
    from torch._inductor import config

    wish = request("own_uncompiled", compile="default", extra=own(tmp_path, "own_uncompiled"))
    said = pytest.raises(EngineError, match=r"needs a C\+\+ compiler.*leave --compile out")
    with config.patch({"cpp.cxx": ("no-such-compiler",)}), said, prepared(wish, ignore):
        pass


@needs_gpu
@pytest.mark.parametrize("dtype", ["float32", "tf32", "bfloat16", "float16", "amp"])
def test_every_dtype_on_a_gpu(dtype):
    result = run(request(device="cuda", batch_size=2, dtype=dtype, roofline=True), ignore)
    assert result.latency_cuda_ms.p50 > 0
    assert result.samples_per_sec_cuda > 0
    assert result.settings["cudnn_allow_tf32"] is (dtype == "tf32")


@needs_gpu
def test_a_recorded_pass_gives_the_same_output():
    found = []
    for recorded in (True, False):
        with prepared(request(device="cuda", batch_size=2, cuda_graphs=recorded), ignore) as one:
            found.append(one.outputs()[0])
    torch.testing.assert_close(*found)
