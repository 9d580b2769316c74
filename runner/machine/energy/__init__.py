"""What energy this machine can tell: readers of its counters and gauges, one file each.

A figure has a domain (what it covers), a source (who says so) and a kind: a counter in hardware, a
model that the maker estimates by, or a gauge. What cannot be read is named with the reason and what
would help; nothing is estimated.
"""

import sys
from collections.abc import Sequence

from runner.machine.energy.meter import Meter, Meters, Missing, Part

__all__ = ["Meter", "Meters", "Missing", "Part", "meters"]


def meters() -> Meters:
    """Every meter of this machine, opened, the widest first; and those that are missing, with
    reasons. Close it: some hold handles."""
    from runner.machine.energy import nvml

    found: list[Meter | Missing] = []
    if sys.platform == "linux":
        from runner.machine.energy import amdgpu, battery, powercap

        found += [*battery.find(), *powercap.find()]
        found += without_twice(found, amdgpu.find())
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


def without_twice(
    found: Sequence[Meter | Missing], more: Sequence[Meter | Missing]
) -> list[Meter | Missing]:
    """Those of `more` that do not tell of the processor what one that was found tells already: what
    meters of parts say is added up."""
    told = {one.part for one in found if isinstance(one, Meter)}
    return [one for one in more if one.part != "processor" or "processor" not in told]
