"""Rows of a file of comma-separated values, with the lines that they are on."""

import csv
import io
from pathlib import Path

from runner.errors import BadDocument


def rows_of(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """Rows that are not empty, and the number of the line that each ends on. Raises BadDocument."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise BadDocument(f"{path.name}, line {reader.line_num} is not CSV: {error}") from error
