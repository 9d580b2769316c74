"""Proving that models on this disk are what they were when they were fetched, and mending them.

Needs no network: the sha256 of each file and of its pieces are recorded. Where pieces rotted, only
those are fetched again.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from runner.errors import DiskError, UnknownModel
from runner.library import Library, Record, StoredFile
from runner.models.find import locate, recorded
from runner.models.hashing import hashed
from runner.pieces import PIECE, Hashed, Pieces

if TYPE_CHECKING:
    from runner.hub import Hub

State = Literal["whole", "damaged", "missing", "mended"]
Progress = Callable[[str, int, int], None]
"""Called with (file name, bytes done, bytes in all)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one file. `wrong` are the damaged ranges of bytes, all of the file where its
    pieces were never recorded."""

    name: str
    path: Path
    bytes: int
    state: State
    wrong: tuple[range, ...] = ()

    @property
    def wrong_bytes(self) -> int:
        return sum(len(part) for part in self.wrong)


def to_verify(names: Sequence[str], folders: Sequence[str] = ()) -> list[Record]:
    """The records of what names mean, or all there are. Raises UnknownModel for a model whose
    right sha256 nobody knows, and ModelNotHere."""
    found = []
    for name in names:
        if not (records := recorded(name)):
            raise UnknownModel(
                f"nobody recorded what {locate(name, folders).name} should be",
                remedy="A model that was fetched with `runner pull` can be verified.",
            )
        found += records
    return found if names else Library().recorded()


def verify(record: Record, progress: Progress) -> list[Verdict]:
    """Read a model's files and hold them against what was recorded. Hashes of pieces that are not
    recorded yet are, of a whole file. Raises DiskError."""
    library = Library()
    return [_verified(library, record.name, file, progress) for file in record.files]


def _verified(library: Library, name: str, file: StoredFile, progress: Progress) -> Verdict:
    try:
        size = file.path.stat().st_size
    except OSError:
        return Verdict(name, file.path, file.bytes, "missing", (range(file.bytes),))
    pieces = library.pieces(file.sha256)
    found = hashed(
        file.path,
        lambda done: progress(file.file, done, size),
        pieces.size if pieces else PIECE,
    )
    if found.sha256 == file.sha256:
        if pieces is None:
            with suppress(DiskError):
                library.keep_pieces(file.sha256, found.pieces)
        return Verdict(name, file.path, file.bytes, "whole")
    return Verdict(name, file.path, file.bytes, "damaged", _wrong(file, pieces, found))


def _wrong(file: StoredFile, pieces: Pieces | None, found: Hashed) -> tuple[range, ...]:
    """The ranges that are not what they were, neighbours joined."""
    if pieces is None:
        return (range(file.bytes),)
    wrong: list[range] = []
    for number, digest in enumerate(pieces.digests):
        there = found.pieces.digests[number : number + 1]
        if there != (digest,):
            start = number * pieces.size
            stop = min(start + pieces.size, file.bytes)
            if wrong and wrong[-1].stop == start:
                start = wrong.pop().start
            wrong.append(range(start, stop))
    return tuple(wrong)


def repair(
    record: Record, verdicts: Sequence[Verdict], hub: "Hub", progress: Progress
) -> list[Verdict]:
    """Fetch what is damaged or missing of a model again; the verdicts as they are then.

    Raises UnknownModel where that is not Runner's to do, what `hub` raises, and DiskError.
    """
    if all(verdict.state == "whole" for verdict in verdicts):
        return list(verdicts)
    library = Library()
    if not record.repository:
        raise UnknownModel(
            f"{record.name} was made on this machine", remedy="Make it again from its original."
        )
    called = f"{record.name}:{record.quantization}" if record.quantization else record.name
    if record.adopted:
        raise UnknownModel(
            f"{record.path} belongs to another program, and Runner does not change it",
            remedy=f"Delete it there; then `runner pull {called}` fetches it.",
        )
    if not record.path.is_relative_to(library.root):
        raise UnknownModel(
            f"{record.path} is not in the cache {library.root}, where Runner mends models",
            remedy=f"`runner rm {called}`, then `runner pull {called}`.",
        )
    listing = hub.listing(record.repository, record.commit)
    mended = []
    for file, verdict in zip(record.files, verdicts, strict=True):
        if verdict.state == "whole":
            mended.append(verdict)
            continue
        remote = listing.file(file.file)
        steps = _steps(file, progress)
        if verdict.state == "missing":
            blob = library.blob_for(record.repository, file.sha256)
            library.claim(blob, record.repository, file.file, file.bytes)
            hub.fetch(listing, remote, blob, progress=steps)
            library.place(record.repository, record.commit, file.file, file.sha256)
        else:
            hub.repair(listing, remote, file.path.resolve(), verdict.wrong, progress=steps)
        mended.append(Verdict(record.name, file.path, file.bytes, "mended", verdict.wrong))
    return mended


def _steps(file: StoredFile, progress: Progress) -> Callable[[int], None]:
    return lambda done: progress(file.file, done, file.bytes)
