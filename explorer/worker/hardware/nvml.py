"""What NVIDIA's management library tells of a GPU while passes run on it: power, energy, clocks, heat, throttling."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from explorer.protocol.bench import GpuReadings

SAMPLE_SECONDS = 0.1
"""Between two looks at the GPU: rare enough that the thread which runs the passes does not feel it."""

LEAST_ENERGY_SECONDS = 0.5
"""The energy counter moves in steps of up to a tenth of a second; over less time than this it is not used."""

THROTTLE_REASONS = {
    0x2: "application clocks setting",
    0x4: "software power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake slowdown",
    0x100: "display clock setting",
}
"""Why clocks are held back, by bit. Source: NVML API reference, nvmlClocksEventReasons; an idle GPU (0x1) is none."""


@contextmanager
def _library() -> Iterator[Any]:
    """NVML while it can be asked; ``None`` without nvidia-ml-py or NVIDIA's driver."""
    nvml: Any = None
    with suppress(ImportError):
        # Only here, as not every system has it, and where it is missing all else must go on.
        import pynvml

        with suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            nvml = pynvml
    try:
        yield nvml
    finally:
        if nvml:
            with suppress(nvml.NVMLError):
                nvml.nvmlShutdown()


def driver_version() -> str | None:
    """The version of NVIDIA's driver; ``None`` where NVML does not tell."""
    with _library() as nvml:
        if nvml:
            with suppress(nvml.NVMLError):
                return str(nvml.nvmlSystemGetDriverVersion())
    return None


_QUANTITIES: dict[str, Callable[[Any, Any], float]] = {
    "power_watts": lambda nvml, gpu: nvml.nvmlDeviceGetPowerUsage(gpu) / 1000,
    "sm_clock_mhz": lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_SM),
    "memory_clock_mhz": lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_MEM),
    "temperature_celsius": lambda nvml, gpu: nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU),
}
"""What is read of a GPU again and again."""

_THROTTLING: tuple[Callable[[Any, Any], int], ...] = (
    lambda nvml, gpu: nvml.nvmlDeviceGetCurrentClocksEventReasons(gpu),
    lambda nvml, gpu: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(gpu),
)
"""The bits of :data:`THROTTLE_REASONS` by the function's new name and its old one; a driver may know either."""


def _millijoules(nvml: Any, gpu: Any) -> int:
    return int(nvml.nvmlDeviceGetTotalEnergyConsumption(gpu))


class GpuMonitor:
    """Looks at a GPU from a thread of its own while a block of code runs. Use it as a context manager.

    Args:
        properties: the GPU's as torch has them, with its ``uuid`` or its place on the bus; ``None``: there is none.

    Nothing here fails: what NVML does not tell, or all of it without nvidia-ml-py, a driver or an NVIDIA GPU, is
    ``None`` in :meth:`readings`.
    """

    def __init__(self, properties: Any) -> None:
        self._properties = properties
        self._nvml: Any = None
        self._handle: Any = None
        self._read: dict[str, list[float]] = {name: [] for name in _QUANTITIES}
        self._throttling = 0
        self._stack = ExitStack()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._seconds = 0.0
        self._joules: float | None = None
        self._sm_clock_limit: float | None = None

    def __enter__(self) -> "GpuMonitor":
        if self._properties is None:
            return self
        self._nvml = self._stack.enter_context(_library())
        self._handle = self._nvml and _handle(self._nvml, self._properties)
        if self._handle is not None:
            self._sm_clock_limit = self._ask(lambda n, h: n.nvmlDeviceGetMaxClockInfo(h, n.NVML_CLOCK_SM))
            self._start_millijoules, self._start = self._ask(_millijoules), time.perf_counter()
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._stack:
            if self._thread is None:
                return
            self._seconds = time.perf_counter() - self._start
            start, end = self._start_millijoules, self._ask(_millijoules)
            self._stop.set()
            self._thread.join()
            if start is not None and end is not None and self._seconds >= LEAST_ENERGY_SECONDS:
                self._joules = (end - start) / 1000

    def _ask(self, question: Callable[[Any, Any], Any]) -> Any:
        """NVML's answer; ``None`` where it, or this nvidia-ml-py, has none."""
        try:
            return question(self._nvml, self._handle)
        except (self._nvml.NVMLError, AttributeError):
            return None

    def _watch(self) -> None:
        is_over = False
        while not is_over:
            for name, question in _QUANTITIES.items():
                value = self._ask(question)
                if value is not None:
                    self._read[name].append(float(value))
            for reasons in _THROTTLING:
                self._throttling |= self._ask(reasons) or 0
            is_over = self._stop.wait(SAMPLE_SECONDS)

    def readings(self, samples: int) -> GpuReadings | None:
        """What was seen while so many images passed; ``None`` without NVML or an NVIDIA GPU.

        Energy is the difference of the GPU's counter, and power that over time; where there is no counter, power is
        the mean of the readings and energy that times time.
        """
        if self._thread is None:
            return None
        power, joules = _mean(self._read["power_watts"]), self._joules
        if joules is not None:
            power = joules / self._seconds
        elif power is not None:
            joules = power * self._seconds
        return GpuReadings(
            power_watts_mean=power,
            energy_joules_per_sample=None if joules is None else joules / samples,
            sm_clock_mhz_mean=_mean(self._read["sm_clock_mhz"]),
            sm_clock_mhz_max=self._sm_clock_limit,
            memory_clock_mhz_mean=_mean(self._read["memory_clock_mhz"]),
            temperature_celsius_max=max(self._read["temperature_celsius"], default=None),
            throttled=[name for bit, name in THROTTLE_REASONS.items() if self._throttling & bit],
        )


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _handle(nvml: Any, properties: Any) -> Any:
    """NVML's handle of a GPU, by what names the card itself: CUDA_VISIBLE_DEVICES renumbers the indices."""
    uuid, bus = str(getattr(properties, "uuid", "")), getattr(properties, "pci_bus_id", None)
    # torch tells the name without saying whether it is of a card or of a part of one (MIG), and torch 2.4 tells none.
    for kind in ("", "GPU-", "MIG-"):
        with suppress(nvml.NVMLError):
            return nvml.nvmlDeviceGetHandleByUUID(kind + uuid)
    if bus is not None:
        domain, slot = getattr(properties, "pci_domain_id", 0), getattr(properties, "pci_device_id", 0)
        with suppress(nvml.NVMLError):
            return nvml.nvmlDeviceGetHandleByPciBusId(f"{domain:08x}:{bus:02x}:{slot:02x}.0")
    return None
