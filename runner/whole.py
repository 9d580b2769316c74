"""Small files of Runner's own, written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from runner.errors import DiskError


def write_whole(path: Path, text: str, *, make_folder: bool = False) -> None:
    """Write a file beside its place, then give it its name, so that who reads it finds all of it.
    Its folder is made where that is Runner's own. Raises DiskError, and leaves nothing then."""
    _write(path, text.encode(), make_folder=make_folder)


def write_whole_bytes(path: Path, data: bytes) -> None:
    """The same with bytes, in a folder of Runner's own. Raises DiskError."""
    _write(path, data, make_folder=True)


def _write(path: Path, data: bytes, *, make_folder: bool) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(data)
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise DiskError(f"cannot write {path}: {error.strerror or error}") from error
