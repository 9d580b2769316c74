"""A build backend of a few lines, for projects that must build without a network.

It is copied into the projects that `clone.py` makes, and builds what their pyproject.toml names:
one module, `made_` and the project's name, that keeps the CMAKE_ARGS it was built with.
"""

import os
import time
import tomllib
import zipfile
from pathlib import Path


def write_wheel(folder: str | Path, name: str, version: str, files: dict[str, str]) -> str:
    """Write a wheel of `files` to `folder`; returns its file name."""
    stem = f"{name.replace('-', '_')}-{version}"
    facts = f"{stem}.dist-info"
    members = files | {
        f"{facts}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{facts}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{member},,\n" for member in members) + f"{facts}/RECORD,,\n"
    with zipfile.ZipFile(Path(folder) / f"{stem}-py3-none-any.whl", "w") as wheel:
        for member, text in (members | {f"{facts}/RECORD": record}).items():
            wheel.writestr(member, text)
    return f"{stem}-py3-none-any.whl"


def build_wheel(folder: str, *_settings: object) -> str:
    """The hook of PEP 517; slow, or failing, where the environment says so."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    if error := os.environ.get("BUILD_ERROR"):
        raise SystemExit(error)
    time.sleep(float(os.environ.get("BUILD_SECONDS", "0")))
    module = f"FLAGS = {os.environ.get('CMAKE_ARGS', '')!r}\n"
    made = f"made_{project['name'].replace('-', '_')}.py"
    return write_wheel(folder, project["name"], project["version"], {made: module})


build_editable = build_wheel
