"""The library: a folder of models, each `<org>/<repository>/<file>.gguf` with its record beside it.

The folder is the only state. Files that others put there are left alone, and what cannot be read
is reported, never fatal.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from runner.errors import DiskError
from runner.library.names import safe_path
from runner.library.record import DamagedRecord, Record, beginnings, place, read, write
from runner.settings import data_directory

UNFINISHED = (".part", ".part.json", ".part.lock")  # what a fetch keeps beside its destination


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the library that does not belong, or not like this; `reason` says why."""

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
    """The models under `root`, by default `models` in Runner's data directory."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root if root is not None else data_directory() / "models"

    def path_for(self, repository: str, file: str) -> Path:
        """Where a repository's file belongs. Raises UnknownModel for an unsafe name."""
        return self.root / safe_path(repository, file)

    def records(self) -> list[Record]:
        """The whole models, by repository and file."""
        return self._scan()[0]

    def problems(self) -> list[Problem]:
        """Records that cannot be read, models that are not what their record says, and strays."""
        return self._scan()[1]

    def find(self, repository: str, file: str) -> Record | None:
        """The record of a repository's file; the Hub's names are the same in either case."""
        for record in self.records():
            if record.repository.lower() == repository.lower() and record.file == file:
                return record
        return None

    def by_name(self, name: str) -> Record | None:
        """The model of this name; of several quantizations, the one used last."""
        named = [record for record in self.records() if record.name.lower() == name.lower()]
        return max(named, key=lambda record: record.last_used, default=None)

    def last_used(self) -> Record | None:
        """The model used last; one never used counts from when it was fetched."""
        return max(self.records(), key=lambda record: record.last_used, default=None)

    def add(self, record: Record) -> None:
        """Keep the record of a model that is in place. Raises DiskError."""
        write(record)

    def touch(self, record: Record) -> Record:
        """The record, used now."""
        used = replace(record, used_at=datetime.now(UTC))
        # The time is a convenience: a model on a disk that cannot be written runs all the same.
        with suppress(DiskError):
            if place(record.path).exists():
                write(used)
        return used

    def remove(self, record: Record) -> int:
        """Delete a model, its record, what unfinished fetches left beside it, and empty folders.

        Returns the bytes freed. Raises DiskError, for one while another program on Windows has
        the file open.
        """
        freed = 0
        for path, _ in record.files:
            freed += _delete(path)
            for ending in UNFINISHED:
                freed += _delete(path.with_name(path.name + ending))
        for path in (*beginnings(record.path), place(record.path)):
            freed += _delete(path)
        self._prune(record.path.parent)
        return freed

    def partials(self) -> list[Partial]:
        """The interrupted fetches."""
        found = []
        for path in self._ending_in(".gguf.part"):
            with suppress(OSError, ValueError, KeyError, TypeError):
                note = json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8"))
                found.append(
                    Partial(
                        path=path,
                        destination=path.with_suffix(""),
                        repository=str(note["repository"]),
                        file=str(note["file"]),
                        bytes=path.stat().st_size,
                        total=int(note["bytes"]),
                    )
                )
        return found

    def discard(self, partial: Partial) -> int:
        """Delete what an interrupted fetch left; returns the bytes freed. Raises DiskError."""
        beside = partial.destination
        freed = sum(_delete(beside.with_name(beside.name + ending)) for ending in UNFINISHED)
        self._prune(beside.parent)
        return freed

    def _scan(self) -> tuple[list[Record], list[Problem]]:
        """Everything under the root, told apart."""
        records: list[Record] = []
        problems: list[Problem] = []
        accounted: set[Path] = set()
        for path in self._ending_in(".gguf.json"):
            try:
                record = read(path)
            except DamagedRecord as error:
                problems.append(Problem(path, f"this record cannot be used: {error}"))
                continue
            accounted.update(file for file, _ in record.files)
            if faults := list(_faults(record)):
                problems.extend(faults)
            else:
                records.append(record)
        problems.extend(
            Problem(path, "a model without a record; fetching it again adopts it")
            for path in self._ending_in(".gguf")
            if path not in accounted
        )
        return records, problems

    def _ending_in(self, ending: str) -> list[Path]:
        """The files of this ending, in either case: some repositories shout `.GGUF`."""
        return [path for path in sorted(self.root.rglob("*")) if path.name.lower().endswith(ending)]

    def _prune(self, folder: Path) -> None:
        """Remove `folder` and those above it, up to the root, as far as they are empty."""
        with suppress(OSError):
            while folder != self.root and folder.is_relative_to(self.root):
                folder.rmdir()
                folder = folder.parent


def _faults(record: Record) -> Iterator[Problem]:
    """What a record promises and the disk does not hold."""
    for path, size in record.files:
        try:
            there = path.stat().st_size
        except OSError:
            yield Problem(path, "its record is here, but the model is not")
        else:
            if there != size:
                yield Problem(path, f"holds {there} bytes, where its record says {size}")


def _delete(path: Path) -> int:
    """Delete a file that may not be there; its bytes."""
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise DiskError(
            f"cannot delete {path}: {error.strerror or error}",
            remedy="Close the program that uses it, and try again.",
        ) from error
    return size
