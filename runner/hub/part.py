"""The unfinished file on disk: `x.gguf.part`, beside it `x.gguf.part.json` saying what it is of.

It grows as bytes arrive, survives a kill, is taken up by any later run, and becomes `x.gguf` only
once its sha256 is the published one.
"""

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from runner.errors import DiskError, IntegrityError
from runner.hub.listing import Listing, RemoteFile
from runner.machine.disk import free_disk

BLOCK = 1 << 20
SPACE_TO_SPARE = 64 << 20  # bytes to leave free for everything else
NO_SPACE = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole, verified file: where it is, its sha256 (hexadecimal) and its size in bytes."""

    path: Path
    sha256: str
    bytes: int


class Part:
    """The part of one file at `destination`; a context manager.

    `done` is the number of bytes on disk, all of which the running sha256 has seen. Methods raise
    DiskError where the disk refuses.
    """

    def __init__(self, listing: Listing, file: RemoteFile, destination: Path) -> None:
        self.destination = destination
        self.path = destination.with_name(destination.name + ".part")
        self.note = destination.with_name(destination.name + ".part.json")
        self.bytes = file.bytes
        self.sha256 = file.sha256
        self.about = {
            "repository": listing.repository,
            "commit": listing.commit,
            "file": file.path,
            "bytes": file.bytes,
            "sha256": file.sha256,
        }
        self.done = 0
        self._digest = hashlib.sha256()
        self._stream: FileIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; a part that holds nothing is not left behind."""
        if self._stream:
            self._stream.close()
            if self.path.exists() and self.path.stat().st_size == 0:
                self.discard()

    def open(self, progress: Callable[[int], None]) -> None:
        """Take up what an earlier run left, or start anew, if the disk has room for the rest.

        `progress` sees the old bytes as they are read back.
        """
        with on_disk(self.path):
            there = self._left_over()
            if not there:
                self.path.unlink(missing_ok=True)
            require_space(self.path.parent, self.bytes - there)
            if not there:
                self.note.write_text(json.dumps(self.about, indent=2) + "\n", encoding="utf-8")
            # Unbuffered: what has arrived is in the system's hands before anything can kill us.
            self._stream = self.path.open("a+b", buffering=0)
            self._stream.seek(0)
            while block := self._stream.read(BLOCK):
                self._digest.update(block)
                self.done += len(block)
                progress(self.done)

    def _left_over(self) -> int:
        """How many bytes an earlier run left of this very content; 0 where it left another."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            size = self.path.stat().st_size
        except (OSError, ValueError):
            return 0
        same = isinstance(note, dict) and note.get("sha256") == self.sha256
        return size if same and size <= self.bytes else 0

    def write(self, data: bytes) -> None:
        """Append what arrived."""
        assert self._stream is not None
        with on_disk(self.path):
            view = memoryview(data)
            while view:
                view = view[self._stream.write(view) :]
        self._digest.update(data)
        self.done += len(data)

    def restart(self) -> None:
        """Forget every byte."""
        assert self._stream is not None
        with on_disk(self.path):
            self._stream.truncate(0)
        self._digest = hashlib.sha256()
        self.done = 0

    def discard(self) -> None:
        """Remove the part and its note."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            self.note.unlink(missing_ok=True)

    def publish(self) -> Fetched:
        """Rename the whole part to its name. Raises IntegrityError, removing it, if it is wrong."""
        assert self._stream is not None
        found = self._digest.hexdigest()
        if found != self.sha256:
            self._stream.close()
            self.discard()
            raise IntegrityError(
                f"{self.destination.name} arrived with sha256 {found[:12]}…, "
                f"but {str(self.sha256)[:12]}… is published",
                remedy="Fetch it again; if it happens again, a proxy or this disk alters files.",
            )
        with on_disk(self.destination):
            os.fsync(self._stream.fileno())
            self._stream.close()
            self.path.replace(self.destination)
            _sync_folder(self.destination.parent)
            self.note.unlink(missing_ok=True)
        return Fetched(self.destination, found, self.bytes)


def whole(destination: Path, file: RemoteFile, progress: Callable[[int], None]) -> Fetched | None:
    """The file already at `destination`, if it has the published sha256."""
    if not destination.is_file() or destination.stat().st_size != file.bytes:
        return None
    digest, done = hashlib.sha256(), 0
    with on_disk(destination), destination.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            done += len(block)
            progress(done)
    if digest.hexdigest() != file.sha256:
        return None
    return Fetched(destination, digest.hexdigest(), done)


def require_space(folder: Path, wanted: int) -> None:
    """Raise DiskError unless `wanted` bytes can be written in `folder`."""
    free = free_disk(folder)
    if free < wanted + SPACE_TO_SPARE:
        raise DiskError(
            f"{wanted / 1e9:.2f} GB are needed in {folder}, and {free / 1e9:.2f} GB are free",
            remedy="Make room (`runner list`, `runner rm MODEL`), or set RUNNER_HOME to "
            "another disk.",
        )


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


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut. Windows has no such call, and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
