"""How much memory there is, and how much of it a model may take, within the process's limits."""

from dataclasses import dataclass
from pathlib import Path

from runner.machine import cgroups


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of main memory: all that this process could ever use, and what is free to take now.

    `available` counts the page cache, which gives way; it does not count swap.
    """

    total: int
    available: int


def memory(proc: Path = cgroups.PROC) -> Memory:
    """The machine's memory, or a container's where its limit is tighter."""
    import psutil

    machine = psutil.virtual_memory()
    return within_groups(Memory(machine.total, machine.available), cgroups.groups("memory", proc))


def within_groups(machine: Memory, groups: list[cgroups.Group]) -> Memory:
    """`machine` cut down to the tightest of `groups`, and to what is left inside each."""
    total, available = machine.total, machine.available
    for group in groups:
        limit = group.number("memory.max" if group.version == 2 else "memory.limit_in_bytes")
        if limit is None:
            continue
        total = min(total, limit)
        available = min(available, max(0, limit - _occupied(group)))
    return Memory(total, min(available, total))


def _occupied(group: cgroups.Group) -> int:
    """Bytes charged to a group less its file pages, which the kernel drops when it needs room."""
    version2 = group.version == 2
    used = group.number("memory.current" if version2 else "memory.usage_in_bytes") or 0
    words = group.words("memory.stat")
    statistics = dict(zip(words[::2], words[1::2], strict=False))
    prefix = "" if version2 else "total_"
    cached = sum(int(statistics.get(f"{prefix}{kind}_file", 0)) for kind in ("active", "inactive"))
    return max(0, used - cached)
