"""What can go from this disk without anybody missing it: leftovers of Runner's own, never what
another program keeps."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runner.library import uses
from runner.library.cache import delete
from runner.library.elsewhere import old_folder
from runner.library.library import UNFINISHED, Library
from runner.library.record import Record
from runner.paths import cache_directory


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something to drop: a file of so many bytes on this disk, or, with none, a record; `reason`
    says what it is."""

    path: Path
    bytes: int
    reason: str
    record: Record | None = None


def leftovers(library: Library) -> list[Leftover]:
    """All that `drop` would drop."""
    return [
        *_unfinished(library),
        *_unused_blobs(library),
        *_broken_links(library),
        *_stale_records(library),
        *_headers(),
        *(Leftover(note, _size(note), "note of a process that is gone") for note in uses.stale()),
    ]


def drop(library: Library, found: list[Leftover]) -> int:
    """Drop leftovers; the bytes that were freed. Raises DiskError."""
    freed = 0
    for one in found:
        if one.record is not None:
            library.forget(one.record)
            continue
        delete(one.path)
        freed += one.bytes
        library.cache.tidy(one.path.parent)
        if one.path.is_relative_to(cache_directory()):
            with suppress(OSError):
                one.path.parent.rmdir()
    if library.root.is_dir():
        library.unclaim([blob for blob, *_ in library.claimed() if _is_gone(blob)])
    return freed


def _unfinished(library: Library) -> Iterator[Leftover]:
    """Parts of fetches that no process continues right now."""
    blobs = {blob for blob, *_ in library.claimed()}
    folders = {blob.parent for blob in blobs} | {path.parent for path in _old_parts()}
    for folder in sorted(folders):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            name, part, _ = path.name.partition(UNFINISHED)
            ours = folder / name in blobs or folder.is_relative_to(old_folder())
            if part and ours and not _is_locked(folder / f"{name}{UNFINISHED}.lock"):
                yield Leftover(path, _size(path), "unfinished fetch")


def _old_parts() -> list[Path]:
    return list(old_folder().rglob(f"*.gguf{UNFINISHED}"))


def _is_locked(lock: Path) -> bool:
    """Whether a running fetch holds the lock beside its destination."""
    if not lock.exists():
        return False
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock, timeout=0):
            return False
    except (Timeout, OSError):
        return True


def _unused_blobs(library: Library) -> Iterator[Leftover]:
    """Blobs that Runner fetched and that have no name at any commit."""
    recorded = {file.path.resolve() for record in library.recorded() for file in record.files}
    for blob, *_ in library.claimed():
        locked = _is_locked(blob.with_name(f"{blob.name}{UNFINISHED}.lock"))
        used = locked or blob.resolve() in recorded or library.cache.is_linked(blob)
        if blob.is_file() and not used:
            yield Leftover(blob, _size(blob), "fetched, and in no snapshot")


def _broken_links(library: Library) -> Iterator[Leftover]:
    """Names at a commit of blobs that Runner fetched and that are gone."""
    claimed = {blob: repository for blob, repository, *_ in library.claimed()}
    for repository in sorted(set(claimed.values())):
        for link, blob in library.cache.broken_links(repository):
            if blob in claimed:
                yield Leftover(link, 0, "link to a blob that is gone")


def _stale_records(library: Library) -> Iterator[Leftover]:
    """Records of models of which files are gone. Where the whole cache is, it may be on a disk
    that is not plugged in: its records stay."""
    unplugged = not library.root.is_dir()
    for record in library.recorded():
        for file in record.files:
            elsewhere = unplugged and file.path.is_relative_to(library.root)
            if _is_gone(file.path) and not elsewhere:
                yield Leftover(file.path, 0, f"record of {record.name}, which is gone", record)
                break


def _headers() -> Iterator[Leftover]:
    """Headers of models that were looked at before a download."""
    folder = cache_directory() / "headers"
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file():
            yield Leftover(path, _size(path), "header of a model on the Hub")


def _is_gone(path: Path) -> bool:
    """Whether there is no such file. A claim on one that is being fetched counts as there."""
    beside = path.with_name(path.name + UNFINISHED)
    return not path.exists() and not beside.exists()


def _size(path: Path) -> int:
    """The bytes that a file takes on this disk: what is sparse takes less than its length."""
    try:
        state = path.lstat()
    except OSError:
        return 0
    blocks = getattr(state, "st_blocks", None)
    return state.st_size if blocks is None else min(state.st_size, 512 * blocks)
