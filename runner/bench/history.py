"""What was measured on this machine, and imported: records that are added, and never changed.

Each is its JSON (`runner/bench/record.schema.json`) in a row of an SQLite database, beside what it
is listed by. A trigger refuses to change or delete a row, and a row's sha256 proves its text.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from runner.bench.files import Read, read_whole
from runner.bench.plain import from_plain, is_text, to_json, to_plain
from runner.bench.record import Record, RecordKind, TaskResult, Test
from runner.database import Database, Unreadable
from runner.errors import DiskError, UnknownRecord
from runner.paths import data_directory

MIGRATIONS = (
    """
    CREATE TABLE records (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        run TEXT NOT NULL,
        date TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        model TEXT NOT NULL,
        words TEXT NOT NULL,
        machine TEXT NOT NULL,
        flags TEXT NOT NULL,
        figures TEXT NOT NULL,
        json TEXT NOT NULL,
        sha256 TEXT NOT NULL
    );
    CREATE INDEX records_of_a_run ON records (run);
    CREATE INDEX records_by_date ON records (date);
    CREATE TRIGGER records_stay BEFORE DELETE ON records BEGIN
        SELECT RAISE(ABORT, 'records are never deleted');
    END;
    CREATE TRIGGER records_last BEFORE UPDATE ON records BEGIN
        SELECT RAISE(ABORT, 'records are never changed');
    END
    """,
)
"""`words` are those that a model is found by; `flags` and `figures` are JSON, of a list."""

LIST = "`runner history` lists them."
LATEST = re.compile(r"latest(?:~([0-9]{1,9}))?")
NAMES = re.compile(r"latest\b.*|[0-9]{4,}(-.*)?|.*\.jsonl?", re.IGNORECASE)
MOST = 2**31 - 1
LONGEST = 60
"""Letters of an unknown name that are repeated."""


def is_name(text: str) -> bool:
    """Whether a text can only be meant as a record, also where there is none of that name:
    `latest…`, an id (which begins with a date), or a JSON file."""
    return NAMES.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a record: of a test or task, with the interval that was found. `items` is the
    number of answers behind a share, 0 where nobody knows it."""

    test: str
    metric: str
    unit: str
    median: float
    interval: tuple[float, float] | None
    items: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A record in a list: what it is of, and its figures."""

    id: str
    run: str
    date: str
    kind: RecordKind
    name: str
    model: str
    machine: str
    flags: tuple[str, ...]
    figures: tuple[Figure, ...]


class History:
    """The records at `path`, by default where they always lie; `remark` is told of a damaged
    database that was set aside. Its methods raise DiskError where it cannot be used."""

    def __init__(
        self, path: Path | None = None, *, remark: Callable[[str], None] = lambda _: None
    ) -> None:
        self.path = path or data_directory() / "history.sqlite3"
        self._database = Database(
            self.path,
            MIGRATIONS,
            remedy="Measurements are printed all the same; --json prints the whole record.",
            remark=remark,
        )

    def add(self, record: Record) -> None:
        """Keep a record. One that is here already, and is the same, is not added again; another
        with its id raises DiskError."""
        self.add_all([record])

    def add_all(self, records: Sequence[Record]) -> int:
        """Keep all of these records or none; how many were not here yet."""
        return self.add_read([Read(record, to_plain(record)) for record in records])

    def add_read(self, found: Sequence[Read]) -> int:
        """The same for records of files, which are kept with all that their files say of them."""
        added = 0
        with self._database.writing() as connection:
            connection.row_factory = sqlite3.Row
            for one in found:
                row = _row(one)
                known = connection.execute(
                    "SELECT * FROM records WHERE id = ?", [one.record.id]
                ).fetchone()
                if known is None:
                    _insert(connection, row)
                    added += 1
                # Decoded, for an earlier version wrote the same without its later fields.
                elif _read(known).record != _read(row).record:
                    raise DiskError(
                        f"another record is called {one.record.id}",
                        remedy="A record is never replaced.",
                    )
        return added

    def get(self, text: str) -> Record:
        """The record that a text names: its id or the unique beginning of one, `latest`,
        `latest~1` (the one before it), or the path of a JSON file with one record.

        Raises UnknownRecord, and BadDocument for a file that holds none.
        """
        return self.read(text).record

    def read(self, text: str) -> Read:
        """The same, with all that is kept of it."""
        with self._reading() as connection:
            if match := LATEST.fullmatch(text):
                rows = connection.execute(
                    "SELECT * FROM records ORDER BY date DESC, number DESC LIMIT 1 OFFSET ?",
                    [int(match[1] or 0)],
                ).fetchall()
            else:
                rows = _beginning_with(connection, text)
            if len(rows) == 1:
                return _read(rows[0])
        if not rows and (path := _file(text)) is not None:
            return _only(read_whole(path), path)
        if rows:
            ids = ", ".join(row["id"] for row in rows)
            raise UnknownRecord(f"{text!r} is the beginning of {ids}", remedy="Give more of it.")
        raise UnknownRecord(f"no measurement is called {_shown(text)}", remedy=LIST)

    def run(self, id: str) -> list[Record]:
        """The records that were measured together, in their order; none for an unknown run."""
        with self._reading() as connection:
            query = "SELECT * FROM records WHERE run = ? ORDER BY number"
            return [_read(row).record for row in connection.execute(query, [id])]

    def find(
        self,
        *,
        model: str | None = None,
        kind: RecordKind | None = None,
        since: datetime | str | None = None,
        flag: str | None = None,
        machine: str | None = None,
        limit: int | None = None,
    ) -> list[Entry]:
        """Records, the latest first. Of `model` all words must be in its name, its file's,
        its quantization or what the record is called; `since` is a date, ISO 8601. Raises
        ValueError where it is none."""
        conditions: list[tuple[str, object]] = [
            (r"words LIKE ? ESCAPE '\'", f"%{_literally(word.casefold())}%")
            for word in (model or "").split()
        ]
        for condition, value in (
            ("kind = ?", kind),
            ("date >= ?", _date(since)),
            ("? IN (SELECT value FROM json_each(flags))", flag),
            ("machine = ?", machine),
        ):
            if value is not None:
                conditions.append((condition, value))
        where = " AND ".join(condition for condition, _ in conditions) or "1"
        query = (
            "SELECT id, run, date, kind, name, model, machine, flags, figures FROM records "
            f"WHERE {where} ORDER BY date DESC, number DESC LIMIT ?"
        )
        values = [*(value for _, value in conditions), -1 if limit is None else min(limit, MOST)]
        with self._reading() as connection:
            return [_entry(row) for row in connection.execute(query, values)]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._database.reading() as connection:
                connection.row_factory = sqlite3.Row
                yield connection
        except Unreadable as error:
            raise DiskError(f"{self.path} cannot be read: {error}") from error


def _row(read: Read) -> dict[str, Any]:
    record, text = read.record, to_json(read.value)
    file = record.model
    words = (record.name, file.name, file.file, file.quantization or "", file.description)
    return {
        "id": record.id,
        "run": record.run,
        "date": _date(record.date),
        "kind": record.kind,
        "name": record.name,
        "model": ":".join(filter(None, (file.name, file.quantization))),
        "words": " ".join(words).casefold(),
        "machine": record.machine.id,
        "flags": json.dumps(sorted({*record.flags, *(f for t in record.tests for f in t.flags)})),
        "figures": json.dumps(to_plain(list(_figures(record)))),
        "json": text,
        "sha256": sha256(text.encode()).hexdigest(),
    }


def _insert(connection: sqlite3.Connection, row: dict[str, object]) -> None:
    connection.execute(
        f"INSERT INTO records ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
        [*row.values()],
    )


def _figures(record: Record) -> Iterator[Figure]:
    """The main figure of each test and task, which is its first."""
    measurements: tuple[Test | TaskResult, ...] = (*record.tests, *record.tasks)
    for measured in measurements:
        for one in measured.summaries[:1]:
            items = one.samples if isinstance(measured, TaskResult) else 0
            yield Figure(measured.name, one.metric, one.unit, one.median, one.interval, items)


def _beginning_with(connection: sqlite3.Connection, text: str) -> list[sqlite3.Row]:
    """The record of that id, else up to three whose ids begin so."""
    if not text or not is_text(text):
        return []
    if rows := connection.execute("SELECT * FROM records WHERE id = ?", [text]).fetchall():
        return rows
    return connection.execute(
        r"SELECT * FROM records WHERE id LIKE ? ESCAPE '\' ORDER BY date DESC, number DESC LIMIT 3",
        [f"{_literally(text)}%"],
    ).fetchall()


def _read(row: sqlite3.Row | dict[str, Any]) -> Read:
    """Raises DiskError where it is not what was written."""
    if sha256(row["json"].encode()).hexdigest() != row["sha256"]:
        raise DiskError(f"the record {row['id']} is not as it was written: its sha256 differs")
    try:
        value = json.loads(row["json"])
        return Read(from_plain(Record, value), value)
    except ValueError as error:
        raise DiskError(f"the record {row['id']} cannot be read: {error}") from error


def _entry(row: sqlite3.Row) -> Entry:
    plain: dict[str, Any] = {key: row[key] for key in row.keys()}  # noqa: SIM118
    plain |= {key: json.loads(row[key]) for key in ("flags", "figures")}
    return from_plain(Entry, plain)


def _only(found: Sequence[Read], path: Path) -> Read:
    if len(found) != 1:
        raise UnknownRecord(
            f"{path} holds {len(found)} records, not one",
            remedy="`runner history import` adds them all; then name one by its id.",
        )
    return found[0]


def _file(text: str) -> Path | None:
    """The file of that path, None where there is none or it cannot be one."""
    try:
        path = Path(text).expanduser()
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long, a null in it, nobody's home
        return None


def _shown(text: str) -> str:
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def _literally(text: str) -> str:
    """For LIKE, with nothing in it that stands for something else."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _date(since: datetime | str | None) -> str | None:
    """As records have it, in UTC, so that dates sort as texts. Raises ValueError."""
    if isinstance(since, str):
        since = datetime.fromisoformat(since)
    if since is None:
        return None
    try:
        return since.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    except (OverflowError, OSError) as error:
        raise ValueError("it is out of the calendar") from error
