"""Builds the files that Linux would show under /proc and /sys."""

from collections.abc import Mapping
from pathlib import Path

import pytest


def write(folder: Path, files: Mapping[str, object]) -> Path:
    """Write each value as the text of the file at its key, below `folder`."""
    for name, value in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n", encoding="utf-8")
    return folder


def deny(patch: pytest.MonkeyPatch, name: str, number: int, words: str) -> None:
    """Let nobody read files of that name, also who runs the tests and may read every file."""
    read = Path.read_text

    def denied(path: Path, *arguments: str, **named: str) -> str:
        if path.name == name:
            raise PermissionError(number, words, str(path))
        return read(path, *arguments, **named)

    patch.setattr(Path, "read_text", denied)


def proc(folder: Path, membership: str, *mounts: str) -> Path:
    """A /proc/self with these lines in `cgroup` and `mountinfo`."""
    return write(folder, {"cgroup": membership, "mountinfo": "\n".join(mounts)})


def mount(point: Path, controller: str = "", root: str = "/") -> str:
    """A line of mountinfo: of version 2, or of version 1 with its controller."""
    kind = f"cgroup cgroup rw,{controller}" if controller else "cgroup2 cgroup2 rw"
    place = str(point).replace(" ", "\\040")
    return f"32 31 0:29 {root} {place} rw,nosuid,relatime shared:9 - {kind}"
