"""AMD's GPUs as their driver shows them in /sys/class/drm."""

from pathlib import Path

import pytest

from runner.machine import energy
from runner.machine.energy import Meter, Missing, amdgpu, powercap
from runner.machine.energy.amdgpu import GpuPower, find
from tests.machine.trees import deny, write

CARD = {"name": "amdgpu", "temp1_input": 41000, "in0_label": "vddgfx"}


def card(root: Path, number: int, **files: object) -> Path:
    """A card with its sensors, and the socket for a screen that Linux lists beside it."""
    write(root / f"card{number}-DP-1", {"status": "connected"})
    return write(root / f"card{number}/device/hwmon/hwmon{number + 3}", {**CARD, **files})


def test_power_is_added_up_over_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 2.0, 4.0])
    monkeypatch.setattr(
        amdgpu, "Integral", lambda watts: energy.meter.Integral(watts, lambda: next(times))
    )
    sensors = card(tmp_path, 0, power1_average=30_000_000)
    (meter,) = find(tmp_path)
    assert isinstance(meter, GpuPower)
    assert (meter.kind, meter.part, meter.domain) == ("gauge", "gpu", "GPU card0 (AMD)")
    assert meter.joules() == pytest.approx(60.0)
    write(sensors, {"power1_average": 90_000_000})
    assert meter.joules() == pytest.approx(60.0 + 120.0)


def test_newer_cards_show_it_under_another_name(tmp_path: Path) -> None:
    card(tmp_path, 0, power1_input=25_500_000)
    (meter,) = find(tmp_path)
    assert isinstance(meter, GpuPower)
    assert meter._watts() == 25.5


def test_several_cards_and_others(tmp_path: Path) -> None:
    card(tmp_path, 0, name="nouveau", power1_input=1)
    card(tmp_path, 1, power1_average=10_000_000)
    card(tmp_path, 2, power1_average=20_000_000)
    found = find(tmp_path)
    assert [one.domain for one in found] == ["GPU card1 (AMD)", "GPU card2 (AMD)"]
    assert [meter._watts() for meter in found if isinstance(meter, GpuPower)] == [10.0, 20.0]
    assert find(tmp_path / "none") == []


def test_one_that_does_not_tell(tmp_path: Path) -> None:
    card(tmp_path, 0)
    (missing,) = find(tmp_path)
    assert missing == Missing("GPU card0 (AMD)", "amdgpu", "gpu", "the GPU does not tell its power")


def test_one_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the driver answers while a card sleeps; whoever runs the tests may read every file."""
    sensors = card(tmp_path, 0, power1_average=1)
    deny(monkeypatch, "power1_average", 1, "Operation not permitted")
    (missing,) = find(tmp_path)
    assert isinstance(missing, Missing)
    assert "Operation not permitted" in missing.reason
    write(sensors, {"power1_input": 5_000_000})
    (meter,) = find(tmp_path)
    assert isinstance(meter, GpuPower)
    assert meter._watts() == 5.0


@pytest.mark.parametrize("shown", ["", "-1", "n/a", "12 W"])
def test_one_that_goes_astray_meanwhile(tmp_path: Path, shown: str) -> None:
    sensors = card(tmp_path, 0, power1_average=1_000_000)
    (meter,) = find(tmp_path)
    assert isinstance(meter, Meter)
    write(sensors, {"power1_average": shown})
    with pytest.raises(OSError, match="no number"):
        meter.joules()


def test_a_chip_with_a_processor_counts_once(tmp_path: Path) -> None:
    card(tmp_path, 0, in1_label="vddnb", power1_average=15_000_000)
    chip = find(tmp_path)
    assert [one.part for one in chip] == ["processor"]
    assert chip[0].domain == "AMD chip (processor and GPU, card0)"
    zone = {"name": "package-0", "max_energy_range_uj": 1000, "energy_uj": 5}
    write(tmp_path / "powercap/intel-rapl:0", zone)
    package = powercap.find(tmp_path / "powercap", tmp_path / "cpuinfo")
    assert energy.without_twice(package, chip) == []
    unread = Missing("processor package", "RAPL", "processor", "only root may read")
    assert energy.without_twice([unread], chip) == chip
    card(tmp_path, 1, power1_average=15_000_000)
    assert [one.part for one in energy.without_twice(package, find(tmp_path))] == ["gpu"]
