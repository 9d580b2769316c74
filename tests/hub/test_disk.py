"""Disks that are full, become full, or refuse."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from runner.errors import DiskError
from runner.hub import RemoteFile
from tests.hub.conftest import FILE, MIB, Bench


def test_no_space_is_said_before_the_first_byte(bench: Bench) -> None:
    listing, file = bench.file()
    with pytest.raises(DiskError, match=r"1000000\.00 GB are needed"):
        bench.hub.fetch(listing, RemoteFile(FILE, 10**15, file.sha256), bench.destination)
    assert not bench.server.seen("resolve", "HEAD")
    assert not bench.destination.parent.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
def test_room_is_reserved_before_the_first_byte(bench: Bench) -> None:
    import resource

    listing, file = bench.file()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, limits[1]))
    try:
        with pytest.raises(DiskError, match="no space left") as caught:
            bench.hub.fetch(listing, file, bench.destination)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "continues where it stopped" in caught.value.remedy
    assert not bench.server.seen("cdn")
    bench.fetch()


@pytest.fixture
def small_disk(bench: Bench) -> Iterator[Path]:
    """A file system of 8 MiB where the model goes; skips where none can be had."""
    folder = bench.destination.parent
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    with suppress(OSError):
        if subprocess.run(mount, capture_output=True).returncode == 0:
            yield folder
            subprocess.run(["umount", "-l", str(folder)], check=True)
            return
    pytest.skip("only root can mount a small file system, and only on Linux")


def test_a_disk_that_fills_up_leaves_a_part_to_continue(
    bench: Bench, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.hub.disk.SPACE_TO_SPARE", 0)
    monkeypatch.delattr(os, "posix_fallocate")  # as on macOS
    bench.server.rate = 8 * MIB
    hog = small_disk / "hog"

    def fill(done: int) -> None:
        if done >= MIB and not hog.exists():
            with suppress(OSError):
                hog.write_bytes(bytes(8 * MIB))

    listing, file = bench.file()
    with pytest.raises(DiskError, match="no space left"):
        bench.hub.fetch(listing, file, bench.destination, progress=fill)
    assert bench.kept() >= MIB
    hog.unlink()
    bench.server.rate = None
    bench.fetch()
    assert bench.sent() <= len(bench.data) + MIB


def test_a_read_only_disk(bench: Bench, small_disk: Path) -> None:
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    if subprocess.run(remount, capture_output=True).returncode:
        pytest.skip("this system does not remount")
    with pytest.raises(DiskError, match="Read-only"):
        bench.fetch()


def test_a_folder_that_cannot_be_made(bench: Bench) -> None:
    bench.destination.parents[1].write_text("a file where the folder should be")
    with pytest.raises(DiskError):
        bench.fetch()
