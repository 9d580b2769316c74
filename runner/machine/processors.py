"""The processor, and how many threads of it are worth using.

llama.cpp gains nothing from hyperthreads, loses on slow cores, and stalls badly with more threads
than a container's quota lets run at once: its threads wait for each other at every operation.
"""

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.machine import cgroups, topology
from runner.machine.sources import output, sysctl, text
from runner.machine.topology import Core


@dataclass(frozen=True, slots=True)
class Processors:
    """`physical` and `performance` count the machine's cores, `logical` its processors.

    `usable` is how many threads to run: performance cores within affinity and quota, at least 1.
    `quota` is how many processors' worth of time a control group allows; None without a limit.
    """

    name: str
    physical: int
    logical: int
    performance: int
    usable: int
    quota: float | None = None


def processors(*, proc: Path = cgroups.PROC, system: Path = topology.SYSTEM) -> Processors:
    """The machine's processors, as far as this process may use them."""
    cores = _cores(system)
    quota = cpu_quota(cgroups.groups("cpu", proc))
    return Processors(
        name=_name(),
        physical=len(cores),
        logical=sum(len(core.logical) for core in cores),
        performance=sum(core.performance for core in cores),
        usable=usable_threads(cores, allowed(), quota),
        quota=quota,
    )


def usable_threads(
    cores: Sequence[Core], allowed: frozenset[int] | None, quota: float | None
) -> int:
    """Fast cores among the `allowed` logical processors (None: all), within `quota`; at least 1."""
    within = [core for core in cores if allowed is None or core.logical & allowed]
    fast = [core for core in within if core.performance] or within
    count = len(fast) if quota is None else min(len(fast), int(quota))
    return max(1, count)


def cpu_quota(groups: Sequence[cgroups.Group]) -> float | None:
    """The tightest quota of `groups`, in processors; None without one."""
    quotas = [quota for group in groups if (quota := _quota(group)) is not None]
    return min(quotas, default=None)


def _quota(group: cgroups.Group) -> float | None:
    if group.version == 2:  # "200000 100000", or "max 100000"
        words = group.words("cpu.max")
        time, period = [*words, "", ""][:2]
        if not (time.isdigit() and period.isdigit() and int(period)):
            return None
        return int(time) / int(period)
    allowance, interval = group.number("cpu.cfs_quota_us"), group.number("cpu.cfs_period_us")
    if allowance is None or allowance <= 0 or not interval:
        return None
    return allowance / interval


def allowed() -> frozenset[int] | None:
    """The logical processors this process may run on; None where the system does not say."""
    if sys.platform == "linux":
        return frozenset(os.sched_getaffinity(0))
    if sys.platform == "win32" and (os.cpu_count() or 1) <= 64:  # one processor group
        import psutil

        return frozenset(psutil.Process().cpu_affinity() or ()) or None
    return None


def _cores(system: Path) -> list[Core]:
    cores: list[Core] = []
    if sys.platform == "linux":
        cores = topology.linux_cores(system)
    elif sys.platform == "darwin":
        cores = topology.macos_cores()
    elif sys.platform == "win32":
        cores = topology.windows_cores(_windows_records())
    if cores:
        return cores
    import psutil

    logical = os.cpu_count() or 1
    return topology.assumed_cores(psutil.cpu_count(logical=False) or logical, logical)


def _windows_records() -> bytes:
    if sys.platform != "win32":
        return b""
    import ctypes

    ask = ctypes.WinDLL("kernel32").GetLogicalProcessorInformationEx
    size = ctypes.c_ulong(0)
    ask(0, None, ctypes.byref(size))  # 0: RelationProcessorCore; fails, and says how much it needs
    records = ctypes.create_string_buffer(size.value)
    return records.raw if ask(0, records, ctypes.byref(size)) else b""


def _name() -> str:
    if sys.platform == "linux":
        name = topology.model_name(text(Path("/proc/cpuinfo"))) or _lscpu()
    elif sys.platform == "darwin":
        name = sysctl("-n", "machdep.cpu.brand_string")
    else:
        name = _windows_name()
    return " ".join(name.split()) or platform.processor() or platform.machine()


def _lscpu() -> str:
    """lscpu knows the names behind an Arm processor's numbers."""
    listing = output(["env", "LC_ALL=C", "lscpu"], seconds=5) or ""
    for line in listing.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "Model name" and value.strip() not in ("", "-"):
            return value
    return text(Path("/proc/device-tree/model")).strip("\0")


def _windows_name() -> str:
    if sys.platform != "win32":
        return ""
    import winreg

    place = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
            return str(winreg.QueryValueEx(key, "ProcessorNameString")[0])
    except OSError:
        return ""
