"""Linux: what AMD's driver says of the power of its GPUs, which every user may read.

Of a card of its own that is the card. On a chip that processor and GPU share it is the whole chip
(Documentation/gpu/amdgpu/thermal.rst), which a processor's own counter tells better.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from runner.machine.energy.meter import Integral, Meter, Missing, Part
from runner.machine.sources import text

ROOT = Path("/sys/class/drm")
SOURCE = "amdgpu power, added up over time"
FILES = ("power1_average", "power1_input")
"""Microwatts over a moment that the card chooses, or now; a card has one of them, or both."""

SHARED = "vddnb"
"""The label of a voltage that only chips have which processor and GPU share."""


class GpuPower(Meter):
    """The power of one GPU, looked at ten times a second and added up."""

    interval = 0.1

    def __init__(self, domain: str, part: Part, path: Path) -> None:
        super().__init__(domain, SOURCE, "gauge", part)
        self._path = path
        self._sum = Integral(self._watts())

    def _watts(self) -> float:
        """Raises OSError."""
        shown = self._path.read_text(encoding="ascii").strip()
        if not shown.isdigit():
            raise OSError(f"{self._path} holds no number")
        return int(shown) / 1e6

    def _read(self) -> float:
        return self._sum.to(self._watts())


def find(root: Path = ROOT) -> list[Meter | Missing]:
    """A meter for each GPU of AMD's driver; nothing where there is none."""
    return [
        _open(card, sensors)
        for card in sorted(root.glob("card*"))
        if re.fullmatch(r"card\d+", card.name)  # others are its sockets for screens
        for sensors in _sensors(card)
    ]


def _sensors(card: Path) -> Iterator[Path]:
    for folder in sorted((card / "device" / "hwmon").glob("hwmon*")):
        if text(folder / "name") == "amdgpu":
            yield folder


def _open(card: Path, sensors: Path) -> Meter | Missing:
    shared = text(sensors / "in1_label") == SHARED
    domain = f"AMD chip (processor and GPU, {card.name})" if shared else f"GPU {card.name} (AMD)"
    part: Part = "processor" if shared else "gpu"
    files = [sensors / name for name in FILES if (sensors / name).exists()]
    if not files:
        return Missing(domain, "amdgpu", part, "the GPU does not tell its power")
    errors = []
    for path in files:
        try:
            return GpuPower(domain, part, path)
        except (OSError, UnicodeDecodeError) as error:
            errors.append(error)
    return Missing(domain, "amdgpu", part, f"the GPU's power cannot be read: {errors[0]}")
