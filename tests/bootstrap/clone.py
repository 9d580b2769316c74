"""A bare clone of Runner in small: its real way in, and dependencies that install from a folder.

The dependencies are called as no package here is, or have versions that none has, so that the
Python that runs the tests lacks them and `.venv` must be set up.
"""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.bootstrap import backend

ROOT = Path(__file__).resolve().parents[2]

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "runner-in-small"
version = "1.0"
dependencies = ["llama-cpp-python==9.9", "runner-needs-this>=1.0,<3"]

[dependency-groups]
dev = ["runner-tests-need-this>=1.0"]
"""

MAIN = """
import json, sys
from made_llama_cpp_python import FLAGS

def main():
    print(json.dumps({"arguments": sys.argv[1:], "prefix": sys.prefix, "flags": FLAGS}))
    sys.exit(7)
"""

# Stands for pytest in the clone, where no other is.
PYTEST = """
import sys

def main(arguments):
    print("pytest", *arguments)
    return 5
"""


class Clone:
    """A checkout at `path`; `links` is the folder that its installers find packages in."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "clone"
        self.links = folder / "links"
        self.venv = self.path / ".venv"
        self.log = self.venv / "setup.log"
        self.unfinished = self.venv / "setup.unfinished"
        self.pyproject = self.path / "pyproject.toml"
        self._lay_out()
        self.links.mkdir()
        backend.write_wheel(self.links, "runner-needs-this", "1.5", {})
        backend.write_wheel(self.links, "runner-tests-need-this", "1.0", {"pytest.py": PYTEST})
        self.add_llama_source()
        self.environment = self._environment(folder)

    def _lay_out(self) -> None:
        package = self.path / "runner"
        without_caches = shutil.ignore_patterns("__pycache__")
        for room in ("bootstrap", "machine"):
            shutil.copytree(ROOT / "runner" / room, package / room, ignore=without_caches)
        for name in ("__init__.py", "__main__.py", "errors.py", "paths.py", "whole.py"):
            shutil.copy(ROOT / "runner" / name, package)
        (package / "cli").mkdir()
        (package / "cli/__init__.py").touch()
        (package / "cli/main.py").write_text(MAIN, encoding="utf-8")
        (self.path / "tests").mkdir()
        shutil.copy(ROOT / "tests/__main__.py", self.path / "tests")
        shutil.copy(backend.__file__, self.path)
        self.pyproject.write_text(PYPROJECT, encoding="utf-8")

    def add_llama_source(self) -> None:
        """Put a source distribution, which must be built, where installers look."""
        facts = '[project]\nname = "llama-cpp-python"\nversion = "9.9"\n'
        source = self.path.parent / "source"
        source.mkdir()
        build = PYPROJECT[: PYPROJECT.index("[project]")]
        (source / "pyproject.toml").write_text(build + facts, encoding="utf-8")
        (source / "PKG-INFO").write_text(
            "Metadata-Version: 2.1\nName: llama-cpp-python\nVersion: 9.9\n", encoding="utf-8"
        )
        shutil.copy(backend.__file__, source)
        with tarfile.open(self.links / "llama_cpp_python-9.9.tar.gz", "w:gz") as archive:
            archive.add(source, "llama_cpp_python-9.9")

    def add_llama_wheel(self) -> None:
        """Put a prebuilt wheel there as well."""
        files = {"made_llama_cpp_python.py": "FLAGS = 'prebuilt'\n"}
        backend.write_wheel(self.links, "llama-cpp-python", "9.9", files)

    def _environment(self, folder: Path) -> dict[str, str]:
        """This process's variables, but for those that steer installers, and with a compiler."""
        tools = folder / "tools"
        tools.mkdir()
        for name in ("cc", "c++"):
            (tools / name).write_text("#!/bin/sh\n", encoding="utf-8")
            (tools / name).chmod(0o755)
        steering = ("PIP_", "UV", "CMAKE_ARGS", "BUILD_", "VIRTUAL_ENV", "CC", "CXX")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(steering)}
        return kept | {
            "PATH": str(tools),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.links),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_CACHE_DIR": str(folder / "cache"),
            "UV_OFFLINE": "1",
            "UV_NO_INDEX": "1",
            "UV_NO_CONFIG": "1",
            "UV_FIND_LINKS": str(self.links),
            "UV_CACHE_DIR": str(folder / "cache"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def start(
        self, *arguments: str, module: str = "runner", **variables: str
    ) -> subprocess.Popen[str]:
        """Begin `python -m module arguments` in the checkout, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=self.path,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def run(
        self, *arguments: str, module: str = "runner", **variables: str
    ) -> tuple[int, str, str]:
        """Run it to its end; returns its exit code, standard output and standard error."""
        with self.start(*arguments, module=module, **variables) as process:
            output, errors = process.communicate(timeout=100)
        assert "Traceback" not in errors
        return process.returncode, output, errors
