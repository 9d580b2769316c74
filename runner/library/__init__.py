"""What is on this disk: the models that were fetched, where from, and whether they are whole; and
those that other programs keep here."""

from runner.library.cache import Cache, cache_folder
from runner.library.elsewhere import Found, candidates, elsewhere, old_folder
from runner.library.library import Library, Partial, Problem
from runner.library.names import safe_path
from runner.library.record import Record, StoredFile

__all__ = [
    "Cache",
    "Found",
    "Library",
    "Partial",
    "Problem",
    "Record",
    "StoredFile",
    "cache_folder",
    "candidates",
    "elsewhere",
    "old_folder",
    "safe_path",
]
