"""Records in files: JSON as Runner writes it, or as llama-bench does."""

import json
import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.bench import llama_bench
from runner.bench.plain import from_plain, to_json
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
    try:
        values = _values(text)
        foreign = bool(values) and all(map(llama_bench.is_row, values))
        records = llama_bench.records_of(values) if foreign else list(map(_record, values))
        for record in records:
            to_json(record)  # what cannot be kept is refused here
    except (ValueError, OverflowError, RecursionError) as error:
        raise BadDocument(f"{path}: {error}", remedy=WRITERS) from error
    return records


def _values(text: str) -> list[Any]:
    """What the file lists, or the one value that it is. Raises ValueError."""
    try:
        whole = _parsed(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # after the first line, which is a value of its own
            return list(_of_lines(text))
        raise ValueError(f"it is not JSON: {error}") from error
    if isinstance(whole, dict) and isinstance(whole.get("records"), list):
        whole = whole["records"]
    return whole if isinstance(whole, list) else [whole]


def _of_lines(text: str) -> Iterator[Any]:
    # Not splitlines(), for which characters end a line that may stand in JSON's strings.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield _parsed(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"line {number} is not JSON: {error}") from error


def _parsed(text: str) -> Any:
    return json.loads(text, parse_float=_finite, parse_constant=_finite)


def _finite(text: str) -> float:
    """What JSON cannot say, and Python reads and writes all the same."""
    if not math.isfinite(number := float(text)):
        raise ValueError(f"it holds {text}, which is no finite number")
    return number


def _record(value: Any) -> Record:
    """Raises ValueError with the place where it is none."""
    schema = value.get("schema") if isinstance(value, dict) else None
    if schema != SCHEMA:
        name, _, version = SCHEMA.partition("/")
        if isinstance(schema, str) and schema.startswith(f"{name}/"):
            raise ValueError(f"it is a {schema}, and this version of Runner reads {name}/{version}")
        raise ValueError("it holds no record of a measurement")
    record = from_plain(Record, value)
    try:
        there = datetime.fromisoformat(record.date).tzinfo is not None
    except ValueError:
        there = False
    if not there:
        raise ValueError(f"its date is {record.date!r}, and not such as 2026-11-27T05:12:09Z")
    return record
