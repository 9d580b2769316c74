"""Files that are dropped from memory, or are not, with the reason."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

from runner.bench.page_cache import drop, resident

MEMORY = Path("/dev/shm")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux drops files on request")


def test_what_was_just_written_is_dropped_too(tmp_path: Path) -> None:
    """Pages that wait to be written would stay."""
    if _kind(tmp_path) == "tmpfs":
        pytest.skip("the tests' folder lies in memory")
    path = tmp_path / "new"
    path.write_bytes(os.urandom(2**24))
    assert resident(path) > 0.9
    assert drop([path]) == ""
    assert resident(path) <= 0.02


def test_a_file_system_in_memory_is_no_other_program() -> None:
    if not os.access(MEMORY, os.W_OK) or _kind(MEMORY) != "tmpfs":
        pytest.skip("there is no file system in memory")
    with tempfile.NamedTemporaryFile(dir=MEMORY) as file:
        file.write(bytes(2**20))
        file.flush()
        reason = drop([Path(file.name)])
    assert reason.startswith("100% of") and "file system keeps it there" in reason


def _kind(folder: Path) -> str:
    """The kind of file system, as the mount that lies closest says it."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    mounts = {Path(fields[1]): fields[2] for fields in map(str.split, lines)}
    return next(mounts[path] for path in (folder, *folder.parents) if path in mounts)
