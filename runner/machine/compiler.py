"""Whether C and C++ can be compiled here, and the line that installs what is missing."""

import os
import shutil
import sys
from pathlib import Path

from runner.machine.sources import output, text

VSWHERE = r"C:\Program Files (x86)\Microsoft Visual Studio\Installer\vswhere.exe"

COMPILERS = {"CC": ("cc", "gcc", "clang"), "CXX": ("c++", "g++", "clang++")}

# Distribution (ID or ID_LIKE of os-release) and the command that installs a C and C++ compiler.
INSTALLERS = {
    "debian": "apt-get install build-essential",
    "ubuntu": "apt-get install build-essential",
    "fedora": "dnf install gcc gcc-c++",
    "rhel": "dnf install gcc gcc-c++",
    "arch": "pacman -S --needed base-devel",
    "suse": "zypper install gcc gcc-c++",
    "alpine": "apk add build-base linux-headers",
}


def has_compiler() -> bool:
    """Whether a C and a C++ compiler are here: named by CC and CXX, on PATH, or Visual Studio's."""
    if sys.platform == "darwin" and output(["/usr/bin/xcode-select", "-p"], seconds=10) is None:
        return False  # /usr/bin/cc exists all the same, and only asks to be installed
    found = all(
        any(map(shutil.which, [*os.environ.get(variable, "").split()[:1], *usual]))
        for variable, usual in COMPILERS.items()
    )
    return found or (sys.platform == "win32" and _visual_studio())


def _visual_studio() -> bool:
    """Whether Visual Studio, or its Build Tools alone, has the C++ workload."""
    tools = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"
    query = [VSWHERE, "-products", "*", "-requires", tools, "-property", "installationPath"]
    return bool(shutil.which("cl") or (output(query, seconds=10) or "").strip())


def compiler_install_line(system: str = sys.platform, root: Path = Path("/")) -> str:
    """The command that installs a compiler on `system` (a sys.platform)."""
    if system == "darwin":
        return "xcode-select --install"
    if system == "win32":
        return (
            "winget install Microsoft.VisualStudio.2022.BuildTools --override "
            '"--passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"'
        )
    return package_line(INSTALLERS, root) or "install gcc and g++ with your package manager"


def package_line(installers: dict[str, str], root: Path = Path("/")) -> str:
    """The command in `installers` for this Linux distribution, with sudo where needed; or empty."""
    release = dict(
        line.split("=", 1) for line in text(root / "etc/os-release").splitlines() if "=" in line
    )
    kinds = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".replace('"', "").split()
    command = next((installers[kind] for kind in kinds if kind in installers), "")
    administrator = getattr(os, "geteuid", lambda: 1)() == 0
    return command if administrator or not command else f"sudo {command}"
