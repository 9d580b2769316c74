"""Linux: what a laptop's battery gives, which is what the whole machine takes, screen and all."""

from collections.abc import Sequence
from pathlib import Path

from runner.machine.energy.meter import Integral, Meter, Missing
from runner.machine.sources import text

ROOT = Path("/sys/class/power_supply")
DOMAIN, SOURCE = "whole machine (battery)", "power_supply"
PLUGGED_IN = "the machine is plugged in, so its battery does not tell what it takes"
UNPLUG = "Unplug it."


class PowerMeter(Meter):
    """Integrates the power that batteries show: `power_now`, or current times voltage."""

    interval = 1.0

    def __init__(self, root: Path, batteries: Sequence[Path]) -> None:
        super().__init__(DOMAIN, f"{SOURCE} ({_names(batteries)})", "gauge", "machine")
        self._root, self._batteries = root, batteries
        self._sum = Integral(self._watts())

    def _watts(self) -> float:
        _check(self._root)
        return sum(_watts(battery) for battery in self._batteries)

    def _read(self) -> float:
        return self._sum.to(self._watts())


class ChargeMeter(Meter):
    """What batteries have lost since it was opened, where they show no power. They count in coarse
    steps; `resolution` is the largest that was seen."""

    interval = 1.0

    def __init__(self, root: Path, batteries: Sequence[Path]) -> None:
        super().__init__(DOMAIN, f"{SOURCE} ({_names(batteries)})", "gauge", "machine")
        self._root, self._batteries = root, batteries
        self._first = self._last = self._held()

    def _held(self) -> float:
        _check(self._root)
        return sum(_held(battery) for battery in self._batteries)

    def _read(self) -> float:
        held = self._held()
        self.resolution = max(self.resolution, abs(self._last - held))
        self._last = held
        return self._first - held


def find(root: Path = ROOT) -> list[Meter | Missing]:
    """The meter of the machine's batteries; nothing where it has none."""
    batteries = [supply for supply in sorted(root.glob("*")) if _is_battery(supply)]
    if not batteries:
        return []
    try:
        _check(root)
        for kind, known in ((PowerMeter, _watts), (ChargeMeter, _held)):
            if all(_is_known(known, battery) for battery in batteries):
                return [kind(root, batteries)]
    except OSError as error:
        remedy = UNPLUG if str(error) == PLUGGED_IN else ""
        return [Missing(DOMAIN, SOURCE, "machine", str(error), remedy)]
    return [Missing(DOMAIN, SOURCE, "machine", "its battery shows neither power nor energy")]


def _is_battery(supply: Path) -> bool:
    """Whether it is one of the machine's own; an empty bay is shown as one that is not present."""
    is_there = text(supply / "present") != "0" and text(supply / "scope") != "Device"
    return is_there and text(supply / "type") == "Battery"


def _check(root: Path) -> None:
    """OSError unless a battery is being emptied, and none is charged."""
    states = [text(supply / "status") for supply in root.glob("*") if _is_battery(supply)]
    if "Charging" in states or "Discharging" not in states:
        raise OSError(PLUGGED_IN)


def _watts(battery: Path) -> float:
    if text(battery / "power_now"):
        return abs(_micro(battery, "power_now"))
    return abs(_micro(battery, "current_now")) * _micro(battery, "voltage_now")


def _held(battery: Path) -> float:
    """Joules in it: `energy_now` is in µWh, and `charge_now` in µAh."""
    if text(battery / "energy_now"):
        return _micro(battery, "energy_now") * 3600
    return _micro(battery, "charge_now") * 3600 * _micro(battery, "voltage_now")


def _is_known(read: object, battery: Path) -> bool:
    try:
        return callable(read) and read(battery) is not None
    except OSError:
        return False


def _micro(battery: Path, name: str) -> float:
    shown = text(battery / name)
    if not shown.lstrip("-").isdigit():
        raise OSError(f"{battery / name} cannot be read")
    return int(shown) / 1e6


def _names(batteries: Sequence[Path]) -> str:
    return ", ".join(battery.name for battery in batteries)
