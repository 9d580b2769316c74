"""Whose time the processors spent: this process and its family, others, or nobody.

Those processors alone that this process may use: what others do elsewhere does not disturb it.
"""

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from runner.machine.processors import allowed
from runner.machine.sources import text
from runner.machine.topology import SYSTEM, parse_list

if TYPE_CHECKING:
    import psutil


T = TypeVar("T")

ONLINE = SYSTEM / "system/cpu/online"

BUSY = ("user", "nice", "system", "irq", "softirq", "steal")
IDLE = ("idle", "iowait")
"""Names of kinds of time. A guest's is in its host's user time already, and that of Windows'
interrupts in its system time."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """Seconds of the processors since the machine started, at `time`: all of them, those that were
    busy, and those that this process and its family took."""

    time: float
    total: float
    busy: float
    own: float

    def others_since(self, before: "Ticks") -> float | None:
        """The share of the processors' time that others took since then, from 0 to 1; None where
        no time passed."""
        total = self.total - before.total
        if total <= 0:
            return None
        others = (self.busy - before.busy) - (self.own - before.own)
        return min(1.0, max(0.0, others / total))


class Family:
    """Processes beside this one that are not others: its parent, which asks it, and those of these
    numbers."""

    def __init__(self, pids: Sequence[int] = ()) -> None:
        pids = tuple({os.getppid(), *pids} - {os.getpid()})
        self._seconds = dict.fromkeys(pids, 0.0)
        self._processes: dict[int, psutil.Process] = {}

    def seconds(self) -> float:
        """Processors' seconds that they have taken so far, all together; of one that is gone, or
        cannot be asked, what was known last."""
        import psutil

        for pid in self._seconds:
            with contextlib.suppress(psutil.Error):
                if pid not in self._processes:
                    self._processes[pid] = psutil.Process(pid)
                taken = self._processes[pid].cpu_times()
                self._seconds[pid] = float(taken.user + taken.system)
        return sum(self._seconds.values())


def ticks(family: Family) -> Ticks:
    """The counts as of now. Time that a hypervisor took away (steal) is others' time."""
    import psutil

    busy = idle = 0.0
    online = parse_list(text(ONLINE))
    for times in of_allowed(psutil.cpu_times(percpu=True), online, allowed()):
        busy += sum(float(getattr(times, kind, 0.0)) for kind in BUSY)
        idle += sum(float(getattr(times, kind, 0.0)) for kind in IDLE)
    mine = os.times()
    own = mine.user + mine.system + family.seconds()
    return Ticks(time.perf_counter(), busy + idle, busy, own)


def of_allowed(
    every: Sequence[T], online: frozenset[int], mine: frozenset[int] | None
) -> Sequence[T]:
    """Of what is told of each processor that is `online` (none: they are numbered from 0), what is
    told of `mine` (None: all). All of it where a container's own numbers leave open which they
    are."""
    numbers = sorted(online) or range(len(every))
    if mine is None or len(numbers) != len(every) or not mine.issubset(numbers):
        return every
    return [one for number, one in zip(numbers, every, strict=True) if number in mine]


def page_faults() -> tuple[int, int] | None:
    """This process's faults so far: those that read a disk (major), and the others; None where the
    system does not tell them apart."""
    if sys.platform == "win32":
        return None
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_majflt, usage.ru_minflt
