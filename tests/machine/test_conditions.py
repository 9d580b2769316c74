import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from runner.machine import cgroups
from runner.machine.conditions import Watch
from runner.machine.load import Family, Ticks, of_allowed, ticks
from runner.machine.senses import Senses, senses_here
from runner.machine.senses.linux import LinuxSenses
from runner.machine.senses.macos import power_mode
from runner.machine.usage import Peak, parse_status, peak_memory, resident
from tests.machine.trees import write

LAPTOP = {
    "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": 3_400_000,
    "devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave",
    "devices/system/cpu/cpu0/cpufreq/energy_performance_preference": "balance_power",
    "devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": 7,
    "devices/system/cpu/cpu0/thermal_throttle/package_throttle_count": 11,
    "devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": 800_000,
    "devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": 2,
    "devices/system/cpu/cpu1/thermal_throttle/package_throttle_count": 11,
    "devices/system/cpu/cpu0/topology/physical_package_id": 0,
    "devices/system/cpu/cpu1/topology/physical_package_id": 0,
    "class/hwmon/hwmon0/name": "nvme",
    "class/hwmon/hwmon0/temp1_input": 30_000,
    "class/hwmon/hwmon1/name": "coretemp",
    "class/hwmon/hwmon1/temp1_input": 71_000,
    "class/hwmon/hwmon1/temp1_label": "Core 0",
    "class/hwmon/hwmon1/temp2_input": 74_000,
    "class/hwmon/hwmon1/temp2_label": "Package id 0",
    "class/power_supply/AC/type": "Mains",
    "class/power_supply/AC/online": 0,
    "class/power_supply/BAT0/type": "Battery",
    "class/power_supply/BAT0/status": "Discharging",
}


def test_what_a_laptop_shows(tmp_path: Path) -> None:
    senses = LinuxSenses(write(tmp_path, LAPTOP), groups=[])
    assert senses.megahertz() in (3400, 800, None)  # of the processors this process may use
    assert senses.temperature() == 74
    assert senses.throttled() == 7 + 2 + 11
    assert senses.governor() == "powersave, balance_power"
    assert senses.on_battery() is True
    write(tmp_path, {"class/power_supply/AC/online": 1})
    assert senses.on_battery() is False


def test_every_processor_that_is_throttled_counts(tmp_path: Path) -> None:
    """Also one that was throttled less often so far than another, and each package."""
    processors = {"cpu0": (0, 1000, 5), "cpu1": (0, 10, 5), "cpu2": (1, 0, 40), "cpu3": (1, 0, 40)}
    for name, (package, core, shared) in processors.items():
        folder = f"devices/system/cpu/{name}"
        write(tmp_path, {
            f"{folder}/topology/physical_package_id": package,
            f"{folder}/thermal_throttle/core_throttle_count": core,
            f"{folder}/thermal_throttle/package_throttle_count": shared,
        })  # fmt: skip
    senses = LinuxSenses(tmp_path, groups=[])
    before = senses.throttled()
    assert before == 1000 + 10 + 5 + 40
    write(tmp_path, {"devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": 500})
    assert senses.throttled() == before + 490
    write(tmp_path, {"devices/system/cpu/cpu0/thermal_throttle/package_throttle_count": 6})
    assert senses.throttled() == before + 491


def test_a_quota_that_is_used_up_is_a_limit(tmp_path: Path) -> None:
    group = write(tmp_path / "group", {"cpu.stat": "usage_usec 1\nnr_periods 9\nnr_throttled 4"})
    senses = LinuxSenses(tmp_path / "sys", groups=[cgroups.Group(2, group)])
    assert senses.throttled() == 4


def test_a_thermal_zone_where_there_is_no_sensor(tmp_path: Path) -> None:
    zones = {"thermal_zone0/type": "acpitz", "thermal_zone0/temp": 20_000}
    zones |= {"thermal_zone1/type": "x86_pkg_temp", "thermal_zone1/temp": 55_500}
    assert (
        LinuxSenses(write(tmp_path / "class/thermal", zones).parents[1], []).temperature() == 55.5
    )


def test_a_machine_that_says_nothing(tmp_path: Path) -> None:
    senses = LinuxSenses(tmp_path, groups=[])
    assert senses.megahertz() is senses.temperature() is senses.throttled() is None
    assert senses.governor() is None
    assert senses.on_battery() is False


def test_power_modes_of_a_mac() -> None:
    assert power_mode("System-wide power settings:\n lowpowermode         1\n") == "low power"
    assert power_mode(" powermode 2\n lowpowermode 0") == "high power"
    assert power_mode(" lowpowermode 0") == "automatic"
    assert power_mode("") is None


def test_others_are_neither_this_process_nor_idle() -> None:
    before = Ticks(0, total=100, busy=40, own=10)
    assert Ticks(1, total=110, busy=46, own=13).others_since(before) == pytest.approx(0.3)
    assert Ticks(1, total=110, busy=42, own=13).others_since(before) == 0  # rounding of the kernel
    assert before.others_since(before) is None


def test_load_is_of_the_processors_that_may_be_used() -> None:
    """64 processors of which 0 to 3 are allowed, and a hog on 0: a quarter, not a sixty-fourth."""
    every = [1.0, *[0.0] * 63]
    assert of_allowed(every, frozenset(range(64)), frozenset(range(4))) == [1.0, 0.0, 0.0, 0.0]
    assert of_allowed(every, frozenset(range(64)), None) == every
    assert of_allowed("abc", frozenset(), frozenset({0, 2})) == ["a", "c"]  # not Linux
    # Of 0 to 4, 1 and 3 are off; and a container's list, in which nobody knows which is which.
    assert of_allowed("ace", frozenset({0, 2, 4}), frozenset({2, 4})) == ["c", "e"]
    assert of_allowed("ab", frozenset({0, 1}), frozenset({1, 5})) == "ab"
    assert of_allowed("ab", frozenset(range(8)), frozenset({1})) == "ab"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="nothing to bind a process with")
def test_ticks_of_a_process_that_is_bound() -> None:
    """Half of two processors' time passes on one of them."""
    mine = os.sched_getaffinity(0)
    if len(mine) < 2:
        pytest.skip("one processor cannot be less than all")

    def passed() -> float:
        before = ticks(Family())
        time.sleep(0.5)
        after = ticks(Family())
        return (after.total - before.total) / (after.time - before.time)

    everywhere = passed()
    try:
        os.sched_setaffinity(0, {min(mine)})
        bound = passed()
    finally:
        os.sched_setaffinity(0, mine)
    assert bound == pytest.approx(1, abs=0.3)
    assert everywhere == pytest.approx(len(mine), rel=0.3)


def test_processes_of_the_family_are_not_among_the_others() -> None:
    code = "import time\nwhile time.process_time() < 0.5: pass\nprint('done', flush=True)\ninput()"
    started = [sys.executable, "-c", code]
    with subprocess.Popen(started, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as busy:
        alone, together = Family(), Family([busy.pid, os.getpid()])
        before = ticks(alone), ticks(together)
        assert busy.stdout is not None and busy.stdout.readline()
        after = ticks(alone), ticks(together)
        took = [now.own - then.own for then, now in zip(before, after, strict=True)]
        assert took[1] - took[0] > 0.3
        busy.kill()
    # What it took stays taken where it is gone.
    assert together.seconds() - alone.seconds() > 0.3


class Counted(Senses):
    hits = 3

    def throttled(self) -> int | None:
        return self.hits

    def temperature(self) -> float | None:
        return 60.0


def test_a_watch_tells_what_happened_between() -> None:
    senses = Counted()
    watch = Watch(senses)
    watch.begin()
    first = watch.end()
    assert first.throttled == 0
    assert first.other_cpu is None  # too short to tell
    watch.begin()
    senses.hits = 5
    time.sleep(0.3)
    told = watch.end()
    assert told.throttled == 2
    assert told.temperature == 60
    assert told.other_cpu is not None
    assert 0 <= told.other_cpu <= 1
    if sys.platform != "win32":
        assert told.minor_faults is not None
        assert told.minor_faults >= 0


def test_faults_of_memory_that_is_touched() -> None:
    if sys.platform == "win32":
        pytest.skip("Windows does not tell kinds of faults apart")
    watch = Watch(Senses())
    watch.begin()
    taken = bytearray(32 * 1024**2)
    told = watch.end()
    assert taken
    assert told.minor_faults
    assert told.major_faults is not None


def test_an_end_without_a_beginning() -> None:
    with pytest.raises(RuntimeError):
        Watch(Senses()).end()


def test_this_machine() -> None:
    watch = Watch(senses_here())
    watch.begin()
    told = watch.end()
    assert told.mhz is None or told.mhz > 0
    assert told.on_battery in (True, False, None)


def test_memory_of_its_own_and_of_files() -> None:
    status = "VmRSS:\t 9 kB\nRssAnon:\t     152 kB\nRssFile:\t    1928 kB\nRssShmem:\t       8 kB\n"
    assert parse_status(status) == (160 * 1024, 1928 * 1024)
    assert parse_status("Name: x") is None


def test_a_peak_is_kept() -> None:
    peak = Peak(os.getpid())  # its own: other tests may have made this process large before
    before = peak.so_far()
    if before is None:
        pytest.skip("this system does not tell a process's memory")
    taken = bytearray(64 * 1024**2)
    during = peak.so_far()
    del taken
    after = peak.so_far()
    peak.stop()
    assert during is not None
    assert during[0] >= before[0] + 60 * 1024**2
    assert after is not None
    assert after >= during


def test_a_peak_is_no_longer_followed_after_the_last_question() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with child:
        if peak_memory(child.pid) is None:
            pytest.skip("this system does not tell a process's memory")
        assert [one for one in threading.enumerate() if one.name == f"peak-memory {child.pid}"]
        peak = peak_memory(child.pid, last=True)
        for follower in threading.enumerate():
            if follower.name == f"peak-memory {child.pid}":
                follower.join(5)
                assert not follower.is_alive()
        again = peak_memory(child.pid)
        assert peak is not None and again is not None and again >= peak
        child.kill()


def test_a_process_that_is_gone() -> None:
    assert resident(2**22 + 1) is None
    assert peak_memory(2**22 + 1) is None
