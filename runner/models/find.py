"""Finding a model on this disk, by a name, a repository or a path; and what would suit it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from runner.catalog import Catalog, Entry, Quantization, load_catalog, models_directory
from runner.errors import BadModelFile, ModelNotHere, Offer, UnknownModel
from runner.library import Found, Library, Record
from runner.reference import (
    CatalogReference,
    FileReference,
    HubReference,
    StoreReference,
    known_quantization,
    parse,
)


@dataclass(frozen=True, slots=True)
class Located:
    """A model's file on this disk, and what is known about it: a `record` where Runner fetched
    it, `found` where another program did, neither for a path and for the shipped one."""

    path: Path
    name: str
    quantization: str | None = None
    entry: Entry | None = None
    record: Record | None = None
    found: Found | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All its files."""
        if self.record is not None:
            return tuple(file.path for file in self.record.files)
        return self.found.paths if self.found is not None else (self.path,)

    @property
    def is_shipped(self) -> bool:
        """Whether it comes with Runner."""
        return self.entry is not None and self.entry.path is not None

    @property
    def reference(self) -> str:
        """What to type for this very model."""
        if self.is_shipped:
            return self.name
        if self.record is not None and self.quantization is None and self.record.repository:
            record = self.record
            return f"hf.co/{record.repository}/blob/{record.commit[:12]}/{record.file}"
        if self.found is not None and ":" in self.found.name:
            return self.found.name
        if self.record is None and self.entry is None:
            return str(self.path.absolute())
        return f"{self.name}:{self.quantization}" if self.quantization else self.name


def locate(text: str | None, folders: Sequence[str] = ()) -> Located:
    """The model a user means; None means the one used last, else the one that ships. `folders`
    are the user's own, to be looked through too.

    Raises ModelNotHere with an offer where it could be fetched, and UnknownModel.
    """
    if text is None:
        return _used_last() or shipped()
    catalog = load_catalog()
    match parse(text):
        case FileReference(path=path):
            if not path.is_file():
                raise UnknownModel(f"there is no file {path}", remedy="Check the path.")
            return Located(path, path.name, _quantization(path.name))
        case StoreReference(name=name):
            return _of_another(name, folders)
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
    return Located(path, entry.name, known_quantization(path.stem.rpartition("-")[2]), entry)


def here() -> list[Located]:
    """Every model that Runner fetched or made, the shipped one first, then by name."""
    return [shipped(), *_distinct([located_record(record) for record in Library().records()])]


def of_others(folders: Sequence[str] = ()) -> list[Located]:
    """The models that other programs put on this disk, and those in the user's own folders; what
    Runner has a record of is not among them."""
    from runner.hub import is_companion
    from runner.library import elsewhere

    library = Library()
    mine = {path for record in library.records() for path in (file.path for file in record.files)}
    real = {path.resolve() for path in mine}
    found = [
        _located_found(found)
        for found in elsewhere(library.cache, folders)
        if found.path.resolve() not in real and not is_companion(found.file)
    ]
    return _distinct(found)


def contexts(models: Sequence[Located]) -> dict[Path, int]:
    """The context that each model was trained for, by its path, where that is known: from its
    record, else from its header, which is read once."""
    known = {one.path: one.record.context for one in models if one.record and one.record.context}
    others = [one.path for one in models if one.record is None]
    return known | Library().contexts(others, context_of)


def context_of(path: Path) -> int | None:
    """The context that a model was trained for, as its header says; None where that says none."""
    from runner.gguf import read_header

    with suppress(BadModelFile):
        context = read_header(path).of_architecture("context_length")
        return context if isinstance(context, int) else None
    return None


def _distinct(models: list[Located]) -> list[Located]:
    """Models with names that tell them apart: of several files of a repository that have the same
    quantization, or none, each but the latest goes by its commit and file."""
    seen: set[tuple[str, str | None]] = set()
    named = []
    for one in sorted(models, key=_recency, reverse=True):
        about, key = one.record or one.found, (one.name, one.quantization)
        if key in seen and about is not None and about.repository and about.commit:
            place = f"{about.repository}/blob/{about.commit[:12]}/{about.file}"
            one = replace(one, name=f"hf.co/{place}")
        seen.add(key)
        named.append(one)
    return sorted(named, key=lambda located: (located.name, str(located.path)))


def _recency(located: Located) -> tuple[float, str]:
    used = located.record.last_used.timestamp() if located.record else 0
    return used, str(located.path)


def _used_last() -> Located | None:
    record = Library().last_used()
    return located_record(record) if record is not None else None


def entry_of(catalog: Catalog, name: str) -> Entry:
    """The catalogue's entry of a name. Raises UnknownModel, naming what may have been meant."""
    entry = catalog.find(name)
    if entry is None:
        near = catalog.nearest(name) or _alike(name)
        raise UnknownModel(
            f"no model is called {name!r}",
            remedy=f"Did you mean {' or '.join(near)}?"
            if near
            else "`runner list --catalogue` names the models of the catalogue; "
            "any GGUF repository works as org/repo.",
        )
    return entry


def _alike(name: str) -> list[str]:
    """What Ollama calls so."""
    from runner.library.elsewhere import in_ollama

    return [found.name for found in in_ollama() if found.name.lower().startswith(f"ollama:{name}")]


def recorded(text: str) -> list[Record]:
    """The records of what a text means, the one used last first: those too whose files are gone or
    damaged."""
    match parse(text):
        case CatalogReference(name=name, quantization=quantization):
            name = entry_of(load_catalog(), name).name
            mine = [
                record
                for record in Library().recorded()
                if record.name == name
                and (quantization is None or _same(record.quantization, quantization))
            ]
        case HubReference() as reference:
            mine = [one for one in Library().recorded() if _is_meant(one, reference)]
        case FileReference(path=path):
            mine = [one for one in Library().recorded() if one.path == path.absolute()]
        case _:
            mine = []
    return sorted(mine, key=lambda record: record.last_used, reverse=True)


def _whole(text: str) -> Record | None:
    """The recorded model that a text means. Raises BadModelFile where all of them are damaged."""
    mine = recorded(text)
    for record in mine:
        if record.is_whole:
            return record
    for record in mine:
        if all(file.path.exists() for file in record.files):
            raise BadModelFile(
                f"{record.path} is not as long as it was when it was fetched",
                remedy=f"`runner verify --repair {text}` mends it.",
            )
    return None


def _fetched_entry(entry: Entry, quantization: str | None) -> Located:
    typed = f"{entry.name}:{quantization}" if quantization else entry.name
    if (record := _whole(typed)) is not None:
        return located_record(record)
    choice = entry.quantization(quantization)
    for known in entry.quantizations if quantization is None else (choice,):
        for found in _by_others(known.repository):
            if _is_file(found, known):
                return replace(_located_found(found), name=entry.name, entry=entry)
    typed = f"{entry.name}:{choice.name}" if quantization else entry.name
    raise _not_here(typed, Offer(typed, choice.repository, choice.name, choice.bytes))


def _fetched_repository(reference: HubReference) -> Located:
    if (record := _whole(str(reference))) is not None:
        return located_record(record)
    found = [one for one in _by_others(reference.repository) if _is_meant(one, reference)]
    if found:
        return _located_found(found[-1])
    offer = Offer(str(reference), reference.repository, reference.quantization, None)
    raise _not_here(str(reference), offer)


def _is_meant(one: Record | Found, reference: HubReference) -> bool:
    """Whether a model is the one, or one of those, that a reference names."""
    called = one.repository or one.name.removeprefix("hf.co/")  # what was made here has none
    if called.lower() != reference.repository.lower():
        return False
    commit = reference.revision
    if commit is not None:
        commit = Library().cache.commit_of(one.repository, commit) or commit
    quantization = one.quantization or _quantization(one.file)
    return (
        (reference.file is None or one.file == reference.file)
        and (reference.quantization is None or _same(quantization, reference.quantization))
        and (commit is None or one.commit.startswith(commit))
    )


def _by_others(repository: str) -> list[Found]:
    """What other programs fetched of a repository."""
    from runner.hub import is_companion
    from runner.library.elsewhere import in_cache, in_lm_studio, in_old_folder

    found = (*in_lm_studio(), *in_old_folder(), *in_cache(Library().cache, repository))
    return [
        one
        for one in found
        if one.repository.lower() == repository.lower() and not is_companion(one.file)
    ]


def _of_another(name: str, folders: Sequence[str]) -> Located:
    """A model of another program by the name that `runner list --all` shows."""
    from runner.library import elsewhere

    wanted = name.lower()
    found = [one for one in elsewhere(Library().cache, folders) if ":" in one.name]
    for one in found:
        if one.name.lower() in (wanted, f"{wanted}:latest"):
            return _located_found(one)
    from difflib import get_close_matches

    near = get_close_matches(name, [one.name for one in found], n=3)
    raise UnknownModel(
        f"no model on this disk is called {name}",
        remedy=f"Did you mean {' or '.join(near)}?" if near else "`runner list --all` names them.",
    )


def _located_found(found: Found) -> Located:
    quantization = found.quantization or _quantization(found.file)
    return Located(found.path, found.name, quantization, _entry_with(found), found=found)


def _entry_with(found: Found) -> Entry | None:
    """The catalogue's entry of this very file, if any."""
    for entry in load_catalog().entries:
        for known in entry.quantizations:
            if _is_file(found, known) or (known.sha256 or "-") == found.sha256:
                return entry
    return None


def _is_file(found: Found, known: Quantization) -> bool:
    """Whether a model of another program goes by the names of the catalogue's file."""
    names = found.file.rpartition("/")[2], known.file.rpartition("/")[2]
    return found.repository.lower() == known.repository.lower() and names[0] == names[1]


def _quantization(file: str) -> str | None:
    # The room that knows the Hub takes longer to import than a list takes to print.
    from runner.hub import quantization_of

    return quantization_of(file)


def _same(one: str | None, other: str) -> bool:
    return one is not None and one.lower() == other.lower()


def _not_here(typed: str, offer: Offer) -> ModelNotHere:
    size = f"  ({offer.bytes / 1e9:.2f} GB)" if offer.bytes else ""
    return ModelNotHere(
        f"{typed} is not on this machine", offer=offer, remedy=f"runner pull {typed}{size}"
    )


def located_record(record: Record) -> Located:
    """A recorded model."""
    entry = load_catalog().find(record.name)
    return Located(record.path, record.name, record.quantization, entry, record)
