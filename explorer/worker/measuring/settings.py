"""What a measurement runs under: the choices that suit a device, and torch's global switches."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from msgspec.structs import replace
from timm.layers import set_fused_attn, use_fused_attn

from explorer.errors import RequestError
from explorer.protocol.bench import BenchRequest

SEED = 0
"""Of the weights, the input and the labels."""

INFERENCE_BATCH = {"cpu": 1, "mps": 64, "cuda": 256}
"""Images in a batch where none is asked for, by kind of device."""

TRAINING_BATCH = {"cpu": 8, "mps": 32, "cuda": 256}
"""The same for training steps: batch norm needs more than one image."""

_TF32_CAPABILITY = 8
"""Ampere, the first generation of GPUs with it."""

_OWN_GRAPHS = ("reduce-overhead", "max-autotune")
"""torch.compile's modes that record CUDA graphs: a recording inside a recording fails."""


def resolved(request: BenchRequest, device: torch.device) -> BenchRequest:
    """The request with every setting that was left open chosen to suit the device.

    What is left open about the model itself (``img_size``, ``in_chans``, ``num_classes``) stays so.

    Raises:
        RequestError: settings that this device, or that one another, rule out.
    """
    batches = TRAINING_BATCH if request.train else INFERENCE_BATCH
    whole = replace(
        request,
        device=str(device),
        batch_size=request.batch_size or batches[device.type],
        dtype=request.dtype or ("tf32" if has_tf32(device) else "float32"),
        cudnn_benchmark=device.type == "cuda" if request.cudnn_benchmark is None else request.cudnn_benchmark,
        fused_attn=use_fused_attn() if request.fused_attn is None else request.fused_attn,
        threads=request.threads or torch.get_num_threads(),
    )
    _check(whole, device)
    return whole


def has_tf32(device: torch.device) -> bool:
    """Whether the device computes in TF32: NVIDIA's from compute capability 8.0 on."""
    if device.type != "cuda" or torch.version.hip is not None:
        return False
    return bool(torch.cuda.get_device_capability(device)[0] >= _TF32_CAPABILITY)


def _check(request: BenchRequest, device: torch.device) -> None:
    if request.dtype == "tf32" and not has_tf32(device):
        why = "is for CUDA" if device.type != "cuda" else "needs an NVIDIA GPU of compute capability 8.0 or later"
        raise RequestError(f"tf32 {why}, not for {device}", "use --dtype float32")
    if not request.cuda_graphs:
        return
    if device.type != "cuda":
        raise RequestError(f"CUDA graphs are for CUDA, not for {device}", "leave --cuda-graphs out")
    if request.train:
        raise RequestError(
            "CUDA graphs record forward passes, not training steps", "leave out --cuda-graphs or --train"
        )
    if request.compile in _OWN_GRAPHS:
        raise RequestError(
            f"--compile {request.compile} records CUDA graphs of its own",
            "leave --cuda-graphs out or --compile default",
        )


def weights_dtype(dtype: str) -> torch.dtype:
    """What weights and input are held in."""
    return {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(dtype, torch.float32)


def amp_dtype(dtype: str, device: torch.device) -> torch.dtype | None:
    """What autocast computes in; ``None`` where there is no autocast."""
    if dtype != "amp":
        return None
    return torch.float16 if device.type == "cuda" else torch.bfloat16


def memory_format(request: BenchRequest) -> torch.memory_format:
    """How images lie in memory."""
    return torch.channels_last if request.memory_format == "channels_last" else torch.contiguous_format


@dataclass(frozen=True)
class _Switches:
    """torch's and timm's global switches."""

    threads: int
    matmul_precision: str
    cudnn_tf32: bool
    cudnn_benchmark: bool
    fused_attn: tuple[bool, bool]

    @classmethod
    def now(cls) -> "_Switches":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cls(
                torch.get_num_threads(),
                torch.get_float32_matmul_precision(),
                torch.backends.cudnn.allow_tf32,
                torch.backends.cudnn.benchmark,
                (use_fused_attn(), use_fused_attn(experimental=True)),
            )

    @classmethod
    def of(cls, request: BenchRequest) -> "_Switches":
        assert request.threads is not None
        tf32 = request.dtype == "tf32"
        experimental = bool(request.fused_attn) and use_fused_attn(experimental=True)
        return cls(
            request.threads,
            "high" if tf32 else "highest",
            tf32,
            bool(request.cudnn_benchmark),
            (bool(request.fused_attn), experimental),
        )

    def set(self) -> None:
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        with warnings.catch_warnings():
            # torch 2.9 and later call these the old way; 2.4 knows no other.
            warnings.simplefilter("ignore")
            torch.set_float32_matmul_precision(self.matmul_precision)
            torch.backends.cudnn.allow_tf32 = self.cudnn_tf32
        torch.backends.cudnn.benchmark = self.cudnn_benchmark
        set_fused_attn(*self.fused_attn)


@contextmanager
def switched(request: BenchRequest, device: torch.device) -> Iterator[None]:
    """Run a block under a resolved request's settings: device, threads, precision, cuDNN, attention, gradients.

    All are put back afterwards. Autocast is not among them: each pass enters it by itself, as a caller's would.
    """
    before = _Switches.now()
    with ExitStack() as stack:
        stack.callback(before.set)
        _Switches.of(request).set()
        stack.enter_context(torch.cuda.device(device) if device.type == "cuda" else nullcontext())
        stack.enter_context(_gradients(request))
        yield


def _gradients(request: BenchRequest) -> Any:
    if request.train:
        return torch.enable_grad()
    return torch.inference_mode() if request.inference_mode else torch.no_grad()


_AS_ASKED = ("train", "batch_size", "img_size", "in_chans", "num_classes", "reparam", "args", "extra", "seconds",
             "iterations", "backoff", "roofline")  # fmt: skip


def described(request: BenchRequest, device: torch.device) -> dict[str, Any]:
    """Every setting as JSON: those of the request, and what they come to in torch. Call it inside :func:`switched`."""
    amp = amp_dtype(request.dtype or "", device)
    now = _Switches.now()
    asked = request.to_json()
    return {
        "pretrained": False,
        "mode": "train" if request.train else "eval",
        "device": request.device,
        "dtype": request.dtype,
        "amp_dtype": None if amp is None else str(amp).removeprefix("torch."),
        "float32_matmul_precision": now.matmul_precision,
        "cudnn_allow_tf32": now.cudnn_tf32,
        "cudnn_benchmark": now.cudnn_benchmark,
        "memory_format": request.memory_format,
        "compile": request.compile,
        "cuda_graphs": request.cuda_graphs,
        "fused_attn": now.fused_attn[0],
        "fused_attn_experimental": now.fused_attn[1],
        "threads": now.threads,
        "interop_threads": torch.get_num_interop_threads(),
        "inference_mode": torch.is_inference_mode_enabled(),
        **{name: asked[name] for name in _AS_ASKED},
        "input": "random normal",
        "seed": SEED,
    }
