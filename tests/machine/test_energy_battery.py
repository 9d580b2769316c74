"""Batteries as laptops show them in /sys/class/power_supply."""

from pathlib import Path

import pytest

from runner.machine.energy import battery
from runner.machine.energy.battery import ChargeMeter, PowerMeter, find
from runner.machine.energy.meter import Integral, Meter, Missing
from tests.machine.trees import write

DISCHARGING = {"type": "Battery", "status": "Discharging", "scope": "System"}


def supply(folder: Path, name: str, **files: object) -> None:
    write(folder / name, DISCHARGING | files)


def only(found: list[Meter | Missing]) -> Meter | Missing:
    (one,) = found
    return one


def test_power_is_shown_or_is_current_times_voltage(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", power_now=12_500_000, energy_now=40_000_000)
    assert isinstance(meter := only(find(tmp_path)), PowerMeter)
    assert meter._watts() == 12.5
    supply(tmp_path, "BAT1", current_now=-1_000_000, voltage_now=7_500_000)
    assert isinstance(meter := only(find(tmp_path)), PowerMeter)
    assert meter._watts() == 20.0  # both together
    assert meter.kind == "gauge"
    assert meter.part == "machine"
    assert "BAT0, BAT1" in meter.source


def test_power_is_added_up_over_time() -> None:
    times = iter([0.0, 1.0, 3.0])
    energy = Integral(10.0, lambda: next(times))
    assert energy.to(10.0) == 10.0
    assert energy.to(20.0) == 40.0


def test_without_power_the_loss_of_energy(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", energy_now=40_000_000)
    assert isinstance(meter := only(find(tmp_path)), ChargeMeter)
    assert meter.joules() == 0
    supply(tmp_path, "BAT0", energy_now=39_990_000)
    assert meter.joules() == pytest.approx(36.0)  # 10 mWh
    assert meter.resolution == pytest.approx(36.0)


def test_or_the_loss_of_charge(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", charge_now=4_000_000, voltage_now=10_000_000)
    assert isinstance(meter := only(find(tmp_path)), ChargeMeter)
    supply(tmp_path, "BAT0", charge_now=3_999_000, voltage_now=10_000_000)
    assert meter.joules() == pytest.approx(36.0)


@pytest.mark.parametrize("status", ["Charging", "Full", "Not charging", "Unknown"])
def test_on_mains_it_tells_nothing(tmp_path: Path, status: str) -> None:
    supply(tmp_path, "BAT0", power_now=5_000_000, status=status)
    missing = only(find(tmp_path))
    assert isinstance(missing, Missing)
    assert missing.reason == battery.PLUGGED_IN
    assert missing.remedy == "Unplug it."


def test_plugged_in_meanwhile(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", power_now=5_000_000)
    meter = only(find(tmp_path))
    assert isinstance(meter, Meter)
    supply(tmp_path, "BAT0", power_now=5_000_000, status="Charging")
    with pytest.raises(OSError, match="plugged in"):
        meter.joules()


def test_no_battery_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, {"AC/type": "Mains", "AC/online": 1})
    supply(tmp_path, "mouse", scope="Device", power_now=1)
    assert find(tmp_path) == []
    assert find(tmp_path / "none") == []


def test_an_empty_bay_is_no_battery(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", power_now=12_500_000, present=1)
    supply(tmp_path, "BAT1", present=0, status="Unknown")
    assert isinstance(meter := only(find(tmp_path)), PowerMeter)
    assert meter._watts() == 12.5 and "BAT1" not in meter.source


def test_a_battery_that_shows_nothing(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0")
    missing = only(find(tmp_path))
    assert isinstance(missing, Missing)
    assert "neither power nor energy" in missing.reason
