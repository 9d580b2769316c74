"""From a name to what is to be fetched, and to its file on this disk."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from runner.catalog import Quantization, load_catalog
from runner.errors import IntegrityError, ModelNotHere, UnknownModel
from runner.library import Library
from runner.models.bring import FetchProgress, Wanted, bring, nothing
from runner.models.find import Located, entry_of, locate, located_record, recorded, shipped
from runner.reference import (
    CatalogReference,
    FileReference,
    HubReference,
    StoreReference,
    parse,
)

if TYPE_CHECKING:
    from runner.hub import Hub, RemoteFile


def pull(
    text: str,
    *,
    hub: "Hub",
    progress: FetchProgress,
    checking: FetchProgress = nothing,
    accept_new: bool = False,
    folders: Sequence[str] = (),
) -> Located:
    """Fetch the model `text` names, verified, and record it.

    Where it is certain that it is here, no connection is made; what another program put on this
    disk is recorded where it lies, after `checking` it. Offline, a model that is here is taken as
    it is. With `accept_new`, a file that is not the one that the catalogue knows is taken.

    Raises what `hub` raises, and UnknownModel, IntegrityError where the catalogue knows another
    sha256 than the Hub, DiskError.
    """
    reference = parse(text)
    match reference:
        case FileReference(path=path):
            raise UnknownModel(
                f"{path} is a path", remedy=f"A file runs in place: runner chat {path}"
            )
        case StoreReference(name=name):
            raise UnknownModel(
                f"{name} is a model on this disk", remedy=f"It runs where it is: runner chat {name}"
            )
    if (there := _certainly_here(reference, accept_new)) is not None:
        hub.remark(f"{text} is already here: {there.path}")
        return there
    if hub.offline:
        with suppress(ModelNotHere):
            return locate(text, folders)
    wanted = _wanted(reference, hub, accept_new)
    return bring(wanted, hub=hub, progress=progress, checking=checking, folders=folders)


def _certainly_here(reference: CatalogReference | HubReference, accept_new: bool) -> Located | None:
    """The recorded model, where what is meant cannot have changed since: it has the
    sha256 that the catalogue knows, or is pinned to a commit."""
    if isinstance(reference, CatalogReference):
        entry = entry_of(load_catalog(), reference.name)
        if entry.path is not None:
            return shipped()
        known = entry.quantization(reference.quantization)
        if known.sha256 is None or accept_new:
            return None
        for record in Library().records():
            # What was once accepted in place of the catalogue's file counts as that file.
            same = known.sha256 in (record.sha256, record.expected_sha256)
            if same and record.name == entry.name:
                return located_record(record)
        return None
    if reference.revision is None or len(reference.revision) != 40:
        return None
    if reference.file is None and reference.quantization is None:
        return None
    whole = (record for record in recorded(str(reference)) if record.is_whole)
    return next(map(located_record, whole), None)


def _wanted(
    reference: CatalogReference | HubReference,
    hub: "Hub",
    accept_new: bool,
) -> Wanted:
    """What the Hub has to offer for a reference."""
    from runner.hub import choose, parts_of, quantization_of

    if isinstance(reference, HubReference):
        listing = hub.listing(reference.repository, reference.revision)
        if reference.file is not None:
            files = parts_of(listing, reference.file)
        else:
            files = choose(listing, reference.quantization)
        return Wanted(
            f"hf.co/{listing.repository}",
            quantization_of(files[0].path),
            listing,
            files,
            reference.revision or "main",
            listing.licence,
        )
    entry = entry_of(load_catalog(), reference.name)
    known = entry.quantization(reference.quantization)
    listing = hub.listing(known.repository, None if accept_new else known.revision)
    files = parts_of(listing, known.file)
    differs = _differs(known, files[0])
    if differs and not accept_new:
        raise differs
    return Wanted(
        entry.name,
        quantization_of(files[0].path) or known.name,
        listing,
        files,
        "main" if accept_new or known.revision is None else None,
        entry.licence,
        known.sha256 if differs else None,
    )


def _differs(known: Quantization, published: "RemoteFile") -> IntegrityError | None:
    """The difference between what the catalogue and the Hub say of a file, if there is one."""
    if known.file != published.path or not known.sha256 or known.sha256 == published.sha256:
        return None
    return IntegrityError(
        f"{known.file} is not the file the catalogue knows: its sha256 is "
        f"{str(published.sha256)[:12]}…, the catalogue's {known.sha256[:12]}…",
        remedy="Either it was replaced since, or the catalogue's source was wrong. "
        "`runner pull --accept-new` takes what the repository holds now, and records that.",
    )
