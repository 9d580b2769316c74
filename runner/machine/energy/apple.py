"""Apple silicon: the chip's energy as IOReport tells it, by a model of Apple's."""

import importlib
from typing import Any

from runner.machine.energy.meter import Meter, Missing

DOMAIN, SOURCE = "Apple chip (processor, GPU, memory)", "IOReport, an estimate of Apple's"
INSTALL = 'Install it with: pip install "runner-llm[energy]"'
PARTS = ("cpu_total_mj", "gpu_mj", "gpu_sram_mj", "dram_mj", "ane_mj")
"""Millijoules of parts that have nothing in common; a chip without one says None."""


class AppleMeter(Meter):
    """Everything on the chip; the screen, the disk and the power supply's losses are not."""

    def __init__(self, monitor: Any) -> None:
        super().__init__(DOMAIN, SOURCE, "model", "processor")
        self._monitor = monitor
        self._first = self._sum()

    def _sum(self) -> float:
        try:
            counts = self._monitor.get_cumulative_energy()
        except RuntimeError as error:
            raise OSError(str(error)) from error
        return sum(getattr(counts, part, None) or 0 for part in PARTS) / 1000

    def _read(self) -> float:
        return self._sum() - self._first


def find() -> list[Meter | Missing]:
    """The chip's meter. Intel's Macs have counters that only root may read."""
    import platform

    if platform.machine() != "arm64":
        reason = "only root may read an Intel Mac's energy counters"
        return [Missing("processor package", "powermetrics", "processor", reason)]
    try:
        monitor = importlib.import_module("zeus_apple_silicon").AppleEnergyMonitor
    except ImportError:
        reason = "zeus-apple-silicon is not installed"
        return [Missing(DOMAIN, SOURCE, "processor", reason, INSTALL)]
    return [opened(monitor)]


def opened(monitor: Any) -> Meter | Missing:
    """The meter that such a monitor, made now, stands behind."""
    try:
        return AppleMeter(monitor())
    except (OSError, RuntimeError) as error:
        return Missing(DOMAIN, SOURCE, "processor", f"macOS does not tell: {error}")
