"""Deleting models that Runner fetched or made."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.errors import UnknownModel
from runner.library import Library, Record
from runner.library.uses import require_unused
from runner.models.find import Located, locate, located_record, recorded, shipped


@dataclass(frozen=True, slots=True)
class Removed:
    """A model that is gone from the library: where it was, the bytes that were freed, and why its
    files stay, where they do."""

    name: str
    path: Path
    bytes: int
    note: str = ""


def remove(located: Located) -> Removed:
    """Delete a fetched model's files. Raises UnknownModel for one that Runner did not fetch, and
    DiskError, for one that is in use."""
    _refuse(located)
    record = located.record
    assert record is not None
    library = Library()
    freed = library.remove(record)
    note = ""
    if record.adopted:
        note = f"another program put it at {record.path}, where it stays"
    elif _is_shared(library, record):
        note = "another snapshot uses its bytes, which stay"
    elif not freed:
        note = "its files were gone already"
    return Removed(located.name, record.path, freed, note)


def _is_shared(library: Library, record: Record) -> bool:
    """Whether blobs of a model that was removed from the cache are still there."""
    inside = [file for file in record.files if file.path.is_relative_to(library.root)]
    return any(library.blob_for(record.repository, file.sha256).exists() for file in inside)


def to_remove(text: str, folders: Sequence[str] = ()) -> Located:
    """The model that a text means, if it may be removed: one that is damaged too.

    Raises UnknownModel for one that is not Runner's to delete, and where several quantizations may
    be meant; DiskError for one that is in use; ModelNotHere.
    """
    mine = recorded(text)
    if len({record.quantization for record in mine}) > 1:
        names = sorted({_typed(record) for record in mine})
        raise UnknownModel(
            f"{text} is here in several quantizations",
            remedy=f"Name those to delete: {', '.join(names)}.",
        )
    located = located_record(mine[0]) if mine else locate(text, folders)
    _refuse(located)
    if located.record is not None and not located.record.adopted:
        require_unused(located.paths, located.name)
    return located


def _typed(record: Record) -> str:
    """What to type for this quantization of a model."""
    if record.quantization is None and record.repository:
        return f"hf.co/{record.repository}/blob/{record.commit[:12]}/{record.file}"
    return f"{record.name}:{record.quantization}" if record.quantization else record.name


def _refuse(located: Located) -> None:
    """Raise UnknownModel where a model is not Runner's to delete."""
    if located.path == shipped().path:
        raise UnknownModel(f"{located.name} comes with Runner and stays")
    if located.record is None:
        whose = f" but is in {located.found.source}" if located.found else ""
        raise UnknownModel(
            f"{located.name} was not fetched by Runner{whose}",
            remedy=f"Delete {located.path} yourself.",
        )
