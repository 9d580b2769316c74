"""How much memory a process takes: what is its own, and what is pages of files, which give way."""

import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from runner.machine.sources import text

INTERVAL = 0.05
"""Seconds between two looks; a look on Linux takes 50 to 200 microseconds, which is up to 0.4 % of
a core: nothing to go on with while something is timed."""

REST = 50
"""A look that takes longer is followed by a pause so many times as long."""

_followed: dict[int, "Peak"] = {}


class Peak:
    """The most memory that a process had since this began to follow it, in bytes."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._most: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        threading.Thread(target=self._follow, name=f"peak-memory {pid}", daemon=True).start()

    def so_far(self) -> tuple[int, int] | None:
        """(anonymous, file); None where it cannot be told."""
        self._look()
        return self._most

    def stop(self) -> None:
        """Look no more but where `so_far` is asked for."""
        self._over.set()

    def _follow(self) -> None:
        while True:
            began = time.perf_counter()
            if not self._look():
                return
            if self._over.wait(max(INTERVAL, REST * (time.perf_counter() - began))):
                return

    def _look(self) -> bool:
        now = resident(self.pid)
        with self._lock:
            if now is not None:
                before = self._most or now
                self._most = max(before[0], now[0]), max(before[1], now[1])
        return now is not None


def peak_memory(pid: int | None = None, *, last: bool = False) -> tuple[int, int] | None:
    """(anonymous, file): the most bytes that a process (this one, without a `pid`) had of each
    since it was first asked about; None where the system does not tell, or it was gone by then.

    It is followed until it was asked about for the `last` time, which then stays so. The two peaks
    may be of different moments. Memory that processes share counts as anonymous.
    """
    number = os.getpid() if pid is None else pid
    if number not in _followed:
        _followed[number] = Peak(number)
    if last:
        _followed[number].stop()
    return _followed[number].so_far()


def resident(pid: int, proc: Path = Path("/proc")) -> tuple[int, int] | None:
    """(anonymous, file) bytes of main memory that a process has now; None where it is not told.

    Elsewhere than on Linux, what would be freed if it ended (its unique set) is its own.
    """
    if sys.platform == "linux":
        return parse_status(text(proc / str(pid) / "status"))
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        used = psutil.Process(pid).memory_full_info()
        return int(used.uss), max(0, int(used.rss) - int(used.uss))
    return None


def parse_status(status: str) -> tuple[int, int] | None:
    """The lines RssAnon, RssShmem and RssFile of /proc/PID/status, which count in KiB."""
    sizes = dict(_sizes(status))
    if "RssAnon" not in sizes or "RssFile" not in sizes:
        return None
    return sizes["RssAnon"] + sizes.get("RssShmem", 0), sizes["RssFile"]


def _sizes(status: str) -> Iterator[tuple[str, int]]:
    for name, size in re.findall(r"^(Rss\w+):\s*(\d+) kB$", status, re.M):
        yield name, int(size) * 1024
