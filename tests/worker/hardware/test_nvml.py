"""NVML's readings, from a library made of numbers."""

import sys
import time
from types import SimpleNamespace

import pytest

from explorer.worker.hardware import nvml
from explorer.worker.hardware.nvml import GpuMonitor

UUID = "11111111-2222-3333-4444-555555555555"
BY_UUID = SimpleNamespace(uuid=UUID)


class NVMLError(Exception):
    pass


class Nvml:
    """A driver with one card; what is in ``missing`` it does not support."""

    NVMLError = NVMLError
    NVML_CLOCK_SM = 1
    NVML_CLOCK_MEM = 2
    NVML_TEMPERATURE_GPU = 0

    def __init__(self, missing=(), reasons=0x1, known=(f"GPU-{UUID}",)):
        self.missing = missing
        self.reasons = reasons
        self.known = known
        self.open = 0
        self.millijoules = 5_000_000

    def nvmlInit(self):  # noqa: N802
        self._refuse("init")
        self.open += 1

    def nvmlShutdown(self):  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        return self._known(uuid)

    def nvmlDeviceGetHandleByPciBusId(self, bus):  # noqa: N802
        return self._known(bus)

    def nvmlDeviceGetPowerUsage(self, handle):  # noqa: N802
        self._refuse("power")
        return 250_000

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        self._refuse("energy")
        self.millijoules += 100_000
        return self.millijoules

    def nvmlDeviceGetClockInfo(self, handle, kind):  # noqa: N802
        self._refuse("clocks")
        return 1900 if kind == self.NVML_CLOCK_SM else 2600

    def nvmlDeviceGetMaxClockInfo(self, handle, kind):  # noqa: N802
        self._refuse("clocks")
        return 1980

    def nvmlDeviceGetTemperature(self, handle, kind):  # noqa: N802
        return 61

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle):  # noqa: N802
        self._refuse("event reasons")
        return self.reasons

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle):  # noqa: N802
        return self.reasons

    def _known(self, name):
        if name not in self.known:
            raise NVMLError("not found")
        return "card"

    def _refuse(self, what):
        if what in self.missing:
            raise NVMLError("not supported")


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(nvml, "SAMPLE_SECONDS", 0.001)
    monkeypatch.setattr(nvml, "LEAST_ENERGY_SECONDS", 0.0)


@pytest.fixture
def watched(monkeypatch):
    def watch(library, properties=BY_UUID, samples=100):
        monkeypatch.setitem(sys.modules, "pynvml", library)
        with GpuMonitor(properties) as watch:
            time.sleep(0.02)
        return watch.readings(samples)

    return watch


def test_energy_comes_from_the_counter(watched):
    assert watched(Nvml(), samples=50).energy_joules_per_sample == pytest.approx(100 / 50)


def test_without_a_counter_energy_is_power_times_time(watched):
    found = watched(Nvml(missing=("energy",)), samples=1)
    assert found.power_watts_mean == 250
    assert found.energy_joules_per_sample >= 250 * 0.02


def test_clocks_and_temperature(watched):
    found = watched(Nvml())
    assert (found.sm_clock_mhz_mean, found.sm_clock_mhz_max, found.memory_clock_mhz_mean) == (1900, 1980, 2600)
    assert found.temperature_celsius_max == 61


def test_what_holds_clocks_back_is_named_and_idling_is_not(watched):
    assert watched(Nvml(reasons=0x1)).throttled == []
    assert watched(Nvml(reasons=0x1 | 0x4 | 0x40)).throttled == ["software power cap", "hardware thermal slowdown"]
    assert watched(Nvml(reasons=0x8, missing=("event reasons",))).throttled == ["hardware slowdown"]


def test_what_the_card_does_not_tell_is_none(watched):
    found = watched(Nvml(missing=("power", "energy", "clocks")))
    assert (found.power_watts_mean, found.energy_joules_per_sample) == (None, None)
    assert (found.sm_clock_mhz_mean, found.sm_clock_mhz_max) == (None, None)
    assert found.temperature_celsius_max == 61


@pytest.mark.parametrize(
    "properties",
    [
        SimpleNamespace(uuid=UUID),
        SimpleNamespace(uuid=f"GPU-{UUID}"),
        SimpleNamespace(uuid="another", pci_domain_id=0, pci_bus_id=0x1A, pci_device_id=0),
    ],
    ids=["uuid", "whole uuid", "bus"],
)
def test_a_card_is_found_by_what_names_it(watched, properties):
    assert watched(Nvml(known=(f"GPU-{UUID}", "00000000:1a:00.0")), properties) is not None


def test_a_part_of_a_card_is_found(watched):
    assert watched(Nvml(known=(f"MIG-{UUID}",))) is not None


@pytest.mark.parametrize(
    ("library", "properties"),
    [
        (Nvml(), None),
        (None, BY_UUID),
        (Nvml(missing=("init",)), BY_UUID),
        (Nvml(known=()), BY_UUID),
        (Nvml(), SimpleNamespace()),
    ],
    ids=["no GPU", "no library", "no driver", "unknown card", "nameless card"],
)
def test_without_nvml_or_a_gpu_there_are_no_readings(watched, library, properties):
    assert watched(library, properties) is None


def test_the_library_is_left_as_it_was_found(watched):
    for library in (Nvml(), Nvml(known=())):
        watched(library)
        assert library.open == 0
