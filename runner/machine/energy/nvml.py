"""NVIDIA's management library: the energy of each card, board and memory with it."""

import contextlib
import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from runner.machine.energy.meter import Integral, Meter, Missing

SOURCE = "NVML"
DEVICES = (Path("/dev/nvidiactl"), Path("/proc/driver/nvidia/version"), Path("/dev/dxg"))
RESTART = "After an update of the driver, restart the machine; a container must be given the card."
INSTALL = 'Install it with: pip install "runner-llm[energy]"'


class CardCounter(Meter):
    """A card's own counter, in millijoules since its driver was loaded (Volta and later)."""

    def __init__(self, nvml: Any, card: Any, domain: str) -> None:
        super().__init__(domain, f"{SOURCE} energy counter", "counter", "gpu")
        self._nvml, self._card = nvml, card
        self._first = self._count()

    def _count(self) -> float:
        with _as_os_error(self._nvml):
            return float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._card)) / 1000

    def _read(self) -> float:
        return self._count() - self._first

    def close(self) -> None:
        _shut(self._nvml)


class CardPower(Meter):
    """The power of a card without a counter, looked at ten times a second and added up."""

    interval = 0.1

    def __init__(self, nvml: Any, card: Any, domain: str) -> None:
        super().__init__(domain, f"{SOURCE} power, added up over time", "gauge", "gpu")
        self._nvml, self._card = nvml, card
        self._sum = Integral(self._watts())

    def _watts(self) -> float:
        with _as_os_error(self._nvml):
            return float(self._nvml.nvmlDeviceGetPowerUsage(self._card)) / 1000

    def _read(self) -> float:
        return self._sum.to(self._watts())

    def close(self) -> None:
        _shut(self._nvml)


def find(nvml: Any = None, devices: Sequence[Path] = DEVICES) -> list[Meter | Missing]:
    """A meter for each card; nothing where there is none: neither one that the library knows, nor
    one of the `devices` that a driver makes."""
    is_there = any(path.exists() for path in devices)
    if nvml is None:
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            absent = Missing("GPU", SOURCE, "gpu", "nvidia-ml-py is not installed", INSTALL)
            return [absent] if is_there else []
    try:
        nvml.nvmlInit()
        try:
            return [_open(nvml, number) for number in range(nvml.nvmlDeviceGetCount())]
        finally:
            _shut(nvml)
    except nvml.NVMLError as error:
        reason = f"NVIDIA's driver does not answer: {error}"
        return [Missing("GPU", SOURCE, "gpu", reason, RESTART)] if is_there else []


def _open(nvml: Any, number: int) -> Meter | Missing:
    domain = f"GPU {number}"
    try:
        nvml.nvmlInit()  # counted by the library: each meter holds one
        card = nvml.nvmlDeviceGetHandleByIndex(number)
        name = nvml.nvmlDeviceGetName(card)
        domain = f"GPU {number} ({name.decode() if isinstance(name, bytes) else name})"
        try:
            return CardCounter(nvml, card, domain)
        except OSError:
            return CardPower(nvml, card, domain)
    except (nvml.NVMLError, OSError) as error:
        _shut(nvml)
        return Missing(domain, SOURCE, "gpu", f"the card tells neither energy nor power: {error}")


@contextlib.contextmanager
def _as_os_error(nvml: Any) -> Iterator[None]:
    try:
        yield
    except nvml.NVMLError as error:
        raise OSError(str(error)) from error


def _shut(nvml: Any) -> None:
    with contextlib.suppress(nvml.NVMLError):
        nvml.nvmlShutdown()
