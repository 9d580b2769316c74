"""The tables of conversations, and the one connection to them that a program keeps.

A turn under way is written in pieces, and put together when it ends: adding a piece costs the same
however long the reply has become. What was said is indexed by triggers, so that the index is right
whoever writes.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner import database
from runner.chat.salvage import salvage
from runner.chat.turns import Attachment, Turn
from runner.database import Database
from runner.errors import DiskError
from runner.prompt import ToolCall

MIGRATIONS = (
    """
    CREATE TABLE chats (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        owner TEXT NOT NULL,
        title TEXT NOT NULL,
        system TEXT NOT NULL,
        model TEXT NOT NULL,
        persona TEXT,
        settings TEXT NOT NULL,
        tags TEXT NOT NULL,
        created TEXT NOT NULL,
        updated TEXT NOT NULL,
        head INTEGER
    );
    CREATE INDEX chats_by_time ON chats (updated);
    CREATE TABLE turns (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        chat INTEGER NOT NULL REFERENCES chats,
        parent INTEGER REFERENCES turns,
        role TEXT NOT NULL,
        content TEXT NOT NULL,
        reasoning TEXT NOT NULL,
        model TEXT,
        at TEXT NOT NULL,
        ended TEXT,
        tool_calls TEXT NOT NULL,
        timings TEXT NOT NULL,
        attachments TEXT NOT NULL
    );
    CREATE INDEX turns_of_chat ON turns (chat);
    CREATE INDEX turns_by_parent ON turns (parent);
    CREATE TABLE pieces (
        turn INTEGER NOT NULL REFERENCES turns ON DELETE CASCADE,
        number INTEGER NOT NULL,
        kind TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (turn, number)
    ) WITHOUT ROWID;
    CREATE TABLE summaries (
        turn INTEGER PRIMARY KEY REFERENCES turns ON DELETE CASCADE,
        text TEXT NOT NULL
    );

    CREATE VIEW spoken AS SELECT id, content FROM turns WHERE role IN ('user', 'assistant');
    CREATE VIRTUAL TABLE said USING fts5 (
        content, content = 'spoken', content_rowid = 'id',
        tokenize = 'unicode61 remove_diacritics 2'
    );
    CREATE TRIGGER turn_added AFTER INSERT ON turns WHEN new.role IN ('user', 'assistant')
    BEGIN
        INSERT INTO said (rowid, content) VALUES (new.id, new.content);
    END;
    CREATE TRIGGER turn_removed AFTER DELETE ON turns WHEN old.role IN ('user', 'assistant')
    BEGIN
        INSERT INTO said (said, rowid, content) VALUES ('delete', old.id, old.content);
    END;
    CREATE TRIGGER turn_changed AFTER UPDATE OF content ON turns
        WHEN old.role IN ('user', 'assistant')
    BEGIN
        INSERT INTO said (said, rowid, content) VALUES ('delete', old.id, old.content);
        INSERT INTO said (rowid, content) VALUES (new.id, new.content);
    END
    """,
)
"""What each version adds to the one before. Of a chat, `head` is the turn that was said last; of a
turn, `tool_calls`, `timings` and `attachments` are JSON."""

TURN = "id, parent, role, content, reasoning, model, at, ended, tool_calls, timings, attachments"

# A turn has a smaller number than those that follow it.
WAY = """
    WITH RECURSIVE way (id) AS (
        SELECT ? UNION SELECT parent FROM turns JOIN way USING (id)
    )
"""
PATH = f"{WAY} SELECT {TURN} FROM turns JOIN way USING (id) ORDER BY id"
FOLLOWING = """
    WITH RECURSIVE following (id) AS (
        SELECT ? UNION SELECT turns.id FROM turns JOIN following ON turns.parent = following.id
    )
"""


class Tables:
    """A connection for all threads of a program; without a path, to tables in memory."""

    def __init__(self, path: Path | None, remark: Callable[[str], None] = lambda _: None) -> None:
        self.remark = remark
        self._database = Database(
            path or Path("the database in memory"),
            MIGRATIONS,
            remedy="/export keeps a conversation elsewhere; --no-save chats without the database.",
            remark=remark,
        )
        self._connection = self._connected() if path else self._database.in_memory()
        self._connection.row_factory = sqlite3.Row
        self._lock = threading.RLock()
        self._writing = False

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """What a query finds. Raises DiskError."""
        with self._lock, self._renewed(), self._database.explained("read"):
            try:
                return self._connection.execute(query, values).fetchall()
            except OverflowError:  # a number that no row can have
                return []

    @contextmanager
    def writing(
        self, *, durable: bool = True, wait: float | None = None
    ) -> Iterator[sqlite3.Connection]:
        """A transaction. One that is `durable` is on the disk itself when it ends, so that a power
        cut loses nothing of it; any is safe from a kill. Within another it is part of that one.
        `wait` is for another program to finish writing, in seconds, by default as long as for
        anything. Raises DiskError, of which Busy where that one did not."""
        with self._lock:
            if self._writing:
                yield self._connection
                return
            with self._renewed(), self._database.explained():
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._wait(wait)
                self._writing = True
                try:
                    with self._database.transaction(self._connection):
                        yield self._connection
                finally:
                    self._writing = False

    @property
    def within(self) -> bool:
        """Whether this thread is in the middle of a transaction."""
        with self._lock:
            return self._writing

    def shrink(self) -> None:
        """Give back the room of what was deleted, and leave nothing of it in the files; a remark
        says where another program keeps that from being done."""
        with self._lock, self._renewed(), self._database.explained():
            self._wait()
            self._connection.execute("INSERT INTO said (said) VALUES ('optimize')")
            self._connection.execute("PRAGMA incremental_vacuum").fetchall()
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            self.remark(
                f"another program is reading {self._database.path}: until it ends, words of what "
                "was deleted are left in the file beside it that ends in -wal"
            )

    def _wait(self, seconds: float | None = None) -> None:
        """From now on wait so long for other programs."""
        timeout = int(1000 * (database.WAIT if seconds is None else seconds))
        self._connection.execute(f"PRAGMA busy_timeout = {timeout}")

    @contextmanager
    def _renewed(self) -> Iterator[None]:
        """Where the file turns out to be damaged within, go on with what can be read of it."""
        try:
            yield
        except DiskError:
            if self._database.aside is not None:
                self._connection.close()
                self._connection = self._connected()
                self._connection.row_factory = sqlite3.Row
            raise

    def _connected(self) -> sqlite3.Connection:
        """Connected to the file; to a new one with what can be read of one that is damaged."""
        connection = self._database.connect()
        if (damaged := self._database.aside) is not None:
            self._database.aside = None
            with self._database.explained():
                turns = salvage(damaged, connection)
            self.remark(f"{turns} turns of it could be read, and are kept")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA fullfsync = ON")  # macOS has a weak fsync besides
        return connection

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def insert(to: sqlite3.Connection, table: str, row: Mapping[str, object]) -> int:
    """Add a row; its number."""
    marks = ", ".join("?" * len(row))
    cursor = to.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def update(
    to: sqlite3.Connection, table: str, number: int | None, row: Mapping[str, object]
) -> bool:
    """Change a row; whether it is there."""
    values = ", ".join(f"{name} = ?" for name in row)
    cursor = to.execute(f"UPDATE {table} SET {values} WHERE id = ?", [*row.values(), number])
    return cursor.rowcount == 1


def now() -> datetime:
    return datetime.now(UTC)


def as_time(moment: datetime) -> str:
    """A moment so that an earlier one sorts before it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def as_text(text: str) -> str:
    """What SQLite can hold of a text: half a surrogate pair is no character."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def as_json(value: object) -> str:
    return json.dumps(value)


def as_row(turn: Turn) -> dict[str, Any]:
    """A turn as the table has it."""
    return {
        "parent": turn.parent,
        "role": turn.role,
        "content": as_text(turn.content),
        "reasoning": as_text(turn.reasoning),
        "model": None if turn.model is None else as_text(turn.model),
        "at": as_time(turn.at),
        "ended": turn.ended,
        "tool_calls": as_json([asdict(call) for call in turn.tool_calls]),
        "timings": as_json(dict(turn.timings)),
        "attachments": as_json([asdict(one) for one in turn.attachments]),
    }


def as_turn(row: sqlite3.Row) -> Turn:
    return Turn(
        id=row["id"],
        parent=row["parent"],
        role=row["role"],
        content=row["content"],
        at=datetime.fromisoformat(row["at"]),
        reasoning=row["reasoning"],
        tool_calls=tuple(ToolCall(**call) for call in json.loads(row["tool_calls"])),
        attachments=tuple(Attachment(**one) for one in json.loads(row["attachments"])),
        model=row["model"],
        ended=row["ended"],
        timings=json.loads(row["timings"]),
    )
