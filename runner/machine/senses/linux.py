"""Linux: frequency, heat, limits and power as /sys shows them.

The files are found once; what is read each time is a few short ones.
"""

import os
import statistics
from collections.abc import Sequence
from pathlib import Path

from runner.machine import cgroups
from runner.machine.senses.senses import Senses
from runner.machine.sources import text

SYSTEM = Path("/sys")

MOST_PROCESSORS = 16
"""As many frequencies are read at most; more would take longer than a millisecond."""

CHIPS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal", "apple_soc")
"""Drivers of a processor's own sensor, as hwmon names them (Intel, AMD, Arm boards)."""

ZONES = ("x86_pkg_temp", "cpu-thermal", "cpu_thermal", "soc-thermal", "cpu")
"""The same as a thermal zone, where there is no hwmon."""

LABELS = ("package id 0", "tctl", "tdie")
"""The sensor of the whole processor, among those of its parts."""


class LinuxSenses(Senses):
    """`system` is /sys and `groups` this process's control groups with a limit of time."""

    def __init__(
        self, system: Path = SYSTEM, groups: Sequence[cgroups.Group] | None = None
    ) -> None:
        self._clocks = _spread(_frequencies(system), MOST_PROCESSORS)
        self._thermometer = _thermometer(system)
        limits = sorted(system.glob("devices/system/cpu/cpu[0-9]*/thermal_throttle"))
        self._cores = [path / "core_throttle_count" for path in limits]
        self._packages: dict[str, list[Path]] = {}
        for path in limits:
            package = text(path.parent / "topology/physical_package_id")
            self._packages.setdefault(package, []).append(path / "package_throttle_count")
        self._choosers = [
            path
            for path in (
                system / "devices/system/cpu/cpu0/cpufreq/scaling_governor",
                system / "devices/system/cpu/cpu0/cpufreq/energy_performance_preference",
                system / "firmware/acpi/platform_profile",
            )
            if text(path)
        ]
        self._supplies = sorted(system.glob("class/power_supply/*"))
        found = cgroups.groups("cpu") if groups is None else groups
        self._groups = [group for group in found if group.words("cpu.stat")]

    def megahertz(self) -> float | None:
        """The median of the faster half: processors without work may show any frequency."""
        shown = sorted(number for path in self._clocks if (number := _number(path)) is not None)
        return statistics.median(shown[len(shown) // 2 :]) / 1000 if shown else None

    def temperature(self) -> float | None:
        degrees = _number(self._thermometer) if self._thermometer else None
        return None if degrees is None else degrees / 1000

    def throttled(self) -> int | None:
        """Events of the processors' own limits, and periods in which a control group's quota was
        used up. The processors of one package share its count, so the greatest is taken."""
        counts = [_number(path) for path in self._cores]
        counts += [_greatest(paths) for paths in self._packages.values()]
        counts += [_quota_hits(group) for group in self._groups]
        known = [count for count in counts if count is not None]
        return sum(known) if known else None

    def governor(self) -> str | None:
        return ", ".join(word for path in self._choosers if (word := text(path))) or None

    def on_battery(self) -> bool | None:
        """From a battery of the machine's own (a mouse has one, too) that is being emptied."""
        if not self._supplies:
            return False
        batteries = False
        for supply in self._supplies:
            kind, of_device = text(supply / "type"), text(supply / "scope") == "Device"
            if kind == "Battery" and not of_device:
                batteries |= text(supply / "status") == "Discharging"
            elif kind != "Battery" and text(supply / "online") == "1" and not of_device:
                return False
        return batteries


def _frequencies(system: Path) -> list[Path]:
    folder = system / "devices/system/cpu"
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    named = sorted(folder.glob("cpu[0-9]*"), key=lambda path: int(path.name[3:]))
    mine = [path for path in named if allowed is None or int(path.name[3:]) in allowed]
    shown = [path / "cpufreq/scaling_cur_freq" for path in mine or named]
    return [path for path in shown if path.exists()]


def _spread(paths: Sequence[Path], most: int) -> list[Path]:
    step = max(1, -(-len(paths) // most))
    return list(paths[::step])


def _thermometer(system: Path) -> Path | None:
    """The sensor of the processor: hwmon's where there is one, else a thermal zone."""
    chips = {text(chip / "name"): chip for chip in sorted(system.glob("class/hwmon/*"))}
    for name in CHIPS:
        if inputs := sorted(chips[name].glob("temp*_input")) if name in chips else []:
            named = {_label(path): path for path in inputs}
            return next((named[label] for label in LABELS if label in named), inputs[0])
    found = sorted(system.glob("class/thermal/thermal_zone*"))
    zones = {text(zone / "type"): zone for zone in found}
    return next((zones[name] / "temp" for name in ZONES if name in zones), None)


def _label(sensor: Path) -> str:
    """What the file beside temp1_input, temp1_label, calls it."""
    return text(sensor.with_name(sensor.name.replace("input", "label"))).lower()


def _greatest(paths: Sequence[Path]) -> int | None:
    return max((count for path in paths if (count := _number(path)) is not None), default=None)


def _quota_hits(group: cgroups.Group) -> int | None:
    words = group.words("cpu.stat")
    counts = dict(zip(words[::2], words[1::2], strict=False))
    return int(counts["nr_throttled"]) if counts.get("nr_throttled", "").isdigit() else None


def _number(path: Path) -> int | None:
    shown = text(path)
    return int(shown) if shown.lstrip("-").isdigit() else None
