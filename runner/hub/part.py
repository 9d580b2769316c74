"""The unfinished file on disk: `x.gguf.part`, with `x.gguf.part.json` saying what it is of and
`x.gguf.part.journal` saying which bytes are there.

Its pieces fill in any order, each from its start. It survives a kill, is taken up by any later
run, and becomes `x.gguf` only once its sha256 is the published one.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from runner import pieces
from runner.errors import IntegrityError
from runner.hub.disk import on_disk, require_space, reserve, reserved, sync
from runner.hub.fetched import Fetched
from runner.hub.follow import Follower
from runner.hub.listing import Listing, RemoteFile
from runner.journal import Journal
from runner.pieces import Pieces

if TYPE_CHECKING:
    from hashlib import _Hash

GRACE = 1.0
SYNC = 5.0  # seconds between calls for what was written to reach the disk itself
ENDINGS = (".part", ".part.json", ".part.journal")


class Part:
    """The part of one file at `destination`; a context manager.

    `done` is the number of bytes that are there and recorded. Several threads may write, each to
    pieces that it has claimed. Methods raise DiskError where the disk refuses.
    """

    def __init__(self, listing: Listing, file: RemoteFile, destination: Path) -> None:
        self.destination = destination
        self.path, self.note, journal = (
            destination.with_name(destination.name + ending) for ending in ENDINGS
        )
        self.bytes = file.bytes
        self.sha256 = file.sha256
        self.piece = pieces.PIECE
        self.about = {
            "repository": listing.repository,
            "commit": listing.commit,
            "file": file.path,
            "bytes": file.bytes,
            "sha256": file.sha256,
            "piece": pieces.PIECE,
        }
        self.there: list[int] = []  # bytes of each piece, from its start
        self.digests: list[bytes] = []  # of each piece that is whole; empty for others
        self.seams: set[int] = set()  # pieces that came in more than one answer
        self.done = 0
        self._journal = Journal(journal)
        self._running: dict[int, _Hash] = {}  # of the pieces that are begun
        self._claimed: set[int] = set()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._follower = Follower(self.path, self.bytes, self._await_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; a part that holds nothing is not left behind."""
        opened = bool(self._threads)
        self.close()
        if opened and not self.done and self.path.exists():
            self.discard()

    def open(self, progress: Callable[[int], None]) -> None:
        """Take up what an earlier run left, or start anew, if the disk has room for the rest.

        `progress` sees the old bytes as they are read back and found right.
        """
        with on_disk(self.path):
            require_space(self.path.parent, self.bytes - reserved(self.path))
            self.there = [0] * -(-self.bytes // self.piece)
            self.digests = [b""] * len(self.there)
            if self._is_of_this():
                self._read_back(progress)
            if not self.done:
                self.path.unlink(missing_ok=True)
            self.note.write_text(json.dumps(self.about, indent=2) + "\n", encoding="utf-8")
            self._journal.begin(
                {piece: self._record(piece) for piece, there in enumerate(self.there) if there}
            )
            reserve(self.path, self.bytes)
        self._threads = [self._follower, threading.Thread(target=self._keep, daemon=True)]
        for thread in self._threads:
            thread.start()

    def _is_of_this(self) -> bool:
        """Whether an earlier run left a part of this very content."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        wanted = ("sha256", "bytes", "piece")
        same = isinstance(note, dict) and all(note.get(each) == self.about[each] for each in wanted)
        return same and self.path.is_file()

    def _read_back(self, progress: Callable[[int], None]) -> None:
        """Find what is there: of each piece, the longest that is as it was recorded."""
        with self.path.open("rb") as stream:
            for piece, records in sorted(self._journal.read().items()):
                if piece >= len(self.there):
                    continue
                stream.seek(piece * self.piece)
                digest, position = hashlib.sha256(), 0
                for length, expected in records:
                    if length > self._length(piece):
                        break
                    digest.update(stream.read(length - position))
                    position = length
                    if digest.digest() == expected:
                        self._set(piece, length, digest.copy())
                progress(self.done)

    def _set(self, piece: int, length: int, digest: "_Hash") -> None:
        self.done += length - self.there[piece]
        self.there[piece] = length
        if length == self._length(piece):
            self.digests[piece] = digest.digest()
            self._running.pop(piece, None)
        else:
            self._running[piece] = digest

    def _record(self, piece: int) -> tuple[int, bytes]:
        digest = self.digests[piece] or self._running[piece].digest()
        return self.there[piece], digest

    def _length(self, piece: int) -> int:
        """Bytes of a piece; the last one is shorter."""
        return min(self.piece, self.bytes - piece * self.piece)

    # What is missing, and who fetches it.

    def claim(self, most: int) -> range | None:
        """The first bytes that nobody fetches yet, up to `most` pieces, now the caller's; None if
        there are none. A claim goes on to the end of its last piece."""
        with self._lock:
            for piece, there in enumerate(self.there):
                if there < self._length(piece) and piece not in self._claimed:
                    break
            else:
                return None
            last = piece
            while last + 1 < min(piece + most, len(self.there)) and self._is_free(last + 1):
                last += 1
            self._claimed.update(range(piece, last + 1))
            if there:
                self.seams.add(piece)
            return range(piece * self.piece + there, last * self.piece + self._length(last))

    def claim_all(self) -> range | None:
        """The whole file, for a server that has no ranges; None while anyone fetches any of it."""
        with self._lock:
            if self._claimed or self.done == self.bytes:
                return None
            self._claimed.update(range(len(self.there)))
            self.seams.update(self._running)
            return range(self.bytes)

    def _is_free(self, piece: int) -> bool:
        return not self.there[piece] and piece not in self._claimed

    def release(self, claim: range) -> None:
        """Give back what was claimed; what has arrived of it stays."""
        with self._lock:
            self._claimed.difference_update(self.pieces_of(claim))

    def span(self, piece: int) -> range:
        """The bytes of a piece."""
        return range(piece * self.piece, piece * self.piece + self._length(piece))

    def pieces_of(self, span: range) -> range:
        """The numbers of the pieces that a span of bytes touches."""
        return range(span.start // self.piece, -(-span.stop // self.piece))

    def unclaimed(self) -> int:
        """How many pieces are missing that nobody fetches."""
        with self._lock:
            missing = (
                piece
                for piece, there in enumerate(self.there)
                if there < self._length(piece) and piece not in self._claimed
            )
            return sum(1 for _ in missing)

    # Writing.

    def write(self, stream: "Writer", data: memoryview) -> None:
        """What `Writer.write` does with bytes of one piece: the file first, then its hash, then
        the journal, then everyone who waits for it."""
        piece, offset = divmod(stream.position, self.piece)
        if self._closed.is_set():
            return
        with on_disk(self.path):
            stream.put(data)
            digest = self._running.setdefault(piece, hashlib.sha256())
            digest.update(data)
            length, so_far = offset + len(data), digest.digest()
            with self._changed:
                if self._closed.is_set():
                    return  # another process may have it by now
                self._journal.add(piece, length, so_far)
                self.there[piece] = length
                self.done += len(data)
                if length == self._length(piece):
                    self.digests[piece] = so_far
                    del self._running[piece]
                self._changed.notify_all()

    def replace(self, piece: int, data: bytes) -> bool:
        """Put other bytes in the place of a whole piece; whether they were other bytes at all."""
        digest = hashlib.sha256(data).digest()
        if digest == self.digests[piece]:
            return False
        with on_disk(self.path), self.path.open("r+b", buffering=0) as file:
            file.seek(piece * self.piece)
            file.write(data)
            self._journal.add(piece, len(data), digest)
        self.digests[piece] = digest
        return True

    # Hashing the whole.

    def _await_bytes(self, position: int) -> int:
        """Where the bytes that have arrived from a position on end, once there are any; 0 if the
        part was closed."""
        piece = position // self.piece
        with self._changed:
            while not self._closed.is_set():
                end = piece * self.piece + self.there[piece]
                if end > position:
                    return end
                self._changed.wait()
        return 0

    def found(self) -> str:
        """The sha256 of the whole file, once all of it is there."""
        with on_disk(self.path):
            return self._follower.found()

    def hash_again(self) -> Iterator[int]:
        """Hash what is on the disk now; yields the bytes read. `found` gives the outcome."""
        with on_disk(self.path):
            yield from self._follower.again()

    # Keeping.

    def _keep(self) -> None:
        """Bring what was written to the disk itself now and then: the data before its journal."""
        with suppress(OSError):  # writing meets it as well, and says so
            while not self._closed.wait(SYNC):
                sync(self.path)
                sync(self._journal.path)

    def close(self) -> None:
        """End the threads; everything stays on the disk."""
        with self._changed:
            self._closed.set()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(GRACE)  # a disk may be slow to take what it gets; Ctrl-C does not wait
        self._journal.close()

    def discard(self) -> None:
        """Close and remove it all."""
        self.close()
        with suppress(OSError):
            for path in (self.path, self.note, self._journal.path):
                path.unlink(missing_ok=True)

    def publish(self) -> Fetched:
        """Rename the whole part to its name. Raises IntegrityError, removing it, if it is wrong."""
        found = self.found()
        if found != self.sha256:
            self.discard()
            raise IntegrityError(
                f"{self.destination.name} arrived with sha256 {found[:12]}…, "
                f"but {str(self.sha256)[:12]}… is published",
                remedy="Fetch it again; if it happens again, a proxy or this disk alters files.",
            )
        self.close()
        for thread in self._threads:
            thread.join()
        with on_disk(self.destination):
            sync(self.path)
            self.path.replace(self.destination)
            sync(self.destination.parent)
            self.note.unlink(missing_ok=True)
            self._journal.path.unlink(missing_ok=True)
        digests = Pieces(self.piece, tuple(self.digests))
        return Fetched(self.destination, found, self.bytes, digests)

    def adopt(self, path: Path, damaged: Sequence[range], progress: Callable[[int], None]) -> None:
        """Begin as a copy of the file at `path` without the pieces that `damaged` touches."""
        missing = {piece for span in damaged for piece in self.pieces_of(span)}
        self.open(progress)
        with on_disk(path), path.open("rb") as stream:
            for piece in range(len(self.there)):
                stream.seek(piece * self.piece)
                data = stream.read(self._length(piece))
                whole = len(data) == self._length(piece)
                if whole and piece not in missing and not self.digests[piece]:
                    with Writer(self, piece * self.piece) as writer:
                        writer.write(data)
                    progress(self.done)


class Writer:
    """One thread's way to write into a part, from `position` on. What is there already is left
    as it is, so that a server which can only send the whole file costs nothing but time."""

    def __init__(self, part: Part, position: int) -> None:
        self.position = position
        self.added = 0  # bytes that were not there
        self._part = part
        with on_disk(part.path):
            self._stream = part.path.open("r+b", buffering=0)
        self._at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def write(self, data: bytes) -> None:
        """Take the next bytes of the file. Raises DiskError."""
        view = memoryview(data)
        while view:
            piece, offset = divmod(self.position, self._part.piece)
            chunk = view[: self._part.piece - offset]
            there = self._part.there[piece]
            if offset < there:
                chunk = chunk[: there - offset]
            else:
                self._part.write(self, chunk)
                self.added += len(chunk)
            self.position += len(chunk)
            view = view[len(chunk) :]

    def put(self, data: memoryview) -> None:
        """Write at the position, whole. Raises OSError."""
        if self._at != self.position:
            self._at = self._stream.seek(self.position)
        while data:
            written = self._stream.write(data)
            data, self._at = data[written:], self._at + written


def begun(destination: Path) -> bool:
    """Whether an earlier run left something for this destination."""
    return destination.with_name(destination.name + ENDINGS[0]).exists()


def missing_room(file: RemoteFile, destination: Path, elsewhere: Iterable[Path] = ()) -> int:
    """Bytes of the disk that fetching a file takes beyond those that it has already, at its
    destination or begun there or `elsewhere`."""
    if destination.is_file() and destination.stat().st_size == file.bytes:
        return 0
    parts = [place.with_name(place.name + ENDINGS[0]) for place in (destination, *elsewhere)]
    return max(0, file.bytes - max(map(reserved, parts)))


def take_over(part: Part, elsewhere: Path) -> None:
    """Move what an earlier run left for another destination of the same content, if that is on
    this file system. The caller holds the locks of both."""
    with suppress(OSError):
        for ending in reversed(ENDINGS):
            source = elsewhere.with_name(elsewhere.name + ending)
            source.replace(part.destination.with_name(part.destination.name + ending))
