"""Counters as they were recorded from /sys/class/powercap, and what may be wrong with them."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.machine.energy.meter import Meter, Missing, Wrapping
from runner.machine.energy.powercap import find
from tests.machine.trees import deny, write

RANGE = 262143328850  # of an Intel laptop


def zone(folder: Path, path: str, name: str, count: int, span: int = RANGE) -> None:
    files = {"name": name, "energy_uj": count, "max_energy_range_uj": span}
    write(folder / path, files)


def readable(folder: Path) -> dict[str, Meter]:
    found = find(folder, folder / "cpuinfo")
    assert all(isinstance(one, Meter) for one in found), found
    return {one.part: one for one in found if isinstance(one, Meter)}


def test_zones_within_each_other_are_never_added(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    zone(tmp_path, "intel-rapl:0:0", "core", 400_000)
    zone(tmp_path, "intel-rapl:0:1", "uncore", 100_000)
    zone(tmp_path, "intel-rapl:0:2", "dram", 50_000)
    zone(tmp_path, "intel-rapl:1", "psys", 9_000_000)
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 1_000_000)
    found = readable(tmp_path)
    assert list(found) == ["machine", "processor", "memory"]  # the widest first
    zone(tmp_path, "intel-rapl:0", "package-0", 3_500_000)
    zone(tmp_path, "intel-rapl:0:0", "core", 2_400_000)
    zone(tmp_path, "intel-rapl:0:2", "dram", 350_000)
    zone(tmp_path, "intel-rapl:1", "psys", 14_000_000)
    assert found["processor"].joules() == pytest.approx(2.5)
    assert found["memory"].joules() == pytest.approx(0.3)
    assert found["machine"].joules() == pytest.approx(5.0)
    assert found["processor"].kind == "counter"
    assert "intel-rapl:0" in found["processor"].source


def test_a_counter_wraps_around(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", RANGE - 999_999)
    meter = readable(tmp_path)["processor"]
    zone(tmp_path, "intel-rapl:0", "package-0", 2_000_000)
    assert meter.joules() == pytest.approx(3.0)
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)  # once more around
    assert meter.joules() == pytest.approx(3.0 + (RANGE - 999_999) / 1e6)


@given(st.lists(st.integers(0, 999), max_size=20), st.integers(0, 999))
def test_wrapping_adds_up_what_was_counted(steps: list[int], first: int) -> None:
    counter, total = Wrapping(first, 1000), 0
    for step in steps:
        total += step
        assert counter.to((first + total) % 1000) == total


def test_several_packages_are_added(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    zone(tmp_path, "intel-rapl:1", "package-1", 70_000_000)
    meter = readable(tmp_path)["processor"]
    zone(tmp_path, "intel-rapl:0", "package-0", 6_000_000)
    zone(tmp_path, "intel-rapl:1", "package-1", 72_000_000)
    assert meter.joules() == pytest.approx(3.0)


def test_dies_that_mirror_one_counter_are_counted_once(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0-die-0", 70_000_000)
    zone(tmp_path, "intel-rapl:1", "package-0-die-1", 70_020_000)  # read a moment later
    meter = readable(tmp_path)["processor"]
    zone(tmp_path, "intel-rapl:0", "package-0-die-0", 74_000_000)
    zone(tmp_path, "intel-rapl:1", "package-0-die-1", 74_030_000)
    assert meter.joules() == pytest.approx(4.0)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1)
    (tmp_path / "intel-rapl:0/energy_uj").chmod(0)
    (missing,) = find(tmp_path, tmp_path / "cpuinfo")
    assert isinstance(missing, Missing)
    assert "only root" in missing.reason
    assert "chmod a+r" in missing.remedy


def test_permission_denied_as_the_kernel_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1)
    deny(monkeypatch, "energy_uj", 13, "Permission denied")
    (missing,) = find(tmp_path, tmp_path / "cpuinfo")
    assert isinstance(missing, Missing)
    assert missing.reason == "only root may read the processor's energy counters"


def test_absence_says_whether_this_is_a_virtual_machine(tmp_path: Path) -> None:
    write(tmp_path, {"cpuinfo": "processor : 0\nvendor_id : GenuineIntel\nflags : fpu vme lm\n"})
    (missing,) = find(tmp_path / "none", tmp_path / "cpuinfo")
    assert isinstance(missing, Missing)
    assert "modprobe" in missing.remedy
    write(tmp_path, {"cpuinfo": "processor : 0\nflags : fpu vme hypervisor lm\nbugs :"})
    (missing,) = find(tmp_path / "none", tmp_path / "cpuinfo")
    assert isinstance(missing, Missing)
    assert "virtual machine" in missing.reason


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_container_that_hides_the_counters_needs_no_module(tmp_path: Path) -> None:
    """Docker and Podman put an empty folder where the links of /sys/class/powercap lead."""
    write(tmp_path, {"cpuinfo": "vendor_id : GenuineIntel\nflags : fpu vme lm\n"})
    (tmp_path / "class").mkdir()
    (tmp_path / "class/intel-rapl:0").symlink_to(tmp_path / "virtual/powercap/intel-rapl:0")
    (missing,) = find(tmp_path / "class", tmp_path / "cpuinfo")
    assert isinstance(missing, Missing)
    assert "container" in missing.reason and "modprobe" not in missing.remedy


def test_other_processors_than_x86_have_no_such_module(tmp_path: Path) -> None:
    write(tmp_path, {"cpuinfo": "processor : 0\nFeatures : fp asimd\nCPU implementer : 0x41\n"})
    (missing,) = find(tmp_path / "none", tmp_path / "cpuinfo")
    assert isinstance(missing, Missing)
    assert "kind of processor" in missing.reason and missing.remedy == ""


def test_a_counter_that_holds_no_number(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1)
    meter = readable(tmp_path)["processor"]
    write(tmp_path, {"intel-rapl:0/energy_uj": "?"})
    with pytest.raises(OSError, match="no number"):
        meter.joules()
