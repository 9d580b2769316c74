"""Which logical processors share a core, and which cores are the fast ones.

Two threads on one core's hyperthreads run llama.cpp no faster than one, and a slow core makes the
fast ones wait at every layer, so both are told apart here.
"""

import itertools
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.machine.sources import sysctl, text

SYSTEM = Path("/sys/devices")


@dataclass(frozen=True, slots=True)
class Core:
    """A physical core: the logical processors on it, and whether it is one of the fast kind."""

    logical: frozenset[int]
    performance: bool = True


def linux_cores(system: Path = SYSTEM) -> list[Core]:
    """The cores that the kernel lists under `system`; none where it hides them."""
    siblings = {
        parse_list(shared)
        for shared in (
            text(processor / "topology/thread_siblings_list")
            for processor in (system / "system/cpu").glob("cpu[0-9]*")
        )
        if shared
    }
    fast = _intel_performance(system) or _largest_capacity(system)
    return [
        Core(core, performance=fast is None or not fast.isdisjoint(core))
        for core in sorted(siblings, key=min)
    ]


def _intel_performance(system: Path) -> frozenset[int] | None:
    """The processors of Intel's hybrid chips that count events as `cpu_core`, not `cpu_atom`."""
    return parse_list(text(system / "cpu_core/cpus")) or None


def _largest_capacity(system: Path) -> frozenset[int] | None:
    """On Arm, the processors with at least half the capacity (0 to 1024) of the largest one."""
    capacities = {
        int(path.parent.name.removeprefix("cpu")): int(capacity)
        for path in (system / "system/cpu").glob("cpu[0-9]*/cpu_capacity")
        if (capacity := text(path)).isdigit()
    }
    if not capacities:
        return None
    most = max(capacities.values())
    return frozenset(number for number, capacity in capacities.items() if 2 * capacity >= most)


def macos_cores() -> list[Core]:
    """The cores that sysctl counts; macOS numbers no processors, so their numbers are made up."""
    return counted_cores(sysctl("hw"))


def counted_cores(listing: str) -> list[Core]:
    """Cores from `sysctl hw`: Apple silicon counts them by level, level 0 the fastest."""
    counts = {
        key: int(value) for key, value in re.findall(r"^hw\.(\S+)[:=]\s*(\d+)$", listing, re.M)
    }
    numbers = itertools.count()

    def level(prefix: str, *, performance: bool) -> list[Core]:
        physical = counts.get(f"{prefix}physicalcpu", 0)
        threads = counts.get(f"{prefix}logicalcpu", physical) // physical if physical else 0
        return [
            Core(frozenset(itertools.islice(numbers, threads)), performance)
            for _ in range(physical)
        ]

    levels = range(counts.get("nperflevels", 0))
    by_level = [
        core for number in levels for core in level(f"perflevel{number}.", performance=number == 0)
    ]
    return by_level or level("", performance=True)


def windows_cores(records: bytes) -> list[Core]:
    """Cores from GetLogicalProcessorInformationEx(RelationProcessorCore), 64-bit.

    Each record is a SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX with a PROCESSOR_RELATIONSHIP: its
    size at byte 4, the efficiency class (higher is faster) at 9, the group count at 30, and from
    32 on sixteen bytes a group: a 64-bit mask and the group's number.
    """
    found: list[tuple[int, frozenset[int]]] = []
    offset = 0
    while offset + 32 <= len(records):
        size, efficiency, groups = struct.unpack_from("<4xIxB20xH", records, offset)
        masks = (
            struct.unpack_from("<QH", records, offset + 32 + 16 * index) for index in range(groups)
        )
        found.append((efficiency, _bits(masks)))
        offset += max(size, 32)
    fastest = max((efficiency for efficiency, _ in found), default=0)
    return [Core(logical, efficiency == fastest) for efficiency, logical in found]


def _bits(masks: Iterable[tuple[int, int]]) -> frozenset[int]:
    return frozenset(
        64 * group + bit for mask, group in masks for bit in range(64) if mask >> bit & 1
    )


def assumed_cores(physical: int, logical: int) -> list[Core]:
    """`physical` cores for `logical` processors where nothing tells how they pair up."""
    physical = max(1, physical)
    return [Core(frozenset(range(core, logical, physical))) for core in range(physical)]


def parse_list(listing: str) -> frozenset[int]:
    """The numbers of the kernel's list format: "0-3,8" is 0, 1, 2, 3 and 8."""
    ranges = re.findall(r"(\d+)(?:-(\d+))?", listing)
    return frozenset(
        number for first, last in ranges for number in range(int(first), int(last or first) + 1)
    )


def model_name(cpuinfo: str) -> str:
    """The processor's name in /proc/cpuinfo; empty on Arm, which gives only numbers there."""
    fields: Mapping[str, str] = dict(
        re.findall(r"^(model name|Model|Hardware)\s*:\s*(.+)$", cpuinfo, re.M)
    )
    return next(
        (fields[key].strip() for key in ("model name", "Model", "Hardware") if key in fields), ""
    )
