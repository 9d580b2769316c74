"""Linux's powercap: the energy counters of the processor (RAPL), Intel's and AMD's.

Zones lie within each other (the platform has the package in it, and that its cores), so no zone is
added to one that holds it. Memory lies below the package in the tree, though not in its energy.
"""

import errno
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.machine.energy.meter import Meter, Missing, Part, Wrapping
from runner.machine.sources import text

ROOT = Path("/sys/class/powercap")
CPUINFO = Path("/proc/cpuinfo")

SAME = 1_000_000
"""Microjoules within which two counters of different dies are one counter that both show: apart,
they would have counted for as long as the machine is on, and differ by far more."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A folder of the tree, as its files describe it; `span` is one more than its largest count."""

    folder: Path
    name: str
    span: int

    def count(self) -> int:
        """Microjoules now. Raises OSError."""
        try:
            return int((self.folder / "energy_uj").read_text(encoding="ascii"))
        except ValueError as error:
            raise OSError(f"{self.folder / 'energy_uj'} holds no number") from error


class PowercapMeter(Meter):
    """The sum of zones that have nothing in common: the packages of several processors."""

    def __init__(self, domain: str, part: Part, zones: Sequence[Zone], counts: Sequence[int]):
        where = ", ".join(zone.folder.name for zone in zones)
        super().__init__(domain, f"RAPL through powercap ({where})", "counter", part)
        self._zones = [
            (zone, Wrapping(count, zone.span)) for zone, count in zip(zones, counts, strict=True)
        ]

    def _read(self) -> float:
        return sum(sums.to(zone.count()) for zone, sums in self._zones) / 1e6


def find(root: Path = ROOT, cpuinfo: Path = CPUINFO) -> list[Meter | Missing]:
    """The platform's meter where there is one, then the processor's and its memory's."""
    zones = list(_zones(root))
    if not zones:
        return [_absent(root, cpuinfo)]
    found: list[Meter | Missing] = []
    groups: tuple[tuple[str, Part, str], ...] = (
        ("platform (psys)", "machine", "psys"),
        ("processor package", "processor", "package"),
        ("memory (dram)", "memory", "dram"),
    )
    for domain, part, prefix in groups:
        if alike := [zone for zone in zones if zone.name.startswith(prefix)]:
            found.append(_open(domain, part, alike, root))
    return found


def _zones(root: Path) -> Iterator[Zone]:
    """All zones, the same counters through another interface (mmio) left out."""
    for folder in sorted(root.glob("intel-rapl:*")):
        name, span = text(folder / "name"), text(folder / "max_energy_range_uj")
        if name and (folder / "energy_uj").exists():
            yield Zone(folder, name, int(span) + 1 if span.isdigit() else 2**32)


def _open(domain: str, part: Part, zones: Sequence[Zone], root: Path) -> Meter | Missing:
    try:
        counts = [zone.count() for zone in zones]
    except OSError as error:
        return _unreadable(domain, part, error, root)
    kept = _apart(counts)
    return PowercapMeter(domain, part, [zones[n] for n in kept], [counts[n] for n in kept])


def _apart(counts: Sequence[int]) -> list[int]:
    """The numbers of those that no earlier one mirrors."""
    kept: list[int] = []
    for number, count in enumerate(counts):
        if all(abs(count - counts[other]) > SAME for other in kept):
            kept.append(number)
    return kept


def _unreadable(domain: str, part: Part, error: OSError, root: Path) -> Missing:
    if error.errno in (errno.EACCES, errno.EPERM):
        return Missing(
            domain,
            "RAPL through powercap",
            part,
            "only root may read the processor's energy counters",
            f"Until the next start: sudo chmod a+r {root}/intel-rapl:*/energy_uj "
            f"{root}/intel-rapl:*:*/energy_uj (it lets every program here read them).",
        )
    return Missing(domain, "RAPL through powercap", part, f"its counter cannot be read: {error}")


def _absent(root: Path, cpuinfo: Path) -> Missing:
    """No zones: a virtual machine, a container, another kind of processor, or a module that is not
    loaded."""
    said = text(cpuinfo)
    if "hypervisor" in said.partition("flags")[2].partition("\n")[0].split():
        reason = "this is a virtual machine, which has no energy counters"
        remedy = "Measure on the machine itself."
    elif any(root.glob("intel-rapl*")):  # links to a folder that is hidden
        reason = "this container hides the energy counters of its machine"
        remedy = "Measure outside of it, or unmask /sys/devices/virtual/powercap in it."
    elif "vendor_id" not in said:  # x86's word
        reason, remedy = "Linux shows no energy counters of this kind of processor", ""
    else:
        reason = f"there are no energy counters in {root}"
        remedy = "Try: sudo modprobe intel_rapl_msr (Intel, and AMD since Linux 5.8)."
    return Missing("processor package", "RAPL through powercap", "processor", reason, remedy)
