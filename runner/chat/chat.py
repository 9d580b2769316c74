"""One conversation as it is kept: a tree of turns, and the one of them that was said last.

A turn that is edited or answered again gets a brother; nothing that was said is overwritten. What
the model is given is the path from the first turn to the head.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import EllipsisType
from typing import Any
from uuid import uuid4

from runner.chat.growing import Growing, completed
from runner.chat.tables import (
    FOLLOWING,
    PATH,
    TURN,
    WAY,
    Tables,
    as_text,
    as_turn,
    insert,
    now,
)
from runner.chat.turns import Attachment, Turn
from runner.chat.written import Written, title_of
from runner.errors import UnknownChat
from runner.prompt import Role, ToolCall


class Chat(Written):
    """A conversation of `tables`. It has no number, and nothing is written, before its first turn.

    Where it cannot be written, it goes on in memory, and a remark says so; each thing that is said
    then tries to write all of it again. Methods raise DiskError where the database cannot be read.
    """

    @classmethod
    def new(
        cls,
        tables: Tables,
        *,
        model: str,
        system: str,
        persona: str | None,
        settings: dict[str, Any],
        created: datetime,
        updated: datetime,
    ) -> "Chat":
        about = {
            "owner": uuid4().hex,
            "title": "",
            "system": system,
            "model": model,
            "persona": persona,
            "settings": settings,
            "tags": (),
            "created": created,
            "updated": updated,
            "head": None,
        }
        return cls(tables, None, about)

    @classmethod
    def kept(cls, tables: Tables, row: sqlite3.Row) -> "Chat":
        about = dict(row) | {
            "settings": json.loads(row["settings"]),
            "tags": tuple(json.loads(row["tags"])),
            "created": datetime.fromisoformat(row["created"]),
            "updated": datetime.fromisoformat(row["updated"]),
        }
        return cls(tables, about.pop("id"), about)

    # The tree

    @property
    def head(self) -> Turn | None:
        return None if self._head is None else self.turn(self._head)

    def turn(self, number: int) -> Turn:
        """A turn of this conversation. Raises UnknownChat where it has none of this number."""
        rows = self._tables.rows(
            f"SELECT {TURN} FROM turns WHERE id = ? AND chat = ?", self._number(number), self.number
        )
        if not rows:
            raise UnknownChat(f"conversation {self.number} has no turn {number}")
        return self._turns(rows)[0]

    def turns(self) -> list[Turn]:
        """From the first turn to the head."""
        return [] if self._head is None else self._turns(self._tables.rows(PATH, self._head))

    def path_to(self, turn: Turn) -> list[Turn]:
        """From the first turn to this one."""
        return self._turns(self._tables.rows(PATH, self._number(turn)))

    def children(self, turn: Turn | None) -> list[Turn]:
        """The turns that follow one, oldest first; of None, those that begin the conversation."""
        rows = self._tables.rows(
            f"SELECT {TURN} FROM turns WHERE chat = ? AND parent IS ? ORDER BY id",
            self.number,
            self._number(turn),
        )
        return self._turns(rows)

    def tree(self) -> list[Turn]:
        """All turns of all branches, each after the one it follows."""
        query = f"SELECT {TURN} FROM turns WHERE chat = ? ORDER BY id"
        return self._turns(self._tables.rows(query, self.number))

    def summaries(self) -> dict[int, str]:
        """Summaries by the turn up to which they stand for what was said."""
        rows = self._tables.rows(
            "SELECT turn, text FROM summaries WHERE turn IN (SELECT id FROM turns WHERE chat = ?)",
            self.number,
        )
        return {row["turn"]: row["text"] for row in rows}

    def leaves(self) -> list[Turn]:
        """The last turn of each branch, oldest first."""
        rows = self._tables.rows(
            f"SELECT {TURN} FROM turns WHERE chat = ? AND NOT EXISTS "
            "(SELECT 1 FROM turns AS next WHERE next.parent = turns.id) ORDER BY id",
            self.number,
        )
        return self._turns(rows)

    def _turns(self, rows: Sequence[sqlite3.Row]) -> list[Turn]:
        turns = [as_turn(row) for row in rows]
        return [
            completed(self._tables, turn)
            if turn.role == "assistant" and turn.ended is None
            else turn
            for turn in turns
        ]

    # Saying

    def add(
        self,
        role: Role,
        content: str,
        *,
        reasoning: str = "",
        tool_calls: Sequence[ToolCall] = (),
        attachments: Sequence[Attachment] = (),
        model: str | None = None,
        at: datetime | None = None,
        parent: Turn | EllipsisType | None = ...,
        ended: str | None = "end",
        timings: Mapping[str, float] | None = None,
    ) -> Turn:
        """Add a turn after `parent`, by default the head; it becomes the head. It is on the disk
        when this returns. `ended` is only kept of an assistant's turns."""
        follows = self._head if isinstance(parent, EllipsisType) else self._number(parent)
        turn = Turn(
            id=0,
            parent=follows,
            role=role,
            content=as_text(content),
            at=at or now(),
            reasoning=as_text(reasoning),
            tool_calls=tuple(tool_calls),
            attachments=tuple(attachments),
            model=model,
            ended=ended if role == "assistant" else None,
            timings=dict(timings or {}),
        )
        return self._said(turn, self._insert)

    def begin_reply(self, *, model: str) -> Growing:
        """An assistant's turn after the head, to be fed as it is said. It becomes the head with the
        first words that are written."""
        return Growing(self, model)

    def go_to(self, turn: Turn | None) -> None:
        """Go on from this turn; from None, begin again beside what was said."""

        def write(to: sqlite3.Connection) -> None:
            self._head = self._number(turn)
            self._keep(to, "head")

        self._write(write)

    def remove(self, turn: Turn) -> None:
        """Delete a turn and all that follow it. A head among them goes back to what was before."""
        number = self._number(turn)

        def write(to: sqlite3.Connection) -> None:
            lost = {row[0] for row in to.execute(f"{FOLLOWING} SELECT id FROM following", [number])}
            to.execute(f"{FOLLOWING} DELETE FROM turns WHERE id IN following", [number])
            if self._head in lost:
                self._head = self._number(turn.parent)
            if to.execute("SELECT 1 FROM turns WHERE chat = ?", [self.number]).fetchone():
                self._keep(to, "head")
            else:
                self._unwrite(to, turn)

        self._write(write)

    def _unwrite(self, to: sqlite3.Connection, first: Turn) -> None:
        """Be again as before the first turn: there is no conversation in which nothing was said.
        A title that it was given stays; its first words are none any more."""
        to.execute("DELETE FROM chats WHERE id = ?", [self.number])
        self.number = None
        if self._about["title"] == title_of(first.content):
            self._about["title"] = ""

    # Summaries

    def condense(self, turn: Turn, summary: str | None) -> None:
        """From now on a summary stands for all up to this turn, as far as the model is concerned;
        an empty one leaves it out, and None takes the summary back."""
        number = self._number(turn)

        def write(to: sqlite3.Connection) -> None:
            to.execute("DELETE FROM summaries WHERE turn = ?", [number])
            if summary is not None:
                insert(to, "summaries", {"turn": number, "text": as_text(summary)})

        self._write(write)

    def condensed(self) -> tuple[Turn, str] | None:
        """The last turn on the way to the head that a summary stands for, and that summary."""
        rows = self._tables.rows(
            f"{WAY} SELECT turn, text FROM summaries JOIN way ON turn = id "
            "ORDER BY turn DESC LIMIT 1",
            self._head,
        )
        return (self.turn(rows[0]["turn"]), rows[0]["text"]) if rows else None
