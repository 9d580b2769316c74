"""Having the files of a model on this disk, whole and recorded: from where they are already, if
anywhere, else from the Hub."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import DiskError
from runner.library import Library, Record, StoredFile, candidates, old_folder, safe_path
from runner.models.find import Located, context_of, located_record
from runner.models.hashing import hashed

if TYPE_CHECKING:
    from runner.hub import Hub, Listing, RemoteFile

FetchProgress = Callable[[str, int, int], None]
"""Called with (what is read, bytes done, bytes in all): while a model is fetched, of all its files
together, the first time with what was on this disk before, and never with less than the last."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be on this disk: the files of a model, in order, at a commit of a repository.

    `revision` is the branch or tag that the commit was found by; `expected_sha256` what the
    catalogue knew, where something else was accepted.
    """

    name: str
    quantization: str | None
    listing: "Listing"
    files: "Sequence[RemoteFile]"
    revision: str | None = None
    licence: str | None = None
    expected_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Here:
    """Files on this disk whose content was checked; `adopted`: another program put them there."""

    files: tuple[StoredFile, ...]
    adopted: bool


def nothing(*_: object) -> None:
    """No progress."""


def bring(
    wanted: Wanted,
    *,
    hub: "Hub",
    progress: FetchProgress,
    checking: FetchProgress = nothing,
    folders: Sequence[str] = (),
) -> Located:
    """Have the files of a model on this disk, and its record: from what is here, else fetched."""
    library, listing = Library(), wanted.listing
    link = listing.licence_link or f"{hub.endpoint}/{listing.repository}"
    known = [record for record in library.recorded() if record.repository == listing.repository]
    if not known and wanted.licence:
        hub.remark(f"licence: {wanted.licence}, {link}")
    old = _recorded(wanted, known)
    # Who asks for a repository does not take the catalogue's name away.
    name = old.name if old is not None and wanted.name.startswith("hf.co/") else wanted.name
    if old is not None and (old.commit, old.name) == (listing.commit, name):
        hub.remark(f"{_called(wanted)} is already here: {old.path}")
        return located_record(old)
    here = (
        _moved_on(library, wanted, old)
        or _adopted(library, wanted, hub, checking, folders)
        or _fetched(library, wanted, hub, progress)
    )
    record = Record(
        name=name,
        repository=listing.repository,
        commit=listing.commit,
        quantization=wanted.quantization,
        files=here.files,
        fetched_at=datetime.now(UTC),
        context=context_of(here.files[0].path),
        licence=wanted.licence,
        licence_link=link if wanted.licence else None,
        published_licence=listing.licence,
        expected_sha256=wanted.expected_sha256,
        adopted=here.adopted,
    )
    library.add(record)
    if old is not None and old.path != record.path:
        with suppress(DiskError):  # a running Runner may use it; its bytes are the new one's, too
            library.remove(old)
    return located_record(record)


def _called(wanted: Wanted) -> str:
    return f"{wanted.name}:{wanted.quantization}" if wanted.quantization else wanted.name


def _recorded(wanted: Wanted, known: Sequence[Record]) -> Record | None:
    """The record of these very files, at whichever commit, if they are whole."""
    content = [(file.path, file.sha256) for file in wanted.files]
    same = [one for one in known if [(file.file, file.sha256) for file in one.files] == content]
    return next((one for one in same if one.is_whole), None)


def _moved_on(library: Library, wanted: Wanted, old: Record | None) -> Here | None:
    """The files of an older record, which a newer commit has too, under that commit's name."""
    if old is None:
        return None
    blobs = [library.blob_for(old.repository, file.sha256).resolve() for file in old.files]
    if [file.path.resolve() for file in old.files] != blobs:
        return Here(old.files, old.adopted)
    files = tuple(
        replace(file, path=_place(library, wanted, remote))
        for file, remote in zip(old.files, wanted.files, strict=True)
    )
    return Here(files, old.adopted)


def _adopted(
    library: Library,
    wanted: Wanted,
    hub: "Hub",
    checking: FetchProgress,
    folders: Sequence[str],
) -> Here | None:
    """The files as another program fetched them, where their content is the published one."""
    repository = wanted.listing.repository
    if any(remote.sha256 is None for remote in wanted.files):
        return None
    files = [(file.path, file.bytes, str(file.sha256)) for file in wanted.files]
    blobs = tuple(library.blob_for(repository, sha256) for _, _, sha256 in files)
    ours = {blob.resolve() for blob, *_ in library.claimed()}
    places = [blobs] if all(blob.exists() for blob in blobs) else []
    for paths in [*places, *candidates(library.cache, repository, files, folders)]:
        hub.remark(f"{paths[0].name} is here, at {paths[0]}; checking it")
        stored = _checked(paths, wanted.files, checking)
        if stored is None:
            hub.remark(f"{paths[0]} is not the published file")
            continue
        real = [path.resolve() for path in paths]
        if real == [blob.resolve() for blob in blobs]:
            stored = tuple(
                replace(file, path=_place(library, wanted, remote))
                for file, remote in zip(stored, wanted.files, strict=True)
            )
        folder = old_folder().resolve()
        own = all(path in ours or path.is_relative_to(folder) for path in real)
        return Here(stored, adopted=not own)
    return None


def _checked(
    paths: Sequence[Path], files: "Sequence[RemoteFile]", checking: FetchProgress
) -> tuple[StoredFile, ...] | None:
    """The files at these paths, if each has the published sha256."""
    stored = []
    for path, file in zip(paths, files, strict=True):
        if path.stat().st_size != file.bytes:
            return None
        found = hashed(path, _of_file(file, checking))
        if found.sha256 != file.sha256:
            return None
        stored.append(StoredFile(path, file.path, file.bytes, found.sha256, found.pieces))
    return tuple(stored)


def _fetched(library: Library, wanted: Wanted, hub: "Hub", progress: FetchProgress) -> Here:
    """The files from the Hub; those that are here, by an earlier run or another program, are only
    checked."""
    repository, files = wanted.listing.repository, wanted.files
    places = [_destination(library, wanted, remote) for remote in files]
    begun = [_begun(library, wanted, remote) for remote in files]
    hub.require_room(zip(files, places, begun, strict=True))
    told = _together(library, files, places, begun, progress)
    claimed = {blob for blob, *_ in library.claimed()}
    stored, adopted = [], False
    for number, (remote, place) in enumerate(zip(files, places, strict=True)):
        blob = library.blob_for(repository, str(remote.sha256))
        if not place.exists():
            library.claim(blob, repository, remote.path, remote.bytes)
        elif blob not in claimed:
            adopted = True
        fetched = hub.fetch(
            wanted.listing,
            remote,
            place,
            progress=partial(told, number),
            elsewhere=begun[number],
        )
        path = _place(library, wanted, remote)
        stored.append(StoredFile(path, remote.path, fetched.bytes, fetched.sha256, fetched.pieces))
    return Here(tuple(stored), adopted)


def _destination(library: Library, wanted: Wanted, file: "RemoteFile") -> Path:
    """Where a file is fetched to: its blob, or its place in the snapshot, if an earlier run on a
    system without links left it there."""
    listing = wanted.listing
    blob = library.blob_for(listing.repository, file.sha256 or "")
    path = library.cache.snapshot(listing.repository, listing.commit, file.path)
    there = path.is_file() and not path.is_symlink() and path.stat().st_size == file.bytes
    return path if there and not blob.exists() else blob


def _begun(library: Library, wanted: Wanted, file: "RemoteFile") -> list[Path]:
    """Other places where the same content may have been begun: for another repository, or in
    Runner's own folder of models."""
    blob = library.blob_for(wanted.listing.repository, str(file.sha256))
    same = [other for other, *_ in library.claimed() if other.name == file.sha256 and other != blob]
    return [old_folder() / safe_path(wanted.listing.repository, file.path), *same]


def _together(
    library: Library,
    files: "Sequence[RemoteFile]",
    places: Sequence[Path],
    begun: Sequence[Sequence[Path]],
    progress: FetchProgress,
) -> Callable[[int, int], None]:
    """What takes the number of a file and its bytes so far, and tells of all files together."""
    parts = {part.destination: part for part in library.partials()}

    def before(file: "RemoteFile", place: Path, elsewhere: Sequence[Path]) -> int:
        if place.is_file() and place.stat().st_size == file.bytes:
            return file.bytes
        there = next((parts[one] for one in (place, *elsewhere) if one in parts), None)
        return there.bytes if there is not None and there.total == file.bytes else 0

    done = [before(*one) for one in zip(files, places, begun, strict=True)]
    total = sum(file.bytes for file in files)
    name = files[0].path if len(files) == 1 else f"{files[0].path} and {len(files) - 1} more"

    def told(number: int, now: int) -> None:
        done[number] = max(done[number], now)
        progress(name, sum(done), total)

    return told


def _place(library: Library, wanted: Wanted, file: "RemoteFile") -> Path:
    listing = wanted.listing
    return library.place(
        listing.repository, listing.commit, file.path, str(file.sha256), wanted.revision
    )


def _of_file(file: "RemoteFile", progress: FetchProgress) -> Callable[[int], None]:
    return lambda done: progress(file.path, done, file.bytes)
