"""What a measurement runs under: choices that suit the device, and wishes that rule each other out."""

import pytest
import torch

from explorer.errors import RequestError
from explorer.protocol.bench import BenchRequest
from explorer.worker.measuring.settings import amp_dtype, described, resolved, switched, weights_dtype

pytestmark = pytest.mark.xdist_group("torch")
CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


def test_what_is_left_open_suits_the_device() -> None:
    whole = resolved(BenchRequest("m"), CPU)
    assert (whole.device, whole.batch_size, whole.dtype, whole.cudnn_benchmark) == ("cpu", 1, "float32", False)
    assert resolved(BenchRequest("m", train=True), CPU).batch_size == 8
    assert (whole.img_size, whole.in_chans, whole.num_classes) == (None, None, None)


def test_what_was_wished_for_stays() -> None:
    whole = resolved(BenchRequest("m", batch_size=3, dtype="bfloat16", threads=2, fused_attn=False), CPU)
    assert (whole.batch_size, whole.dtype, whole.threads, whole.fused_attn) == (3, "bfloat16", 2, False)


@pytest.mark.parametrize(
    ("request_", "device", "said"),
    [
        (BenchRequest("m", dtype="tf32"), CPU, "tf32 is for CUDA, not for cpu"),
        (BenchRequest("m", cuda_graphs=True), CPU, "CUDA graphs are for CUDA, not for cpu"),
        (BenchRequest("m", dtype="float32", cuda_graphs=True, train=True), CUDA, "record forward passes"),
        (
            BenchRequest("m", dtype="float32", cuda_graphs=True, compile="max-autotune"),
            CUDA,
            "records CUDA graphs of its own",
        ),
    ],
    ids=["tf32", "graphs", "training", "compiled"],
)
def test_wishes_that_rule_each_other_out_are_refused(request_: BenchRequest, device: torch.device, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        resolved(request_, device)


def test_a_dtype_is_one_of_weights_or_of_autocast() -> None:
    assert (weights_dtype("float16"), weights_dtype("tf32"), weights_dtype("amp")) == (
        torch.float16,
        torch.float32,
        torch.float32,
    )
    assert (amp_dtype("amp", CPU), amp_dtype("amp", CUDA), amp_dtype("float16", CUDA)) == (
        torch.bfloat16,
        torch.float16,
        None,
    )


def test_settings_are_described_as_they_are_in_force() -> None:
    whole = resolved(BenchRequest("m", threads=1, seconds=2, extra=(("own", "own.py"),)), CPU)
    with switched(whole, CPU):
        found = described(whole, CPU)
    assert (found["threads"], found["inference_mode"], found["seconds"]) == (1, True, 2)
    assert (found["mode"], found["seed"], found["amp_dtype"]) == ("eval", 0, None)
    assert [list(pair) for pair in found["extra"]] == [["own", "own.py"]]
    assert "model" not in found
