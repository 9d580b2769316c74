"""A file that is whole and verified: just fetched, or there already."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runner.hub.disk import on_disk
from runner.hub.listing import RemoteFile
from runner.pieces import Hashed, Pieces, hash_file


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole, verified file: where it is, its sha256 (hexadecimal), its size in bytes, and the
    hashes of its pieces."""

    path: Path
    sha256: str
    bytes: int
    pieces: Pieces


def whole(destination: Path, file: RemoteFile, progress: Callable[[int], None]) -> Fetched | None:
    """The file already at `destination`, if it has the published sha256."""
    if not destination.is_file() or destination.stat().st_size != file.bytes:
        return None
    with on_disk(destination), destination.open("rb") as stream:
        for found in hash_file(stream):
            if isinstance(found, Hashed):
                if found.sha256 != file.sha256:
                    return None
                return Fetched(destination, found.sha256, file.bytes, found.pieces)
            progress(found)
    return None
