"""What can still be read of a damaged database of conversations.

Damage is mostly in a few pages. A table is read from its beginning up to them, and from its end
back to them; the index of what was said is made anew.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

TABLES = {"chats": "id", "turns": "id", "pieces": "turn", "summaries": "turn"}
"""Each with the column that its rows are sorted by."""

WITHOUT_PLACE = """
    DELETE FROM turns WHERE chat NOT IN (SELECT id FROM chats);
    UPDATE turns SET parent = NULL WHERE parent NOT IN (SELECT id FROM turns);
    DELETE FROM pieces WHERE turn NOT IN (SELECT id FROM turns);
    DELETE FROM summaries WHERE turn NOT IN (SELECT id FROM turns);
    UPDATE chats SET head = (SELECT max(id) FROM turns WHERE chat = chats.id)
        WHERE head NOT IN (SELECT id FROM turns)
"""
"""What is to be done about rows that refer to lost ones."""


def salvage(damaged: Path, to: sqlite3.Connection) -> int:
    """Copy what can be read into empty tables; how many turns those are. Raises sqlite3.Error
    where the new tables cannot be written."""
    to.execute("PRAGMA foreign_keys = OFF")
    to.execute("BEGIN IMMEDIATE")
    with closing(sqlite3.connect(damaged)) as source:
        for table, key in TABLES.items():
            for order in ("ASC", "DESC"):
                for row in _readable(source, f"SELECT * FROM {table} ORDER BY {key} {order}"):
                    marks = ", ".join("?" * len(row))
                    to.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)
    for statement in WITHOUT_PLACE.split(";"):
        to.execute(statement)
    to.execute("COMMIT")
    to.execute("PRAGMA foreign_keys = ON")
    return int(to.execute("SELECT count(*) FROM turns").fetchone()[0])


def _readable(source: sqlite3.Connection, query: str) -> Iterator[tuple[object, ...]]:
    """Rows up to the first that cannot be read."""
    with suppress(sqlite3.DatabaseError):
        yield from source.execute(query)
