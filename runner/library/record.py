"""What is recorded of a model: where from, at which commit, and where its files lie."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from runner.pieces import Pieces


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a model: `path` on this disk, `file` in its repository.

    `pieces` are kept when the record is added; `Library.pieces` gives them back.
    """

    path: Path
    file: str
    bytes: int
    sha256: str
    pieces: Pieces | None = field(default=None, compare=False, repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether it is there, with as many bytes."""
        try:
            return self.path.stat().st_size == self.bytes
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Record:
    """A model on this disk. `name` is what it goes by; `files` are its parts in order, one for
    most. Times carry a zone.

    `licence` is what the catalogue says, where it knows the model; `published_licence` is what the
    repository stated, in the Hub's words, when the model was fetched.
    `adopted` files were put there by another program, and stay when the model is removed.
    `expected_sha256` is what the catalogue knew of a file that was taken in another version.
    `made_from` says how a model was made that was not fetched; its repository is then empty.
    """

    name: str
    repository: str
    commit: str
    quantization: str | None
    files: tuple[StoredFile, ...]
    fetched_at: datetime
    used_at: datetime | None = None
    context: int | None = None
    licence: str | None = None
    licence_link: str | None = None
    published_licence: str | None = None
    expected_sha256: str | None = None
    made_from: str | None = None
    adopted: bool = False

    @property
    def path(self) -> Path:
        """The file that llama.cpp is given: the first part."""
        return self.files[0].path

    @property
    def file(self) -> str:
        """The first part's path in the repository."""
        return self.files[0].file

    @property
    def sha256(self) -> str:
        """That of the first part."""
        return self.files[0].sha256

    @property
    def total_bytes(self) -> int:
        """Bytes of all its files together."""
        return sum(file.bytes for file in self.files)

    @property
    def last_used(self) -> datetime:
        """When it was used last, or fetched, if never used."""
        return self.used_at or self.fetched_at

    @property
    def is_whole(self) -> bool:
        """Whether all its files are there, with as many bytes."""
        return all(file.is_whole for file in self.files)
