"""Reading a whole file for its hashes, with progress."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from runner.errors import DiskError
from runner.paths import cache_directory
from runner.pieces import PIECE, Hashed, hash_file
from runner.whole import write_whole


def hashed(path: Path, progress: Callable[[int], None], piece: int = PIECE) -> Hashed:
    """The sha256 of a file and of its pieces of so many bytes; `progress` gets the bytes read.

    Raises DiskError.
    """
    try:
        with path.open("rb") as stream:
            for step in hash_file(stream, piece):
                if isinstance(step, Hashed):
                    return step
                progress(step)
    except OSError as error:
        raise DiskError(f"cannot read {path}: {error.strerror or error}") from error
    raise AssertionError("hash_file ends with what it found")


def sha256_of(path: Path, progress: Callable[[int], None] = lambda _: None) -> str:
    """The sha256 of a file that nobody recorded one of: read once, and kept while the file stays
    as it is. Raises DiskError."""
    try:
        state = path.stat()
    except OSError as error:
        raise DiskError(f"cannot read {path}: {error.strerror or error}") from error
    place, name = cache_directory() / "sha256.json", str(path.resolve())
    stamp = [state.st_size, state.st_mtime_ns]
    kept: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        kept = dict(json.loads(place.read_text(encoding="utf-8")))
    match kept.get(name):
        case [known, str(digest)] if known == stamp:
            return digest
    digest = hashed(path, progress).sha256
    with suppress(DiskError):
        write_whole(place, json.dumps({**kept, name: [stamp, digest]}), make_folder=True)
    return digest
