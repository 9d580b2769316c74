"""What is on this disk: the models that were fetched, where from, and whether they are whole."""

from runner.library.library import Library, Partial, Problem
from runner.library.names import safe_path
from runner.library.record import Part, Record

__all__ = ["Library", "Part", "Partial", "Problem", "Record", "safe_path"]
