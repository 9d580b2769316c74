"""The journal of an unfinished file, `x.gguf.part.journal`: how far each of its pieces has come.

A record is added for each block that was written: the number of the piece, the bytes there are
from the piece's start, and their sha256. So a record proves itself. A killed process loses only
what it had not recorded yet; after a power cut, in which file and journal may reach the disk in
any order, what does not match its record is fetched again, and nothing else.
"""

import os
import struct
from io import FileIO
from pathlib import Path

RECORD = struct.Struct("<II32s")


class Journal:
    """Records appended to the file at `path`. Methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream: FileIO | None = None

    def read(self) -> dict[int, list[tuple[int, bytes]]]:
        """For each piece, the lengths it had and the sha256 of each, shortest first."""
        found: dict[int, set[tuple[int, bytes]]] = {}
        if self.path.exists():
            data = self.path.read_bytes()
            for piece, length, digest in RECORD.iter_unpack(
                data[: len(data) // RECORD.size * RECORD.size]
            ):
                found.setdefault(piece, set()).add((length, digest))
        return {piece: sorted(records) for piece, records in found.items()}

    def arrived(self) -> int:
        """How many bytes of the file are there, as far as the journal knows."""
        return sum(records[-1][0] for records in self.read().values())

    def begin(self, records: dict[int, tuple[int, bytes]]) -> None:
        """Start anew with these records, one for each piece, in place of all others."""
        self.close()
        fresh = self.path.with_name(self.path.name + ".new")
        with fresh.open("wb") as stream:
            stream.write(b"".join(RECORD.pack(piece, *about) for piece, about in records.items()))
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self.path)
        # Unbuffered: what is recorded is in the system's hands before anything can kill us.
        self._stream = self.path.open("ab", buffering=0)

    def add(self, piece: int, length: int, digest: bytes) -> None:
        """Record that the first `length` bytes of a piece are in the file."""
        assert self._stream is not None
        self._stream.write(RECORD.pack(piece, length, digest))

    def close(self) -> None:
        """Close the file; what was recorded stays."""
        if self._stream:
            self._stream.close()
            self._stream = None
