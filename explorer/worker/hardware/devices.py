"""Devices: choosing one, waiting for it, and the facts of machine and software that a measurement was taken on."""

import os
import platform
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm
import torch

from explorer.errors import RequestError
from explorer.protocol.events import Emit, Log
from explorer.version import __version__
from explorer.worker.hardware.nvml import driver_version


def choose(name: str | None, emit: Emit) -> torch.device:
    """The device of this name; without one CUDA where there is some, else the CPU with a notice.

    Raises:
        RequestError: this machine has no such device.
    """
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        emit(Log("no CUDA device here, using the CPU"))
        return torch.device("cpu")
    device = torch.device(name)
    if device.type == "cuda":
        return _cuda(device.index)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise RequestError("no mps device here", f"torch {torch.__version__} finds none; use cpu")
    return device


def _cuda(index: int | None) -> torch.device:
    if not torch.cuda.is_available():
        raise RequestError("no CUDA device here", f"torch {torch.__version__} finds none; use cpu")
    count = torch.cuda.device_count()
    if index is not None and index >= count:
        last = "only cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
        raise RequestError(f"no device 'cuda:{index}'", f"this machine has {last}")
    return torch.device("cuda", torch.cuda.current_device() if index is None else index)


def synchronizer(device: torch.device) -> Callable[[], None]:
    """A function that returns when all work given to the device is done."""
    if device.type == "cuda":
        return lambda: torch.cuda.synchronize(device)
    if device.type == "mps":
        return lambda: torch.mps.synchronize()
    return lambda: None


def gpu_properties(device: torch.device) -> Any:
    """What torch knows of a GPU; ``None`` for other devices."""
    return torch.cuda.get_device_properties(device) if device.type == "cuda" else None


def environment(device: torch.device) -> dict[str, Any]:
    """The facts that make one measurement comparable with another: JSON values, ``None`` where unknown."""
    facts = {
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "cpu_count": os.cpu_count(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_name(),
        "threads": torch.get_num_threads(),
        **versions(),
    }
    if device.type == "cuda":
        properties = gpu_properties(device)
        facts |= {
            "cuda": torch.version.cuda,
            "hip": torch.version.hip,
            "cudnn": torch.backends.cudnn.version(),
            "driver": driver_version(),
            "compute_capability": f"{properties.major}.{properties.minor}",
            "device_memory_bytes": properties.total_memory,
        }
    return facts


def versions() -> dict[str, Any]:
    """Of what runs the models, by name."""
    return {
        "python": platform.python_version(),
        # A class of its own, derived from str, which no encoder has to know.
        "torch": str(torch.__version__),
        "timm": timm.__version__,
        "explorer": __version__,
    }


def cpu_name() -> str:
    """The processor's name as the operating system gives it; psutil tells none, and platform none on Linux."""
    try:
        match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if match:
            return match[1].strip()
        if platform.system() == "Darwin":
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        pass
    return platform.processor() or platform.machine()
