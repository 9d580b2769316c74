"""The library: models in the Hugging Face cache, or wherever else they lie, and a small record of
each in a database. Where the two disagree, it is the files that count.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from runner.database import Unreadable
from runner.errors import DiskError
from runner.journal import Journal
from runner.library.cache import Cache, delete
from runner.library.database import library_database
from runner.library.record import Record, StoredFile
from runner.library.uses import require_unused
from runner.paths import data_directory
from runner.pieces import Pieces

UNFINISHED = ".part"
"""What a fetch keeps beside its destination begins with the destination's name and this."""

COLUMNS = (
    "name", "repository", "commit_id", "quantization", "fetched_at", "used_at", "context",
    "licence", "licence_link", "published_licence", "expected_sha256", "made_from", "adopted",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the library that is not as it should be; `reason` says how."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Partial:
    """A fetch that was interrupted: `bytes` of `total` are at `path`, to become `destination`."""

    path: Path
    destination: Path
    repository: str
    file: str
    bytes: int
    total: int


class Library:
    """The models of this user. `cache` and `database` are, by default, where they always lie."""

    def __init__(self, cache: Path | None = None, database: Path | None = None) -> None:
        self.cache = Cache(cache)
        self.database = library_database(database or data_directory() / "library.db")

    @property
    def root(self) -> Path:
        """The folder of the cache."""
        return self.cache.root

    # Where files belong

    def blob_for(self, repository: str, sha256: str) -> Path:
        """Where a file with this sha256 is to be fetched to. Raises UnknownModel."""
        return self.cache.blob(repository, sha256)

    def claim(self, blob: Path, repository: str, file: str, total: int) -> None:
        """Remember, before the first byte, that Runner fetches this blob, of `total` bytes."""
        with suppress(DiskError), self.database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?)",
                (self._short(blob), repository, file, total),
            )

    def place(
        self, repository: str, commit: str, file: str, sha256: str, revision: str | None = None
    ) -> Path:
        """Give a fetched blob its name at a commit, as `Cache.place` says."""
        return self.cache.place(repository, commit, file, sha256, revision)

    # Records

    def records(self) -> list[Record]:
        """The models that are whole, by name; none where the database cannot be read."""
        return [record for record in self._all() if record.is_whole]

    def recorded(self) -> list[Record]:
        """All records, those too whose files are gone or cut short."""
        return self._all()

    def problems(self) -> list[Problem]:
        """Models that are not what their record says, and a database that cannot be read."""
        try:
            records = self._read()
        except Unreadable as error:
            reason = f"cannot be read ({error}): models run, but names and times are forgotten"
            return [Problem(self.database.path, reason)]
        return [fault for record in records for file in record.files if (fault := _fault(file))]

    def last_used(self) -> Record | None:
        """The model used last; one never used counts from when it was fetched."""
        return max(self.records(), key=lambda record: record.last_used, default=None)

    def add(self, record: Record) -> None:
        """Keep the record of a model that is in place, instead of what was recorded of its files.

        Raises DiskError.
        """
        marks = ", ".join("?" * len(COLUMNS))
        with self.database.writing() as connection:
            for file in record.files:
                self._forget(connection, file)
            number = connection.execute(
                f"INSERT INTO models ({', '.join(COLUMNS)}) VALUES ({marks})",
                (
                    record.name,
                    record.repository,
                    record.commit,
                    record.quantization,
                    record.fetched_at.isoformat(),
                    record.used_at.isoformat() if record.used_at else None,
                    record.context,
                    record.licence,
                    record.licence_link,
                    record.published_licence,
                    record.expected_sha256,
                    record.made_from,
                    record.adopted,
                ),
            ).lastrowid
            for at, file in enumerate(record.files):
                connection.execute(
                    "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)",
                    (number, at, self._short(file.path), file.file, file.bytes, file.sha256),
                )
                if file.pieces is not None:
                    _keep_pieces(connection, file.sha256, file.pieces)

    def forget(self, record: Record) -> None:
        """Drop a record, and leave its files. Raises DiskError."""
        with self.database.writing() as connection:
            for file in record.files:
                self._forget(connection, file)

    def touch(self, record: Record) -> Record:
        """The record, used now."""
        used = datetime.now(UTC)
        # The time is a convenience: a model on a disk that cannot be written runs all the same.
        with suppress(DiskError), self.database.writing() as connection:
            connection.execute(
                "UPDATE models SET used_at = ? "
                "WHERE id IN (SELECT model FROM files WHERE path = ?)",
                (used.isoformat(), self._short(record.path)),
            )
        return replace(record, used_at=used)

    def remove(self, record: Record) -> int:
        """Delete a model and its record; the bytes that were freed.

        Stays: a blob that another snapshot uses, and files that another program put there. Raises
        DiskError, for one while a running Runner uses the model.
        """
        freed = 0
        if not record.adopted:
            require_unused([file.path for file in record.files], record.name)
            for file in record.files:
                freed += self._remove(file.path)
            self._unclaim_removed({file.sha256 for file in record.files})
        self.forget(record)
        return freed

    def _remove(self, path: Path) -> int:
        """Delete one file, what an unfinished fetch left beside its blob, and empty folders."""
        inside = path.is_relative_to(self.root)
        blob = path.resolve() if path.is_symlink() else path
        freed = self.cache.remove(path) if inside else delete(path)
        if not blob.exists():
            freed += sum(delete(beside) for beside in _unfinished(blob))
            self.cache.tidy(blob.parent)
        if not inside:
            _remove_empty(path.parent)
        return freed

    def _unclaim_removed(self, hashes: set[str]) -> None:
        """Forget the blobs of these hashes that are gone: what lies there later is another's."""
        blobs = [blob for blob, *_ in self.claimed() if blob.name in hashes]
        self.unclaim([one for one in blobs if not one.exists() and not any(_unfinished(one))])

    # Hashes of pieces

    def pieces(self, sha256: str) -> Pieces | None:
        """The hashes of the pieces of the file that has this sha256, where they are known."""
        with suppress(Unreadable, ValueError), self.database.reading() as connection:
            row = connection.execute(
                "SELECT size, digests FROM pieces WHERE sha256 = ?", (sha256,)
            ).fetchone()
            return Pieces.unpacked(*row) if row else None
        return None

    def keep_pieces(self, sha256: str, pieces: Pieces) -> None:
        """Remember the hashes of a whole file's pieces. Raises DiskError."""
        with self.database.writing() as connection:
            _keep_pieces(connection, sha256, pieces)

    # Contexts of files without a record

    def contexts(self, paths: list[Path], read: Callable[[Path], int | None]) -> dict[Path, int]:
        """The trained context of each file that says one, by what `read` finds in its header; a
        file that has not changed since is not read again."""
        stamps = {path: stamp for path in paths if (stamp := _stamp(path))}
        known: dict[str, tuple[str, int | None]] = {}
        with suppress(Unreadable), self.database.reading() as connection:
            for path, stamp, context in connection.execute("SELECT * FROM contexts"):
                known[path] = stamp, context
        fresh = {
            path: read(path)
            for path, stamp in stamps.items()
            if known.get(str(path), ("",))[0] != stamp
        }
        if fresh:
            with suppress(DiskError), self.database.writing() as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO contexts VALUES (?, ?, ?)",
                    [(str(path), stamps[path], context) for path, context in fresh.items()],
                )
        found = {path: fresh[path] if path in fresh else known[str(path)][1] for path in stamps}
        return {path: context for path, context in found.items() if context}

    # What was begun and not finished

    def partials(self) -> list[Partial]:
        """The interrupted fetches of models."""
        found = []
        for blob, repository, file, total in self.claimed():
            path = blob.with_name(blob.name + UNFINISHED)
            with suppress(OSError):
                path.stat()
                there = Journal(path.with_name(path.name + ".journal")).arrived()
                found.append(Partial(path, blob, repository, file, min(there, total), total))
        return found

    def claimed(self) -> list[tuple[Path, str, str, int]]:
        """The blobs that Runner fetched or began to: path, repository, file and size in bytes."""
        with suppress(Unreadable), self.database.reading() as connection:
            return [
                (self.root / path, repository, file, total)
                for path, repository, file, total in connection.execute("SELECT * FROM blobs")
            ]
        return []

    def unclaim(self, blobs: list[Path]) -> None:
        """Forget blobs that are gone. Raises DiskError."""
        if blobs:
            with self.database.writing() as connection:
                connection.executemany(
                    "DELETE FROM blobs WHERE path = ?", [(self._short(blob),) for blob in blobs]
                )

    # Rows

    def _all(self) -> list[Record]:
        with suppress(Unreadable):
            return self._read()
        return []

    def _read(self) -> list[Record]:
        """All records that make sense, by name. Raises Unreadable."""
        with self.database.reading() as connection:
            files: dict[int, list[StoredFile]] = {}
            for model, path, file, size, sha256 in connection.execute(
                "SELECT model, path, file, bytes, sha256 FROM files ORDER BY model, number"
            ):
                stored = StoredFile(self.root / path, file, size, sha256)
                files.setdefault(model, []).append(stored)
            rows = connection.execute(f"SELECT id, {', '.join(COLUMNS)} FROM models").fetchall()
        found = [_record(row, files[row[0]]) for row in rows if row[0] in files]
        return sorted(found, key=lambda record: (record.name, record.file, record.fetched_at))

    def _short(self, path: Path) -> str:
        """A path as it is recorded: from the cache's folder on, so that the cache can be moved."""
        if path.is_relative_to(self.root):
            return path.relative_to(self.root).as_posix()
        return str(path.absolute())

    def _forget(self, connection: sqlite3.Connection, file: StoredFile) -> None:
        connection.execute(
            "DELETE FROM models WHERE id IN (SELECT model FROM files WHERE path = ?)",
            (self._short(file.path),),
        )


def _record(row: tuple[str, ...], files: list[StoredFile]) -> Record:
    about = dict(zip(("id", *COLUMNS), row, strict=True))
    used = about["used_at"]
    return Record(
        name=about["name"],
        repository=about["repository"],
        commit=about["commit_id"],
        quantization=about["quantization"],
        files=tuple(files),
        fetched_at=_time(about["fetched_at"]),
        used_at=_time(used) if used else None,
        context=int(about["context"]) if about["context"] else None,
        licence=about["licence"],
        licence_link=about["licence_link"],
        published_licence=about["published_licence"],
        expected_sha256=about["expected_sha256"],
        made_from=about["made_from"],
        adopted=bool(about["adopted"]),
    )


def _time(text: str) -> datetime:
    """A recorded time; the beginning of time for one that is none."""
    with suppress(ValueError):
        time = datetime.fromisoformat(text)
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    return datetime.fromtimestamp(0, UTC)


def _keep_pieces(connection: sqlite3.Connection, sha256: str, pieces: Pieces) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO pieces VALUES (?, ?, ?)", (sha256, pieces.size, pieces.packed())
    )


def _fault(file: StoredFile) -> Problem | None:
    """What a record promises and the disk does not hold."""
    try:
        there = file.path.stat().st_size
    except OSError:
        return Problem(
            file.path, "its record is here, but the model is not; `runner prune` drops it"
        )
    if there != file.bytes:
        return Problem(file.path, f"holds {there} bytes, where its record says {file.bytes}")
    return None


def _unfinished(blob: Path) -> Iterator[Path]:
    """What fetches keep beside a blob while they run, or left there."""
    with suppress(OSError):
        for path in sorted(blob.parent.iterdir()):
            if path.name.startswith(blob.name + UNFINISHED):
                yield path


def _remove_empty(folder: Path) -> None:
    """Remove folders of Runner's own that are empty, up to its data directory."""
    top = data_directory()
    with suppress(OSError):
        while folder != top and folder.is_relative_to(top):
            folder.rmdir()
            folder = folder.parent


def _stamp(path: Path) -> str:
    """What changes when a file does; empty for a file that is not there."""
    try:
        state = path.stat()
    except OSError:
        return ""
    return f"{state.st_size} {state.st_mtime_ns}"
