"""Where a conversation goes on while it cannot be written to disk, and how it comes back.

A copy in memory, of the same tables, takes what is said. Turns that are new in it have numbers
beyond all that the disk gives, so that nobody who holds one takes it for another when it is
written back under the number that the disk gives it.
"""

import sqlite3
from typing import Any

from runner.chat.tables import FOLLOWING, Tables, insert, update
from runner.errors import RunnerError, UnknownChat

BEYOND = 2**40

OF_CHAT = {
    "chats": "SELECT * FROM chats WHERE id = ?",
    "turns": "SELECT * FROM turns WHERE chat = ? ORDER BY id",
    "pieces": "SELECT * FROM pieces WHERE turn IN (SELECT id FROM turns WHERE chat = ?)",
    "summaries": "SELECT * FROM summaries WHERE turn IN (SELECT id FROM turns WHERE chat = ?)",
}

Rows = dict[str, list[dict[str, Any]]]


class Unsaved:
    """A conversation of `home` that goes on in `tables`, which are in memory, because of `why`.
    `number` is the one it has at home; None where nothing of it is there. New turns have numbers
    greater than `last`. Raises DiskError where what was said before cannot be read, and UnknownChat
    where it is not there any more."""

    def __init__(
        self, home: Tables, number: int | None, why: RunnerError, *, last: int = BEYOND
    ) -> None:
        self.home, self.number, self.why = home, number, why
        self._left = _rows(home, number)
        if number is not None and not self._left["chats"]:
            raise deleted_meanwhile(number)
        self.tables = Tables(None)
        with self.tables.writing() as to:
            for table, rows in self._left.items():
                for row in rows:
                    insert(to, table, row)
            to.execute("DELETE FROM sqlite_sequence WHERE name = 'turns'")
            to.execute("INSERT INTO sqlite_sequence VALUES ('turns', ?)", [last])

    def write_back(
        self, number: int | None, *, wait: float | None
    ) -> tuple[int | None, dict[int, int]]:
        """Write at home what is now in memory under `number`, and leave what others wrote there.
        Its number there, and those of its turns that have another one there. `wait` is as
        that of `Tables.writing`.

        Raises DiskError, and UnknownChat where it was deleted meanwhile; nothing is written then.
        """
        now = _rows(self.tables, number)
        with self.home.writing(wait=wait) as to:
            chat = self._write_chat(to, now["chats"])
            moved = self._write_turns(to, now["turns"], chat)
            for table in ("pieces", "summaries"):
                for row in self._left[table]:
                    to.execute(f"DELETE FROM {table} WHERE turn = ?", [row["turn"]])
                for row in now[table]:
                    insert(to, table, row | {"turn": moved.get(row["turn"], row["turn"])})
            for row in now["chats"]:
                update(to, "chats", chat, {"head": moved.get(row["head"], row["head"])})
            if chat is None:
                to.execute("DELETE FROM chats WHERE id = ?", [self.number])
        return chat, moved

    def _write_chat(self, to: sqlite3.Connection, rows: list[dict[str, Any]]) -> int | None:
        """Write what was changed about the conversation; its number."""
        if not rows:
            return None
        [row] = rows
        if self.number is None:
            return insert(to, "chats", row | {"id": None, "head": None})
        [left] = self._left["chats"]
        changed = {name: value for name, value in row.items() if value != left[name]}
        # Its number may be another in memory, where it had no turns for a while.
        if not update(to, "chats", self.number, changed | {"id": self.number}):
            raise deleted_meanwhile(self.number)
        return self.number

    def _write_turns(
        self, to: sqlite3.Connection, turns: list[dict[str, Any]], chat: int | None
    ) -> dict[int, int]:
        """Add, change and remove what was; the numbers of those that were added."""
        before = {turn["id"]: turn for turn in self._left["turns"]}
        moved: dict[int, int] = {}
        for turn in turns:
            left = before.pop(turn["id"], None)
            row = turn | {"chat": chat, "parent": moved.get(turn["parent"], turn["parent"])}
            if left is None:
                moved[turn["id"]] = insert(to, "turns", row | {"id": None})
            elif left != turn:
                update(to, "turns", turn["id"], row)
        for removed in before:
            to.execute(f"{FOLLOWING} DELETE FROM turns WHERE id IN following", [removed])
        return moved


def deleted_meanwhile(number: int | None) -> UnknownChat:
    return UnknownChat(f"conversation {number} was deleted meanwhile", remedy="Begin another one.")


def _rows(tables: Tables, number: int | None) -> Rows:
    """All that tables have of a conversation."""
    return {
        table: [dict(row) for row in tables.rows(query, number)] for table, query in OF_CHAT.items()
    }
