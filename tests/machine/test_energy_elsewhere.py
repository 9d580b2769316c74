"""Readers whose hardware is not here: recorded bytes, and stand-ins for the makers' libraries."""

import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner.machine import energy
from runner.machine.energy import apple, emi, nvml
from runner.machine.energy.meter import Meter, Missing


def metadata_2(*names: str) -> bytes:
    data = (
        "Intel".encode("utf-16-le").ljust(32, b"\0") + bytes(32) + struct.pack("<HH", 1, len(names))
    )
    for name in names:
        text = (name + "\0").encode("utf-16-le")
        data += struct.pack("<iH", 0, len(text)) + text
    return data


def metadata_1(name: str) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    return struct.pack("<i", 0) + bytes(64) + struct.pack("<HH", 1, len(text)) + text


class EmiDevice:
    """What a device of Windows answers, byte for byte."""

    def __init__(self, metadata: bytes, *counts: int, version: int = 2) -> None:
        self._metadata, self.counts, self._version = metadata, list(counts), version
        self.closed = False

    def version(self) -> int:
        return self._version

    def metadata(self) -> bytes:
        return self._metadata

    def measurement(self) -> bytes:
        return b"".join(struct.pack("<QQ", count, 132_000_000) for count in self.counts)

    def close(self) -> None:
        self.closed = True


CHANNELS = ("RAPL_Package0_PKG", "RAPL_Package0_DRAM", "RAPL_Package0_PP0", "RAPL_Package0_PP1")
JOULE = 10**9 / 3.6  # picowatt-hours


def test_windows_counts_packages_and_memory() -> None:
    device = EmiDevice(metadata_2(*CHANNELS), 2**64 - 5, 10, 20, 30)
    package, memory = emi.find(lambda: [device])
    assert isinstance(package, Meter)
    assert isinstance(memory, Meter)
    assert (package.part, memory.part) == ("processor", "memory")
    device.counts = [round(7 * JOULE) - 5, 10 + round(2 * JOULE), 99, 99]
    assert package.joules() == pytest.approx(7.0)  # it wrapped around
    assert memory.joules() == pytest.approx(2.0)
    package.close()
    assert device.closed


def test_windows_metadata_of_the_first_version() -> None:
    assert emi.parse_metadata(1, metadata_1("CPU_PKG")) == ["CPU_PKG"]


@pytest.mark.parametrize("cut", [0, 50, 69, 90])
def test_windows_metadata_that_is_cut_off(cut: int) -> None:
    (missing,) = emi.find(lambda: [EmiDevice(metadata_2(*CHANNELS)[:cut], 1)])
    assert isinstance(missing, Missing)
    assert "cut off" in missing.reason


def test_windows_of_an_unknown_version_or_channel() -> None:
    (missing,) = emi.find(lambda: [EmiDevice(b"", version=3)])
    assert isinstance(missing, Missing)
    assert "version 3" in missing.reason
    other = EmiDevice(metadata_2("CAMERA"), 1)
    (missing,) = emi.find(lambda: [other])
    assert isinstance(missing, Missing)
    assert "CAMERA" in missing.reason
    assert other.closed


def test_windows_with_fewer_counts_than_channels() -> None:
    (missing,) = emi.find(lambda: [EmiDevice(metadata_2("x", "RAPL_Package0_PKG"), 1)])
    assert isinstance(missing, Missing)
    assert "fewer channels" in missing.reason


def test_windows_devices_that_fail_leave_the_others() -> None:
    fine, cut = EmiDevice(metadata_2("CPU_PKG"), 1), EmiDevice(b"", 1)
    for order in ([fine, cut], [cut, fine]):
        found = emi.find(lambda order=order: order)  # type: ignore[misc]
        assert sorted(type(one).__name__ for one in found) == ["EmiMeter", "Missing"]
    assert cut.closed and not fine.closed


def test_windows_without_a_meter() -> None:
    (missing,) = emi.find(list)
    assert isinstance(missing, Missing)
    assert missing.remedy


class Nvml:
    """NVIDIA's library with two cards, the second too old for a counter."""

    class NVMLError(Exception):
        pass

    def __init__(self) -> None:
        self.opened, self.millijoules, self.lost = 0, 1000.0, False

    def nvmlInit(self) -> None:
        self.opened += 1

    def nvmlShutdown(self) -> None:
        self.opened -= 1

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, number: int) -> int:
        return number

    def nvmlDeviceGetName(self, card: int) -> str:
        return ("RTX 4080", "GTX 1080")[card]

    def nvmlDeviceGetTotalEnergyConsumption(self, card: int) -> float:
        if card or self.lost:
            raise self.NVMLError("Not Supported")
        return self.millijoules

    def nvmlDeviceGetPowerUsage(self, card: int) -> int:
        return 50_000


def test_nvidia_counter_or_power() -> None:
    library = Nvml()
    counted, added = nvml.find(library)
    assert isinstance(counted, Meter)
    assert isinstance(added, Meter)
    assert (counted.kind, added.kind) == ("counter", "gauge")
    assert counted.domain == "GPU 0 (RTX 4080)"
    library.millijoules += 2500
    assert counted.joules() == pytest.approx(2.5)
    assert added.joules() >= 0
    library.lost = True
    with pytest.raises(OSError, match="Not Supported"):
        counted.joules()
    counted.close()
    added.close()
    assert library.opened == 0


def test_nvidia_without_a_driver(tmp_path: Path) -> None:
    library = Nvml()

    def fails() -> None:
        raise Nvml.NVMLError("Driver Not Loaded")

    library.nvmlInit = fails  # type: ignore[method-assign]
    assert nvml.find(library, [tmp_path / "none"]) == []
    (missing,) = nvml.find(library, [tmp_path])  # its driver made a device
    assert isinstance(missing, Missing) and missing.part == "gpu"
    assert "Driver Not Loaded" in missing.reason and missing.remedy


def test_nvidia_cards_that_cannot_be_counted(tmp_path: Path) -> None:
    library = Nvml()

    def fails() -> int:
        raise Nvml.NVMLError("Unknown Error")

    library.nvmlDeviceGetCount = fails  # type: ignore[method-assign]
    (missing,) = nvml.find(library, [tmp_path])
    assert isinstance(missing, Missing) and "Unknown Error" in missing.reason
    assert library.opened == 0


def test_apple_adds_its_parts() -> None:
    counts: dict[str, Any] = {"cpu_total_mj": 1000, "gpu_mj": 500, "dram_mj": None, "ane_mj": 0}
    monitor = SimpleNamespace(get_cumulative_energy=lambda: SimpleNamespace(**counts))
    meter = apple.opened(lambda: monitor)
    assert isinstance(meter, Meter)
    counts |= {"cpu_total_mj": 4000, "gpu_mj": 1500}
    assert meter.joules() == pytest.approx(4.0)
    assert meter.kind == "model"


def test_apple_that_refuses() -> None:
    def refuses() -> None:
        raise RuntimeError("no IOReport")

    missing = apple.opened(refuses)
    assert isinstance(missing, Missing)
    assert "no IOReport" in missing.reason


def test_this_machine() -> None:
    with energy.meters() as found:
        assert found.available or found.missing
        for meter in found.available:
            assert meter.joules() >= 0
        assert all(one.reason for one in found.missing)
