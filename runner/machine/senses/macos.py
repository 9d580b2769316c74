"""macOS: thermal pressure as the system announces it, and the low power mode."""

import contextlib
import ctypes

from runner.machine.senses.senses import Senses
from runner.machine.sources import output

PRESSURE = b"com.apple.system.thermalpressurelevel"
"""The notification whose state is 0 while nothing is slowed down; see notify(3)."""


class MacSenses(Senses):
    """Frequencies and temperatures are only for root to see."""

    def __init__(self) -> None:
        self._hits = 0
        self._library: ctypes.CDLL | None = None
        self._token = ctypes.c_int(0)
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL("/usr/lib/libSystem.dylib")
            if library.notify_register_check(PRESSURE, ctypes.byref(self._token)) == 0:
                self._library = library
        self._governor = power_mode(output(["/usr/bin/pmset", "-g"], seconds=2) or "")

    def throttled(self) -> int | None:
        """How often this was asked while the system was slowing itself down."""
        if self._library is None:
            return None
        level = ctypes.c_uint64(0)
        if self._library.notify_get_state(self._token, ctypes.byref(level)) != 0:
            return None
        self._hits += level.value > 0
        return self._hits

    def governor(self) -> str | None:
        return self._governor


def power_mode(listing: str) -> str | None:
    """The mode that `pmset -g` lists: `lowpowermode 1`, or `powermode` 0, 1 (low) and 2 (high)."""
    words = dict(line.split()[:2] for line in listing.splitlines() if len(line.split()) >= 2)
    if "powermode" in words:
        return {"0": "automatic", "1": "low power", "2": "high power"}.get(words["powermode"])
    if "lowpowermode" in words:
        return "low power" if words["lowpowermode"] == "1" else "automatic"
    return None
