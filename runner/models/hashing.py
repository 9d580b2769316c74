"""Reading a whole file for its hashes, with progress."""

from collections.abc import Callable
from pathlib import Path

from runner.errors import DiskError
from runner.pieces import PIECE, Hashed, hash_file


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
