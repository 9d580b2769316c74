"""Finding a model on this disk, by a name, a repository or a path; and what would suit it."""

from dataclasses import dataclass
from pathlib import Path

from runner.catalog import Catalog, Entry, load_catalog, models_directory
from runner.errors import ModelNotHere, Offer, UnknownModel
from runner.hub import quantization_of
from runner.library import Library, Record
from runner.reference import CatalogReference, FileReference, HubReference, parse

SUGGESTED_SHARE = 0.25
"""A suggested model's file is at most this share of the free memory: with 16 GB that is a 7B in
Q4_K_M, which a laptop's processor still reads at a bearable speed."""


@dataclass(frozen=True, slots=True)
class Located:
    """A model's file on this disk, and what is known about it."""

    path: Path
    name: str
    quantization: str | None = None
    entry: Entry | None = None
    record: Record | None = None


def locate(text: str | None) -> Located:
    """The model a user means; None means the one used last, else the one that ships.

    Raises ModelNotHere with an offer where it could be fetched, and UnknownModel.
    """
    if text is None:
        return _used_last() or shipped()
    catalog = load_catalog()
    match parse(text):
        case FileReference(path=path):
            if not path.is_file():
                raise UnknownModel(f"there is no file {path}", remedy="Check the path.")
            return Located(path, path.name, quantization_of(path.name))
        case CatalogReference(name=name, quantization=quantization):
            entry = entry_of(catalog, name)
            if entry.path is not None:
                return shipped()
            return _fetched_entry(entry, quantization)
        case HubReference() as reference:
            return _fetched_repository(reference)


def shipped() -> Located:
    """The model that comes with Runner."""
    entry = load_catalog().shipped
    path = models_directory() / str(entry.path)
    return Located(path, entry.name, quantization_of(path.name), entry)


def here() -> list[Located]:
    """Every model on this disk, the shipped one first, then by name."""
    fetched = [located_record(record) for record in Library().records()]
    return [shipped(), *sorted(fetched, key=lambda located: (located.name, str(located.path)))]


def suggestion() -> Entry | None:
    """The largest catalogue model that runs comfortably in this machine's free memory."""
    from runner import machine

    room = machine.memory().available * SUGGESTED_SHARE
    fitting = [
        entry
        for entry in load_catalog().entries
        if entry.suggest and 0 < (entry.quantization().bytes or 0) <= room
    ]
    return max(fitting, key=lambda entry: entry.parameters, default=None)


def _used_last() -> Located | None:
    record = Library().last_used()
    return located_record(record) if record is not None else None


def entry_of(catalog: Catalog, name: str) -> Entry:
    entry = catalog.find(name)
    if entry is None:
        near = catalog.nearest(name)
        raise UnknownModel(
            f"no model is called {name!r}",
            remedy=f"Did you mean {' or '.join(near)}?"
            if near
            else "`runner list --all` names the models of the catalogue; "
            "any GGUF repository works as org/repo.",
        )
    return entry


def _fetched_entry(entry: Entry, quantization: str | None) -> Located:
    mine = [record for record in Library().records() if record.name == entry.name]
    for record in sorted(mine, key=lambda record: record.last_used, reverse=True):
        if quantization is None or _same(record.quantization, quantization):
            return located_record(record)
    choice = entry.quantization(quantization)
    typed = f"{entry.name}:{choice.name}" if quantization else entry.name
    raise _not_here(typed, Offer(typed, choice.repository, choice.name, choice.bytes))


def _fetched_repository(reference: HubReference) -> Located:
    wanted = reference.quantization
    for record in Library().records():
        if (
            record.repository.lower() == reference.repository.lower()
            and (reference.file is None or record.file == reference.file)
            and (wanted is None or _same(record.quantization, wanted))
        ):
            return located_record(record)
    raise _not_here(str(reference), Offer(str(reference), reference.repository, wanted, None))


def _same(one: str | None, other: str) -> bool:
    return one is not None and one.lower() == other.lower()


def _not_here(typed: str, offer: Offer) -> ModelNotHere:
    size = f"  ({offer.bytes / 1e9:.2f} GB)" if offer.bytes else ""
    return ModelNotHere(
        f"{typed} is not on this machine", offer=offer, remedy=f"runner pull {typed}{size}"
    )


def located_record(record: Record) -> Located:
    entry = load_catalog().find(record.name)
    return Located(record.path, record.name, record.quantization, entry, record)
