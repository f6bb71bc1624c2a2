"""What a measurement was taken on: machine, device, versions."""

import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

import timm
import torch

import explorer


def environment(device: torch.device) -> dict[str, Any]:
    """The facts that make one measurement comparable with another: JSON values, ``None`` where unknown."""
    facts = {
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "cpu_count": os.cpu_count(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device_name": device_name(device),
        "threads": torch.get_num_threads(),
        **versions(),
    }
    if device.type == "cuda":
        facts |= _cuda(device)
    return facts


def versions() -> dict[str, Any]:
    """Of what runs the models, by name."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "timm": timm.__version__,
        "explorer": explorer.__version__,
    }


def cpu_name() -> str:
    """The processor's name as the operating system gives it."""
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


def device_name(device: torch.device) -> str:
    """The name of the hardware behind a torch device."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return cpu_name()


def _cuda(device: torch.device) -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(device)
    return {
        "cuda": torch.version.cuda,
        "hip": torch.version.hip,
        "cudnn": torch.backends.cudnn.version(),
        "driver": _driver(),
        "compute_capability": f"{properties.major}.{properties.minor}",
        "device_memory_bytes": properties.total_memory,
    }


def _driver() -> str | None:
    """The version of NVIDIA's driver; ``None`` without nvidia-ml-py or without the driver."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        try:
            version = pynvml.nvmlSystemGetDriverVersion()
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return None
    return version.decode() if isinstance(version, bytes) else str(version)
