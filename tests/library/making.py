"""Models made for tests: of a few bytes, in the Hugging Face cache, as a fetch leaves them."""

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from runner.library import Library, Record, StoredFile
from runner.pieces import Hashed, Pieces, hash_file

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
REPOSITORY = "org/model-GGUF"
COMMIT = "c" * 40
FILE = "model-Q4_K_M.gguf"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def pieces_of(data: bytes, size: int) -> Pieces:
    *_, hashed = hash_file(io.BytesIO(data), size)
    assert isinstance(hashed, Hashed)
    return hashed.pieces


def store(
    library: Library,
    data: bytes = bytes(10),
    file: str = FILE,
    *,
    repository: str = REPOSITORY,
    commit: str = COMMIT,
    revision: str | None = "main",
) -> StoredFile:
    """A file in the cache, claimed, whole and in its place."""
    blob = library.blob_for(repository, sha256(data))
    library.claim(blob, repository, file, len(data))
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(data)
    path = library.place(repository, commit, file, sha256(data), revision)
    return StoredFile(path, file, len(data), sha256(data))


def put(library: Library, name: str = "model:1b", data: bytes = bytes(10), **about: Any) -> Record:
    """A model in the cache with its record."""
    places = {key: about.pop(key) for key in ("repository", "commit", "revision") if key in about}
    files = about.pop("files", None) or (store(library, data, about.pop("file", FILE), **places),)
    record = Record(
        name=name,
        repository=places.get("repository", REPOSITORY),
        commit=places.get("commit", COMMIT),
        quantization="Q4_K_M",
        files=files,
        fetched_at=NOON,
    )
    record = replace(record, **about)
    library.add(record)
    return record
