"""The GPUs this machine has, found without llama.cpp: what a build for the CPU alone leaves idle.

Asked of the systems' own tools and tables, each bounded in time; what cannot be asked is left out.
"""

import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from runner.machine.sources import output, text

Vendor = Literal["NVIDIA", "AMD", "Intel", "Apple"]

PCI = Path("/sys/bus/pci/devices")
PCI_VENDORS: dict[str, Vendor] = {"10de": "NVIDIA", "1002": "AMD", "8086": "Intel"}
MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A GPU. `memory` is its own in bytes; None where it shares the machine's or is not told.

    `how` names what told of it: "nvidia-smi", "PCI", "system_profiler" or "Windows".
    """

    vendor: Vendor
    name: str
    memory: int | None
    how: str


def accelerators() -> tuple[Accelerator, ...]:
    """The GPUs of this machine, whether or not the build of llama.cpp can use them."""
    if sys.platform == "darwin":
        return tuple(_macos())
    nvidia = tuple(parse_nvidia_smi(_nvidia_smi()))
    others = _windows() if sys.platform == "win32" else pci_accelerators()
    return nvidia + tuple(other for other in others if not (nvidia and other.vendor == "NVIDIA"))


def _nvidia_smi() -> str:
    # Windows and WSL keep it where no PATH may lead.
    places = ("nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi", r"C:\Windows\System32\nvidia-smi.exe")
    tool = next(filter(None, map(shutil.which, places)), None)
    if tool is None:
        return ""
    query = ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    return output([tool, *query], seconds=10) or ""


def parse_nvidia_smi(table: str) -> Iterator[Accelerator]:
    """GPUs from `name, memory` rows; memory in MiB, or "[N/A]" where it is the machine's own."""
    for line in table.splitlines():
        name, comma, memory = (part.strip() for part in line.rpartition(","))
        if comma and name:
            size = int(memory) * MIB if memory.isdigit() else None
            yield Accelerator("NVIDIA", name, size, "nvidia-smi")


def pci_accelerators(devices: Path = PCI, names: str | None = None) -> list[Accelerator]:
    """GPUs among the PCI `devices` of Linux, in the order of their addresses.

    `names` is what `lspci -D` prints; None asks it. Without it a GPU is called by its numbers.
    """
    found = [(device, vendor) for device in _listed(devices) if (vendor := _gpu_vendor(device))]
    if found and names is None:
        names = output(["lspci", "-D"], seconds=5)
    titles = dict(parse_lspci(names or ""))
    return [
        Accelerator(
            vendor,
            titles.get(device.name) or f"{vendor} GPU {text(device / 'device')}",
            _dedicated(device),
            "PCI",
        )
        for device, vendor in found
    ]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _gpu_vendor(device: Path) -> Vendor | None:
    vendor = PCI_VENDORS.get(text(device / "vendor").removeprefix("0x"))
    # 0x03.... is a display controller; AMD's Instinct cards call themselves 0x12...., as NPUs do.
    classes = ("0x03", "0x12") if vendor == "AMD" else ("0x03",)
    return vendor if text(device / "class").startswith(classes) else None


def _dedicated(device: Path) -> int | None:
    """Bytes of a card's own memory, which only AMD's driver tells."""
    size = text(device / "mem_info_vram_total")
    return int(size) if size.isdigit() else None


def parse_lspci(listing: str) -> Iterator[tuple[str, str]]:
    """Addresses and names from lines like `0000:01:00.0 VGA compatible controller: Name`."""
    for line in listing.splitlines():
        address, _, rest = line.partition(" ")
        _, colon, name = rest.partition(": ")
        if colon:
            yield address, re.sub(r" \(rev \w+\)( \(prog-if .*)?$", "", name)


def _macos() -> Iterable[Accelerator]:
    command = ["/usr/sbin/system_profiler", "SPDisplaysDataType", "-json"]
    return parse_system_profiler(output(command, seconds=20) or "{}")


def parse_system_profiler(report: str) -> list[Accelerator]:
    """GPUs from `system_profiler SPDisplaysDataType -json`; Apple's share the machine's memory."""
    names: tuple[tuple[str, Vendor], ...] = (
        ("apple", "Apple"),
        ("nvidia", "NVIDIA"),
        ("amd", "AMD"),
        ("intel", "Intel"),
    )
    found = []
    for display in _rows(report, "SPDisplaysDataType"):
        title = str(display.get("sppci_model") or display.get("_name") or "")
        told = f"{display.get('spdisplays_vendor', '')} {title}".lower()
        vendor = next((vendor for mark, vendor in names if mark in told), None)
        if vendor:
            memory = _size(str(display.get("spdisplays_vram", "")))
            found.append(Accelerator(vendor, title, memory, "system_profiler"))
    return found


def _windows() -> Iterable[Accelerator]:
    script = (
        "Get-CimInstance Win32_VideoController | Select-Object Name,PNPDeviceID,AdapterRAM"
        " | ConvertTo-Json"
    )
    command = ["powershell", "-NoProfile", "-NonInteractive", "-Command", script]
    return parse_video_controllers(output(command, seconds=20) or "[]")


def parse_video_controllers(report: str) -> list[Accelerator]:
    """GPUs from Win32_VideoController as JSON: one object, or a list of them.

    AdapterRAM is a 32-bit number that stops just below 4 GiB, so a larger card's size is not told.
    """
    found = []
    for row in _rows(report):
        match = re.match(r"PCI\\VEN_([0-9A-F]{4})", str(row.get("PNPDeviceID", "")), re.I)
        vendor = PCI_VENDORS.get(match[1].lower()) if match else None
        memory = row.get("AdapterRAM")
        told = isinstance(memory, int) and 0 < memory < 4095 * MIB and vendor != "Intel"
        if vendor:
            size = memory if isinstance(memory, int) and told else None
            found.append(Accelerator(vendor, str(row.get("Name", vendor)), size, "Windows"))
    return found


def _rows(report: str, key: str | None = None) -> list[dict[str, object]]:
    """The objects of a JSON report, under `key` if given; none if the report is not as expected."""
    try:
        data = json.loads(report)
    except ValueError:
        return []
    if key is not None:
        data = data.get(key) if isinstance(data, dict) else None
    rows = data if isinstance(data, list) else [data]
    return [row for row in rows if isinstance(row, dict)]


def _size(words: str) -> int | None:
    match = re.fullmatch(r"(\d+) (MB|GB)", words.strip())
    return int(match[1]) * (MIB if match[2] == "MB" else 1024 * MIB) if match else None
