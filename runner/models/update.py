"""What changed at the source of the models on this disk. Nothing is fetched or altered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from runner.errors import AccessDenied, UnknownModel
from runner.library import Library, Record
from runner.models.find import locate

if TYPE_CHECKING:
    from runner.hub import Hub, Listing

Kind = Literal["same", "commit", "content", "licence", "file gone", "repository gone", "closed"]
"""What happened to a model at its source: nothing; a new commit that leaves its files alone;
another file of the same name; another licence; its file or its repository is gone; it is closed to
us."""

WORDS: dict[Kind, str] = {
    "same": "unchanged",
    "commit": "a new commit, which leaves this file as it is",
    "content": "another file has this name now",
    "licence": "another licence",
    "file gone": "the file is gone",
    "repository gone": "the repository is gone",
    "closed": "it may no longer be read",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed at the source of a model; `was` and `now` are commits, hashes or
    licences, None where there is none."""

    kind: Kind
    was: str | None = None
    now: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A model on this disk and what changed at its source, the most telling first."""

    record: Record
    changes: tuple[Change, ...]


def sources(
    names: Sequence[str], *, hub: "Hub", progress: Callable[[str], None] = lambda _: None
) -> list[Source]:
    """Hold the fetched models, or those of these names, against what the Hub has now.

    Each repository is asked about once; `progress` is told which. Raises NetworkError,
    OfflineError, and UnknownModel or ModelNotHere for a name of nothing that was fetched.
    """
    records = [_fetched(name) for name in names] or sorted(
        (record for record in Library().records() if record.repository),
        key=lambda record: (record.name, record.quantization or ""),
    )
    listings: dict[str, Listing | Change] = {}
    found = []
    for record in records:
        if record.repository not in listings:
            progress(record.repository)
            listings[record.repository] = _listing(hub, record)
        listing = listings[record.repository]
        changes = (listing,) if isinstance(listing, Change) else tuple(_changes(record, listing))
        found.append(Source(record, changes))
    return found


def _fetched(name: str) -> Record:
    located = locate(name)
    if located.record is None or not located.record.repository:
        raise UnknownModel(f"{located.name} was not fetched, so it has no source to compare with")
    return located.record


def _listing(hub: "Hub", record: Record) -> "Listing | Change":
    try:
        return hub.listing(record.repository)
    except UnknownModel:
        return Change("repository gone")
    except AccessDenied as error:
        return Change("closed", now=error.message)


def _changes(record: Record, listing: "Listing") -> list[Change]:
    changes = []
    now = {file.path: file.sha256 for file in listing.files}
    for file in record.files:
        if file.file not in now:
            changes.append(Change("file gone", was=file.file))
        elif now[file.file] != file.sha256:
            changes.append(Change("content", was=file.sha256, now=now[file.file]))
    # The catalogue's words for a licence differ from the Hub's: only those of one are compared.
    if record.published_licence not in (None, listing.licence):
        changes.append(Change("licence", was=record.published_licence, now=listing.licence))
    if not changes and record.commit != listing.commit:
        changes.append(Change("commit", was=record.commit, now=listing.commit))
    return changes or [Change("same")]
