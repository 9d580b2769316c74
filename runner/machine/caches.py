"""How much the processor's last cache holds: what fits into it is not read from memory."""

from pathlib import Path

from runner.machine.sources import sysctl, text
from runner.machine.topology import SYSTEM

UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}


def last_cache(system: Path = SYSTEM) -> int | None:
    """Bytes of the last caches of all cores together; None where the system does not tell."""
    return _linux(system) or _darwin()


def _linux(system: Path) -> int | None:
    found: dict[int, dict[str, int]] = {}
    for index in system.glob("system/cpu/cpu[0-9]*/cache/index[0-9]*"):
        level, size = text(index / "level"), text(index / "size")
        if text(index / "type") == "Instruction" or not level or not size:
            continue
        bytes = int(size.rstrip("KMG")) * UNITS.get(size[-1], 1)
        found.setdefault(int(level), {})[text(index / "shared_cpu_list") or index.name] = bytes
    return sum(found[max(found)].values()) if found else None


def _darwin() -> int | None:
    """Apple's cores share their second cache, and there is one more that it does not tell of."""
    for name in ("hw.l3cachesize", "hw.perflevel0.l2cachesize"):
        said = sysctl("-n", name).strip()
        if said.isdecimal() and int(said):
            return int(said)
    return None
