"""What the program runs on: the system, the architecture, and whether Python is emulated.

An x86 Python works under Rosetta and on Windows for Arm, but llama.cpp then runs translated, at a
fraction of its speed and without the GPU.
"""

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from runner.machine.sources import sysctl, text

ARM64_IMAGE = 0xAA64  # IMAGE_FILE_MACHINE_ARM64 of winnt.h


@dataclass(frozen=True, slots=True)
class Platform:
    """`system` is "Linux", "macOS" or "Windows"; `machine` is what this Python was built for."""

    system: str
    release: str
    machine: str
    python: str
    emulated: bool
    in_container: bool


def platform_facts() -> Platform:
    """The platform of the running interpreter."""
    system = {"Darwin": "macOS"}.get(platform.system(), platform.system())
    return Platform(
        system=system,
        release=_release(system),
        machine=platform.machine(),
        python=platform.python_version(),
        emulated=_emulated(system),
        in_container=system == "Linux" and in_container(),
    )


def _release(system: str) -> str:
    if system == "macOS":
        return platform.mac_ver()[0]
    if system == "Windows":
        return f"{platform.release()} ({platform.version()})"
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.release()


def in_container(root: Path = Path("/")) -> bool:
    """Whether Docker, Podman, Kubernetes or LXC left its mark on the file system under `root`."""
    if (root / ".dockerenv").exists() or (root / "run/.containerenv").exists():
        return True
    environment = "\0" + text(root / "proc/1/environ")
    membership = text(root / "proc/self/cgroup")
    marks = ("/docker/", "/kubepods", "/lxc/", "/libpod")
    return "\0container=" in environment or any(mark in membership for mark in marks)


def _emulated(system: str) -> bool:
    if system == "macOS":
        return sysctl("-n", "sysctl.proc_translated") == "1\n"
    if system == "Linux":
        return emulated_linux(platform.machine(), text(Path("/proc/cpuinfo")))
    return sys.platform == "win32" and _windows_on_arm() and platform.machine() != "ARM64"


def emulated_linux(machine: str, cpuinfo: str) -> bool:
    """Whether an x86 Python sees an Arm processor. Rosetta names itself, user-mode qemu not."""
    if machine not in ("x86_64", "i686"):
        return False
    return "VirtualApple" in cpuinfo or "CPU implementer" in cpuinfo


def _windows_on_arm() -> bool:
    """Whether Windows itself runs on Arm, whatever this process was built for."""
    if sys.platform != "win32":
        return False
    import ctypes

    process, native = ctypes.c_ushort(), ctypes.c_ushort()
    kernel32 = ctypes.WinDLL("kernel32")
    try:
        known = kernel32.IsWow64Process2(
            ctypes.c_void_p(-1), ctypes.byref(process), ctypes.byref(native)
        )
    except AttributeError:  # Windows before 10 1511, which has no Arm
        return False
    return bool(known) and native.value == ARM64_IMAGE
