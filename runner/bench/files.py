"""Records in files: JSON as Runner writes it, or as llama-bench does."""

import json
from pathlib import Path
from typing import Any

from runner.bench import llama_bench
from runner.bench.plain import from_plain
from runner.bench.record import SCHEMA, Record
from runner.errors import BadDocument

MOST_BYTES = 2**29
"""Of a file that is read: several thousand long answers have a tenth of it."""

WRITERS = "Files of `--json`, `runner history export` and `llama-bench -o json` can be read."


def read_records(path: Path) -> list[Record]:
    """The records of a file: one as JSON, a list of them, `{"records": [...]}` as commands print
    it, or one a line; else those that llama-bench's JSON makes.

    Raises BadDocument, which says where it is no record.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadDocument(f"{path} is larger than {MOST_BYTES // 2**20} MiB")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise BadDocument(f"cannot read {path}: {reason}", remedy=WRITERS) from error
    values = _values(text, path)
    try:
        if values and all(map(llama_bench.is_row, values)):
            return llama_bench.records_of(values)
        return [_record(value) for value in values]
    except (ValueError, RecursionError) as error:
        raise BadDocument(f"{path}: {error}", remedy=WRITERS) from error


def _values(text: str, path: Path) -> list[Any]:
    """What the file lists, or the one value that it is."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            return [json.loads(line) for line in lines] if len(lines) > 1 else _raise(error)
        except (ValueError, RecursionError):
            raise BadDocument(f"{path} is not JSON: {error}", remedy=WRITERS) from error
    if isinstance(whole, dict) and isinstance(whole.get("records"), list):
        whole = whole["records"]
    return whole if isinstance(whole, list) else [whole]


def _raise(error: Exception) -> list[Any]:
    raise error


def _record(value: Any) -> Record:
    """Raises ValueError with the place where it is none."""
    schema = value.get("schema") if isinstance(value, dict) else None
    if schema != SCHEMA:
        name, _, version = SCHEMA.partition("/")
        if isinstance(schema, str) and schema.startswith(f"{name}/"):
            raise ValueError(f"it is a {schema}, and this version of Runner reads {name}/{version}")
        raise ValueError("it holds no record of a measurement")
    return from_plain(Record, value)
