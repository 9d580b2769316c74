"""The virtual environment `.venv`: whether it is whole and current, and how to run in it."""

import os
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from runner.bootstrap.requirements import installed, missing


class Environment:
    """The virtual environment at `path`, which need not exist yet.

    `unfinished` is a file that lies there while packages are being installed: found at a start, an
    earlier setup was cut off. `flags` keeps the CMAKE_ARGS that llama.cpp was last compiled with.
    """

    def __init__(self, path: Path) -> None:
        windows = sys.platform == "win32"
        self.path = path
        self.python = path / ("Scripts/python.exe" if windows else "bin/python")
        self.log = path / "setup.log"
        self.lock = path / "setup.lock"
        self.unfinished = path / "setup.unfinished"
        self.flags = path / "setup.cmake-args"
        self._sites = "Lib/site-packages" if windows else "lib/python*/site-packages"

    @property
    def is_running(self) -> bool:
        """Whether this process is the environment's own Python."""
        return os.path.realpath(sys.prefix) == os.path.realpath(self.path)

    def packages(self) -> dict[str, str]:
        """Names and versions of what is installed here."""
        if self.is_running:  # its folder has another name after Python itself was upgraded
            return installed([sysconfig.get_path("purelib")])
        return installed(self.path.glob(self._sites))

    def is_current(self, requirements: Iterable[str]) -> bool:
        """Whether it is whole, meets `requirements`, and has llama.cpp as CMAKE_ARGS wants it."""
        return (
            self.python.exists()
            and not self.unfinished.exists()
            and not self.wants_rebuild()
            and not missing(requirements, self.packages())
        )

    def wants_rebuild(self) -> bool:
        """Whether CMAKE_ARGS is set, and llama.cpp was last compiled with other flags."""
        wanted = os.environ.get("CMAKE_ARGS")
        return wanted is not None and wanted != self.built_with()

    def built_with(self) -> str:
        """The CMAKE_ARGS of the last setup; empty where none were given."""
        return self.flags.read_text(encoding="utf-8") if self.flags.exists() else ""

    def run(self, module: str, arguments: Sequence[str]) -> NoReturn:
        """Go on as `python -m module arguments` in this environment; never returns."""
        command = [str(self.python), "-m", module, *arguments]
        sys.stdout.flush()
        sys.stderr.flush()
        if sys.platform != "win32":
            os.execv(command[0], command)
        # Windows has no exec: the shell would come back at once. Ctrl-C is the child's to answer.
        import subprocess

        process = subprocess.Popen(command)
        while True:
            try:
                sys.exit(process.wait())
            except KeyboardInterrupt:
                continue
