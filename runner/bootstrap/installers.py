"""What installs into `.venv`: uv where it started the program, otherwise pip."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from runner.bootstrap.environment import Environment
from runner.bootstrap.progress import Progress
from runner.errors import BuildError
from runner.machine.compiler import package_line

# Distributions that ship Python in parts, and the command that completes it.
VENV_PACKAGES = {
    "debian": "apt-get install python3-venv",
    "ubuntu": "apt-get install python3-venv",
    "suse": "zypper install python3-pip",
    "alpine": "apk add py3-pip",
}


@dataclass(frozen=True, slots=True)
class Installer:
    """The start of a command that installs what follows, and the variable that adds an index."""

    command: tuple[str, ...]
    index_variable: str


def create(environment: Environment, progress: Progress) -> None:
    """Make the virtual environment, without pip: Debian's Python can do no more by itself."""
    # A virtual environment's Python may be the one that is being replaced; its base is not.
    python = getattr(sys, "_base_executable", None) or sys.executable
    if not progress.try_run([python, "-m", "venv", "--without-pip", str(environment.path)]):
        raise BuildError("this Python cannot make virtual environments.", remedy=_venv_remedy())


def find_installer(environment: Environment, progress: Progress) -> Installer:
    """uv if `uv run` started this process; else the environment's pip, put there if need be."""
    uv = os.environ.get("UV", "")
    if Path(uv).is_file():
        return _uv(uv, environment)
    python = str(environment.python)
    outside = [sys.executable, "-m", "pip", "--python", python, "install", "pip"]
    if (
        "pip" in environment.packages()
        or progress.try_run([python, "-m", "ensurepip"])
        or progress.try_run(outside)
    ):
        return Installer((python, "-m", "pip", "install", "--verbose"), "PIP_EXTRA_INDEX_URL")
    if found := shutil.which("uv"):
        return _uv(found, environment)
    raise BuildError("this Python has neither pip nor ensurepip.", remedy=_venv_remedy())


def _uv(uv: str, environment: Environment) -> Installer:
    python = str(environment.python)
    return Installer((uv, "pip", "install", "--verbose", "--python", python), "UV_INDEX")


def _venv_remedy() -> str:
    line = package_line(VENV_PACKAGES) or f"{sys.executable} -m ensurepip"
    return f"Run `{line}` and start again."
