"""What energy this machine can tell: readers of its counters and gauges, one file each.

A figure has a domain (what it covers), a source (who says so) and a kind: a counter in hardware, a
model that the maker estimates by, or a gauge. What cannot be read is named with the reason and what
would help; nothing is estimated.
"""

import sys

from runner.machine.energy.meter import Meter, Meters, Missing, Part

__all__ = ["Meter", "Meters", "Missing", "Part", "meters"]


def meters() -> Meters:
    """Every meter of this machine, opened, the widest first; and those that are missing, with
    reasons. Close it: some hold handles."""
    from runner.machine.energy import nvml

    found: list[Meter | Missing] = []
    if sys.platform == "linux":
        from runner.machine.energy import battery, powercap

        found += [*battery.find(), *powercap.find()]
    elif sys.platform == "darwin":
        from runner.machine.energy import apple

        found += apple.find()
    elif sys.platform == "win32":
        from runner.machine.energy import emi

        found += emi.find()
    found += nvml.find()
    return Meters(
        tuple(one for one in found if isinstance(one, Meter)),
        tuple(one for one in found if isinstance(one, Missing)),
    )
