"""Bringing a catalogue up to what the Hub says: for those who maintain one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.catalog import Entry
from runner.errors import AccessDenied, UnknownModel
from runner.models.quantization_tables import edited, require_same_models
from runner.reference import known_quantization

if TYPE_CHECKING:
    from runner.hub import Hub, Listing, RemoteFile


@dataclass(slots=True)
class Refreshed:
    """A catalogue's new text; what changed (model, quantization, key, was, now), None for a key
    that was absent; and what is wrong, in words."""

    text: str
    changes: list[tuple[str, str, str, Any, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def refresh(
    text: str,
    entries: Sequence[Entry],
    *,
    hub: "Hub",
    progress: Callable[[str], None] = lambda _: None,
) -> Refreshed:
    """The catalogue `text`, with the exact size, sha256 and commit of every file of `entries`, and
    with all other quantizations that their repositories offer after those it lists.

    `progress` is told of each entry before it is asked about. Raises NetworkError, OfflineError.
    """
    result = Refreshed(text)
    listings: dict[str, Listing | None] = {}
    for entry in entries:
        if not entry.quantizations:
            continue
        progress(entry.name)
        for repository in _repositories(entry):
            if repository not in listings:
                listings[repository] = _listing(hub, repository, entry, result)
        _refresh_entry(result, entry, listings)
    require_same_models(text, result.text)
    return result


def _refresh_entry(result: Refreshed, entry: Entry, listings: "dict[str, Listing | None]") -> None:
    before = {known.name: known for known in entry.quantizations}
    wanted: dict[str, dict[str, Any]] = {}
    for known in entry.quantizations:
        listing = listings[known.repository]
        if listing is None:
            continue
        try:
            wanted[known.name] = _facts(listing, known.file)
        except UnknownModel:
            result.problems.append(f"{entry.name}: {known.repository} has no {known.file} any more")
    for repository in _repositories(entry):
        if listing := listings[repository]:
            for name, file in _offered(listing):
                if name not in wanted and name not in before:
                    wanted[name] = _facts(listing, file)
    for name, facts in wanted.items():
        for key, now in facts.items():
            was = getattr(before.get(name), key, None)
            if was != now:
                result.changes.append((entry.name, name, key, was, now))
    result.text = edited(result.text, entry.name, wanted)


def _repositories(entry: Entry) -> list[str]:
    return list(dict.fromkeys(known.repository for known in entry.quantizations))


def _listing(hub: "Hub", repository: str, entry: Entry, result: Refreshed) -> "Listing | None":
    try:
        listing = hub.listing(repository)
    except (UnknownModel, AccessDenied) as error:
        result.problems.append(f"{entry.name}: {error.message}")
        return None
    if listing.gated:
        result.problems.append(f"{entry.name}: {repository} is gated")
    return listing


def _facts(listing: "Listing", path: str) -> dict[str, Any]:
    """What a quantization's table says of the file at `path`. Raises UnknownModel."""
    from runner.hub import parts_of

    parts: tuple[RemoteFile, ...] = parts_of(listing, path)
    facts = {
        "repository": listing.repository,
        "file": path,
        "sha256": parts[0].sha256,
        "revision": listing.commit,
        "bytes": sum(part.bytes for part in parts),
        "bytes_are": "exact",
    }
    return {key: value for key, value in facts.items() if value is not None}


def _offered(listing: "Listing") -> Iterator[tuple[str, str]]:
    """The quantizations a repository offers, by name, and their first file; not those whose name
    more than one file bears, or that `runner pull` would not know."""
    from runner.hub import variants

    offered = variants(listing)
    names = [variant.name for variant in offered]
    for variant in offered:
        name = variant.name
        if name and names.count(name) == 1 and known_quantization(name) == name:
            yield name, variant.files[0].path
