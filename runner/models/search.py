"""Looking for a model by words: in the catalogue and on this disk, without a connection."""

from runner.catalog import Catalog, Entry, load_catalog
from runner.models.find import Located, here


def known(words: str) -> list[Entry]:
    """The entries of the catalogue that speak of every word, in its order."""
    catalog = load_catalog()
    return [entry for entry in catalog.entries if _holds(_about(entry, catalog), words)]


def found_here(words: str) -> list[Located]:
    """The models on this disk whose name, quantization or origin hold every word."""
    catalog = load_catalog()
    matching = []
    for located in here():
        about = [located.name, located.quantization or ""]
        if located.record is not None:
            about.append(located.record.repository)
        if located.entry is not None:
            about += _about(located.entry, catalog)
        if _holds(about, words):
            matching.append(located)
    return matching


def _about(entry: Entry, catalog: Catalog) -> list[str]:
    """What a person may call an entry by."""
    aliases = [alias for alias, name in catalog.aliases.items() if name == entry.name]
    repositories = {file.repository for file in entry.quantizations}
    said = (entry.name, entry.title, entry.family, entry.architecture, entry.distilled_from)
    return [*said, entry.base, entry.original_repository, *aliases, *repositories]


def _holds(texts: list[str], words: str) -> bool:
    text = "\n".join(texts).lower()
    return all(word in text for word in words.lower().split())
