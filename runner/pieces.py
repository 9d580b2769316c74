"""Hashes of a file's pieces, so that damage on a disk can be found and mended piece by piece."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

PIECE = 2**24
"""Bytes of a piece: 20 GB are then 1200 hashes, 38 kB."""

BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Pieces:
    """The sha256 of each piece of `size` bytes, the last one shorter."""

    size: int
    digests: tuple[bytes, ...]

    def packed(self) -> bytes:
        """The digests one after the other."""
        return b"".join(self.digests)

    @classmethod
    def unpacked(cls, size: int, packed: bytes) -> "Pieces":
        """The opposite of `packed`. Raises ValueError for what is no such text of bytes."""
        if size < 1 or len(packed) % 32:
            raise ValueError("no hashes of pieces")
        return cls(size, tuple(packed[at : at + 32] for at in range(0, len(packed), 32)))


@dataclass(frozen=True, slots=True)
class Hashed:
    """What reading a whole file gives: its sha256 in hexadecimal, and that of its pieces."""

    sha256: str
    pieces: Pieces


def hash_file(stream: BinaryIO, size: int = PIECE) -> Iterator[int | Hashed]:
    """Read `stream` to its end: yields the bytes read so far, and in the end what was found."""
    whole, piece, digests, done = hashlib.sha256(), hashlib.sha256(), list[bytes](), 0
    while block := stream.read(min(BLOCK, size - done % size)):
        whole.update(block)
        piece.update(block)
        done += len(block)
        if done % size == 0:
            digests.append(piece.digest())
            piece = hashlib.sha256()
        yield done
    if done % size:
        digests.append(piece.digest())
    yield Hashed(whole.hexdigest(), Pieces(size, tuple(digests)))
