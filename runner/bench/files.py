"""Records in files: JSON as Runner writes it, or as llama-bench does."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner.bench import llama_bench
from runner.bench.plain import from_plain, to_json, to_plain
from runner.bench.record import SCHEMA, Record
from runner.errors import BadDocument

MOST_BYTES = 2**29
"""Of a file that is read: several thousand long answers have a tenth of it."""

WRITERS = "Files of `--json`, `runner history export` and `llama-bench -o json` can be read."


ID = re.compile(r"(?!latest\b)\w[\w.-]*", re.IGNORECASE)
"""What a record is found by: one word, and not one that stands for another record."""


@dataclass(frozen=True, slots=True)
class Read:
    """A record, and the JSON value it was read from: a later version of Runner may have written
    more fields, which this one does not know, and keeps."""

    record: Record
    value: Any


def read_records(path: Path) -> list[Record]:
    """The records of a file: one as JSON, a list of them, `{"records": [...]}` as commands print
    it, or one a line; else those that llama-bench's JSON makes.

    Raises BadDocument, which says where it is no record.
    """
    return [one.record for one in read_whole(path)]


def read_whole(path: Path) -> list[Read]:
    """The same, with all that the file says of each."""
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
        if foreign:
            values = [to_plain(record) for record in llama_bench.records_of(values)]
        found = [Read(_record(value), value) for value in values]
        for one in found:
            to_json(one.value)  # what cannot be kept is refused here
    except (ValueError, OverflowError, RecursionError) as error:
        raise BadDocument(f"{path}: {error}", remedy=WRITERS) from error
    return found


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
    if not ID.fullmatch(record.id):
        raise ValueError(f"its id is {record.id!r}, and not such as 20261127-0512-k3f9")
    if not _is_moment(record.date):
        raise ValueError(f"its date is {record.date!r}, and not such as 2026-11-27T05:12:09Z")
    return record


def _is_moment(date: str) -> bool:
    """Whether it is one in every time zone: it has its own, and lies in UTC's calendar."""
    try:
        moment = datetime.fromisoformat(date)
        return moment.tzinfo is not None and bool(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        return False
