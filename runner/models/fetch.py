"""Fetching a model from the Hub, verified and recorded, and deleting it again."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from runner.catalog import Quantization, load_catalog
from runner.errors import IntegrityError, ModelNotHere, UnknownModel
from runner.hub import quantization_of
from runner.library import Library, Part, Record
from runner.models.find import Located, entry_of, locate, located_record, shipped
from runner.reference import CatalogReference, FileReference, HubReference, parse

if TYPE_CHECKING:
    from runner.hub import Hub, Listing, RemoteFile

FetchProgress = Callable[[str, int, int], None]
"""Called with (file name, bytes done, bytes in all) while a model is fetched."""


def pull(text: str, *, hub: "Hub", progress: FetchProgress) -> Located:
    """Fetch the model `text` names, verified, and record it. Already here: nothing is fetched.

    Offline, a model that is here is taken as it was recorded.

    Raises what `hub` raises, and UnknownModel, IntegrityError where the catalogue knows another
    sha256 than the Hub, DiskError.
    """
    from runner.hub import choose, parts_of

    reference = parse(text)
    if hub.offline and not isinstance(reference, FileReference):
        with suppress(ModelNotHere):
            return locate(text)
    match reference:
        case FileReference(path=path):
            raise UnknownModel(
                f"{path} is a path", remedy=f"A file runs in place: runner chat {path}"
            )
        case CatalogReference(name=name, quantization=quantization):
            entry = entry_of(load_catalog(), name)
            if entry.path is not None:
                return shipped()
            known = entry.quantization(quantization)
            listing = hub.listing(known.repository, known.revision)
            files = parts_of(listing, known.file)
            _agree(known, files[0])
            name, quantization = entry.name, known.name
        case HubReference():
            listing = hub.listing(reference.repository, reference.revision)
            files = (
                parts_of(listing, reference.file)
                if reference.file
                else choose(listing, reference.quantization)
            )
            name, quantization = f"hf.co/{reference.repository}", quantization_of(files[0].path)
    return _fetch(hub, listing, files, name, quantization, progress)


def _agree(known: Quantization, published: "RemoteFile") -> None:
    if known.sha256 and published.sha256 and known.sha256 != published.sha256:
        raise IntegrityError(
            f"{known.file} is not the file the catalogue knows: its sha256 is "
            f"{published.sha256[:12]}…, the catalogue's {known.sha256[:12]}…",
            remedy="It was replaced since. To take what the repository holds now: "
            f"runner pull hf.co/{known.repository}:{known.name}",
        )


def _fetch(
    hub: "Hub",
    listing: "Listing",
    files: "Sequence[RemoteFile]",
    name: str,
    quantization: str | None,
    progress: FetchProgress,
) -> Located:
    library = Library()
    fetched = [
        hub.fetch(
            listing,
            file,
            library.path_for(listing.repository, file.path),
            progress=_of_file(file, progress),
        )
        for file in files
    ]
    parts = tuple(
        Part(file.path, whole.bytes, whole.sha256)
        for file, whole in zip(files[1:], fetched[1:], strict=True)
    )
    record = Record(
        name=name,
        repository=listing.repository,
        commit=listing.commit,
        file=files[0].path,
        quantization=quantization,
        bytes=fetched[0].bytes,
        sha256=fetched[0].sha256,
        fetched_at=datetime.now(UTC),
        used_at=None,
        path=fetched[0].path,
        parts=parts,
    )
    library.add(record)
    return located_record(record)


def _of_file(file: "RemoteFile", progress: FetchProgress) -> Callable[[int], None]:
    return lambda done: progress(file.path, done, file.bytes)


def remove(text: str) -> list[tuple[Path, int]]:
    """Delete a fetched model's files; the paths and bytes that were freed."""
    located = locate(text)
    if located.path == shipped().path:
        raise UnknownModel(f"{located.name} comes with Runner and stays")
    if located.record is None:
        raise UnknownModel(
            f"{located.name} was not fetched by Runner", remedy=f"Delete {located.path} yourself."
        )
    return [(located.path, Library().remove(located.record))]
