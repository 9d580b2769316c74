"""Small files of Runner's own, written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from runner.errors import DiskError


def write_whole(path: Path, text: str, *, make_folder: bool = False) -> None:
    """Write a file beside its place, then give it its name, so that who reads it finds all of it.
    Its folder is made where that is Runner's own. Raises DiskError, and leaves nothing then."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8", newline="\n")
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise DiskError(f"cannot write {path}: {error.strerror or error}") from error
