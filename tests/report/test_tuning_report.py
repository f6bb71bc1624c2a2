import ast
import shlex
from typing import Any

import pytest
from msgspec.structs import replace

from explorer.cli.main import run
from explorer.protocol.bench import BenchRequest
from explorer.report.tuning_report import command, python
from tests.tui.samples import result

REQUESTS = {
    "defaults": BenchRequest("resnet34"),
    "numbers": BenchRequest("resnet34", 8, 224, iterations=3, threads=2, in_chans=1, num_classes=0, seconds=0.5),
    "texts": BenchRequest("hf-hub:t/x", device="cuda:1", dtype="amp", memory_format="channels_last", compile="default"),
    "on": BenchRequest("x.a_b", cuda_graphs=True, cudnn_benchmark=True, fused_attn=True, train=True, reparam=True),
    "off": BenchRequest("x", fused_attn=False, inference_mode=False, backoff=False, roofline=False),
    "arguments": BenchRequest("x", args={"act_layer": "silu", "drop": 0.1, "text": "1", "dims": [1, 2], "on": True}),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_a_command_line_asks_for_the_same_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("explorer.cli.bench_command._measure", lambda requests, *_: asked.extend(requests))
    monkeypatch.setattr("explorer.usecases.choosing.ModelNames.check", lambda *_: None)

    program, *words = shlex.split(command(REQUESTS[name]))

    assert (program, run([*words, "--no-save"])) == ("explorer", 0)
    assert asked == [REQUESTS[name]]


def test_a_command_line_leaves_defaults_out() -> None:
    assert command(REQUESTS["defaults"]) == "explorer bench resnet34"


VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "amp": ({"dtype": "amp"}, {"dtype": "amp"}),
    "graph": ({"cuda_graphs": True}, {"device": "cuda:0", "dtype": "amp"}),
    "compiled": ({"compile": "default", "memory_format": "channels_last"}, {"dtype": "bfloat16"}),
    "train": ({"train": True}, {"mode": "train"}),
    "scaled": ({"train": True}, {"mode": "train", "device": "cuda:0", "dtype": "amp"}),
    "own": ({"extra": (("own", "/a/own.py"),), "reparam": True}, {}),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_setting_gives_python_that_can_be_read(name: str) -> None:
    wishes, outcome = VARIANTS[name]
    lines = python(BenchRequest("x", **wishes), replace(result(), **outcome), {"img_size": 64, "act": "silu"})

    ast.parse(lines)
    assert "timm.create_model('toy_small', pretrained=False, img_size=64, act='silu')" in lines


def test_what_was_set_stands_in_the_python() -> None:
    request = BenchRequest("x", threads=3, fused_attn=False, cudnn_benchmark=True, inference_mode=False)
    lines = python(request, replace(result(), device="cuda:0", dtype="tf32"), {})

    for line in (
        "timm.layers.set_fused_attn(False)",
        "torch.set_num_threads(3)",
        "torch.set_float32_matmul_precision('high')",
        "torch.backends.cudnn.allow_tf32 = True",
        "torch.backends.cudnn.benchmark = True",
        "with torch.no_grad():",
    ):
        assert line in lines.splitlines()
