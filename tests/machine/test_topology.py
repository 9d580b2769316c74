import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from runner.machine import topology
from runner.machine.topology import Core
from tests.machine.trees import write


def siblings(*lists: str) -> dict[str, object]:
    """topology/thread_siblings_list of cpu0, cpu1 and so on."""
    return {
        f"system/cpu/cpu{number}/topology/thread_siblings_list": shared
        for number, shared in enumerate(lists)
    }


def test_hyperthreads_share_a_core(tmp_path: Path) -> None:
    write(tmp_path, siblings("0,2", "1,3", "0,2", "1,3"))
    assert topology.linux_cores(tmp_path) == [Core(frozenset({0, 2})), Core(frozenset({1, 3}))]


def test_intel_hybrid(tmp_path: Path) -> None:
    """A Core i5-1240P in small: performance cores have two threads, efficient ones have one."""
    write(tmp_path, siblings("0-1", "0-1", "2-3", "2-3", "4", "5", "6"))
    write(tmp_path, {"cpu_core/cpus": "0-3", "cpu_atom/cpus": "4-6"})
    cores = topology.linux_cores(tmp_path)
    assert [core.performance for core in cores] == [True, True, False, False, False]


def test_arm_with_three_sizes_of_core(tmp_path: Path) -> None:
    """Capacities as a Tensor G3 has them: four little, four middle, one big core."""
    write(tmp_path, siblings(*map(str, range(9))))
    capacities = [160] * 4 + [597] * 4 + [1024]
    write(
        tmp_path,
        {f"system/cpu/cpu{number}/cpu_capacity": size for number, size in enumerate(capacities)},
    )
    fast = [core.performance for core in topology.linux_cores(tmp_path)]
    assert fast == [False] * 4 + [True] * 5


def test_offline_processors_have_no_topology(tmp_path: Path) -> None:
    write(tmp_path, siblings("0", "1"))
    (tmp_path / "system/cpu/cpu2").mkdir()
    (tmp_path / "system/cpu/cpufreq").mkdir()
    assert len(topology.linux_cores(tmp_path)) == 2


def test_a_hidden_topology(tmp_path: Path) -> None:
    assert topology.linux_cores(tmp_path) == []
    assert topology.assumed_cores(2, 4) == [Core(frozenset({0, 2})), Core(frozenset({1, 3}))]
    assert topology.assumed_cores(0, 1) == [Core(frozenset({0}))]


def test_apple_silicon() -> None:
    listing = """hw.ncpu: 8
hw.physicalcpu: 8
hw.logicalcpu: 8
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 4
hw.perflevel0.logicalcpu: 4
hw.perflevel0.name: Performance
hw.perflevel1.physicalcpu: 4
hw.perflevel1.logicalcpu: 4
hw.memsize: 17179869184
"""
    cores = topology.counted_cores(listing)
    assert [core.performance for core in cores] == [True] * 4 + [False] * 4
    assert len(frozenset().union(*(core.logical for core in cores))) == 8


def test_an_intel_mac() -> None:
    cores = topology.counted_cores("hw.physicalcpu: 2\nhw.logicalcpu: 4\n")
    assert cores == [Core(frozenset({0, 1})), Core(frozenset({2, 3}))]
    assert topology.counted_cores("") == []


def windows_record(efficiency: int, *masks: tuple[int, int]) -> bytes:
    body = b"".join(struct.pack("<QH6x", mask, group) for mask, group in masks)
    head = struct.pack("<IIBB20xH", 0, 32 + len(body), 1, efficiency, len(masks))
    return head + body


def test_windows_records() -> None:
    records = (
        windows_record(1, (0b11, 0)) + windows_record(1, (0b1100, 0)) + windows_record(0, (1, 1))
    )
    assert topology.windows_cores(records) == [
        Core(frozenset({0, 1}), True),
        Core(frozenset({2, 3}), True),
        Core(frozenset({64}), False),
    ]
    assert topology.windows_cores(b"") == []


@given(st.sets(st.integers(0, 300)))
def test_a_list_of_numbers_is_read_back(numbers: set[int]) -> None:
    assert topology.parse_list(",".join(map(str, sorted(numbers)))) == numbers


@given(st.integers(0, 200), st.integers(0, 60))
def test_a_range_holds_both_ends(first: int, length: int) -> None:
    found = topology.parse_list(f"{first}-{first + length}\n")
    assert found == frozenset(range(first, first + length + 1))


def test_names_of_processors() -> None:
    x86 = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel\t\t: 2\nmodel name\t: AMD EPYC 9654\n"
    pi = "processor\t: 0\nCPU part\t: 0xd0b\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n"
    assert topology.model_name(x86) == "AMD EPYC 9654"
    assert topology.model_name(pi) == "Raspberry Pi 5 Model B Rev 1.0"
    assert topology.model_name("CPU implementer\t: 0x41\n") == ""
