"""Windows' Energy Meter Interface (emi.h): what processors count, and any program may read.

A device has channels, each with a name (RAPL_Package0_PKG) and a count of picowatt-hours.
"""

import struct
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from runner.machine.energy.meter import Meter, Missing, Part, Wrapping

SOURCE = "Energy Meter Interface"

PICOWATT_HOUR = 3.6e-9
"""Joules."""

NAME = 32
"""Bytes of a maker's or model's name: 16 characters of UTF-16."""

KNOWN: tuple[tuple[str, str, Part], ...] = (
    ("_PKG", "processor package", "processor"),
    ("_DRAM", "memory (dram)", "memory"),
)
"""How the names of channels end, and what they cover. The cores (PP0) and the graphics (PP1) are
in the package already."""


class Device(Protocol):
    """An energy meter of the system's; each call may raise OSError."""

    def version(self) -> int: ...

    def metadata(self) -> bytes: ...

    def measurement(self) -> bytes: ...

    def close(self) -> None: ...


class EmiMeter(Meter):
    """The sum of some channels of one device."""

    def __init__(self, device: Device, numbers: Sequence[int], domain: str, part: Part) -> None:
        super().__init__(domain, SOURCE, "counter", part)
        self._device, self._numbers = device, numbers
        self._sums = [Wrapping(count, 2**64) for count in self._counts()]

    def _counts(self) -> list[int]:
        counts = parse_measurement(self._device.measurement())
        if len(counts) <= max(self._numbers):
            raise OSError("the energy meter has fewer channels than it said")
        return [counts[number] for number in self._numbers]

    def _read(self) -> float:
        counts = self._counts()
        sums = [one.to(count) for one, count in zip(self._sums, counts, strict=True)]
        return sum(sums) * PICOWATT_HOUR

    def close(self) -> None:
        self._device.close()


def find(devices: Callable[[], Sequence[Device]] | None = None) -> list[Meter | Missing]:
    """A meter for each part that a device counts; of one that fails, why there is none."""
    found: list[Meter | Missing] = []
    names: list[str] = []
    for device in (devices or _devices)():
        try:
            channels = parse_metadata(device.version(), device.metadata())
            names += channels
            found += _opened(device, channels)
        except OSError as error:
            device.close()
            found.append(Missing("processor package", SOURCE, "processor", str(error)))
    if found:
        return found
    reason = "Windows shows no energy meter of the processor"
    if names:
        reason += f" (only {', '.join(names)})"
    remedy = "Windows 11 does, on a real machine."
    return [Missing("processor package", SOURCE, "processor", reason, remedy)]


def _opened(device: Device, channels: Sequence[str]) -> list[Meter]:
    meters: list[Meter] = []
    for ending, domain, part in KNOWN:
        if numbers := [number for number, name in enumerate(channels) if name.endswith(ending)]:
            meters.append(EmiMeter(device, numbers, domain, part))
    if not meters:
        device.close()
    return meters


def parse_metadata(version: int, data: bytes) -> list[str]:
    """The names of a device's channels, from EMI_METADATA_V1 or EMI_METADATA_V2.

    Raises OSError where they are cut off or of another version.
    """
    if version not in (1, 2):
        raise OSError(f"the energy meter is of version {version}, which is not known")
    try:
        if version == 1:  # unit, maker, model, revision, size, name
            (size,) = struct.unpack_from("<H", data, 4 + 2 * NAME + 2)
            return [_name(data, 4 + 2 * NAME + 4, size)]
        # maker, model, revision, number of channels; for each of these unit, size, name
        (count,) = struct.unpack_from("<H", data, 2 * NAME + 2)
        names, place = [], 2 * NAME + 4
        for _ in range(count):
            _unit, size = struct.unpack_from("<iH", data, place)
            names.append(_name(data, place + 6, size))
            place += 6 + size
    except struct.error as error:
        raise OSError("the energy meter's description is cut off") from error
    return names


def _name(data: bytes, place: int, size: int) -> str:
    if len(data) < place + size:
        raise struct.error("cut off")
    return data[place : place + size].decode("utf-16-le", "replace").rstrip("\0")


def parse_measurement(data: bytes) -> list[int]:
    """Each channel's count, from pairs of energy and time."""
    whole = len(data) // 16 * 16
    return [energy for energy, _time in struct.iter_unpack("<QQ", data[:whole])]


def _devices() -> Sequence[Device]:
    if sys.platform != "win32":
        return []
    from runner.machine.energy.emi_devices import devices

    return devices()
