"""Whose time the processors spent: this process and its parent, others, or nobody."""

import contextlib
import functools
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil


@dataclass(frozen=True, slots=True)
class Ticks:
    """Processors' seconds since the machine started, at `time`: all of them, those that were busy,
    and those that this process and its parent took."""

    time: float
    total: float
    busy: float
    own: float

    def others_since(self, before: "Ticks") -> float | None:
        """The share of all processors' time that others took since then, from 0 to 1; None where
        no time passed."""
        total = self.total - before.total
        if total <= 0:
            return None
        others = (self.busy - before.busy) - (self.own - before.own)
        return min(1.0, max(0.0, others / total))


def ticks() -> Ticks:
    """The counts as of now. Time that a hypervisor took away (steal) is others' time."""
    import psutil

    times = psutil.cpu_times()
    # A guest's time is in its host's user time already, and Windows' interrupts in its system time.
    kinds = ("user", "nice", "system", "irq", "softirq", "steal")
    busy = sum(float(getattr(times, kind, 0.0)) for kind in kinds)
    idle = float(times.idle) + float(getattr(times, "iowait", 0.0))
    mine = os.times()
    return Ticks(time.perf_counter(), busy + idle, busy, mine.user + mine.system + _parent())


def _parent() -> float:
    """Seconds that the parent has taken so far; 0 where it cannot be asked or is gone."""
    import psutil

    with contextlib.suppress(psutil.Error):
        taken = _process(os.getppid()).cpu_times()
        return float(taken.user + taken.system)
    return 0.0


@functools.cache
def _process(pid: int) -> "psutil.Process":
    import psutil

    return psutil.Process(pid)


def page_faults() -> tuple[int, int] | None:
    """This process's faults so far: those that read a disk (major), and the others; None where the
    system does not tell them apart."""
    if sys.platform == "win32":
        return None
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_majflt, usage.ru_minflt
