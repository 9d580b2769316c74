"""The disk a file is fetched to: its room, its folders, and its refusals as DiskError."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runner.errors import DiskError
from runner.machine.disk import free_disk

SPACE_TO_SPARE = 64 << 20  # bytes to leave free for everything else
NO_SPACE = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
RESERVED_AT_ONCE = 256 << 20
SLOW = 0.5  # seconds for that many bytes: the file system writes zeros instead of reserving


def require_space(folder: Path, wanted: int) -> None:
    """Raise DiskError unless `wanted` bytes can be written in `folder`."""
    free = free_disk(folder)
    if free < wanted + SPACE_TO_SPARE:
        raise DiskError(
            f"{wanted / 1e9:.2f} GB are needed in {folder}, and {free / 1e9:.2f} GB are free",
            remedy="Make room (`runner list`, `runner rm MODEL`), or set HF_HOME to another disk.",
        )


def reserve(path: Path, size: int) -> None:
    """Make the file at `path` `size` bytes long, with room on the disk for all of them where the
    system can promise that without writing them. Raises OSError."""
    with path.open("ab") as stream:
        with suppress(OSError):
            stream.truncate(size)  # no promise, but all that there is on macOS and Windows
        if not hasattr(os, "posix_fallocate"):
            return
        for start in range(0, size, RESERVED_AT_ONCE):
            began = time.monotonic()
            try:
                os.posix_fallocate(stream.fileno(), start, min(RESERVED_AT_ONCE, size - start))
            except OSError as error:
                if error.errno in NO_SPACE:
                    raise
                return  # a file system that cannot
            if time.monotonic() - began > SLOW:
                return


def reserved(path: Path) -> int:
    """Bytes of the disk that the file at `path` takes already; 0 where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0
    blocks = getattr(status, "st_blocks", None)  # Windows has none, and keeps room for the length
    return status.st_size if blocks is None else blocks * 512


@contextmanager
def folder_for(destination: Path) -> Iterator[None]:
    """The folder of `destination`, made for the while; kept only if something is left in it."""
    missing = [path for path in destination.parents if not path.exists()]
    with on_disk(destination.parent):
        destination.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):
            for path in missing:
                path.rmdir()


@contextmanager
def on_disk(path: Path) -> Iterator[None]:
    """Turn the system's refusals to read or write at `path` into DiskError."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise DiskError(
                f"no space left for {path}: {error.strerror}",
                remedy="Make room and run the same command: it continues where it stopped.",
            ) from error
        raise DiskError(f"{path}: {error.strerror or error}") from error


def sync(path: Path) -> None:
    """Have the system write what it holds of the file or folder at `path`. Raises OSError."""
    if os.name == "nt" and path.is_dir():
        return  # Windows has no such call for folders, and needs none
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
