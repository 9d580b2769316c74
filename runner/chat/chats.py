"""All conversations of a user: found, searched, deleted. They are in one SQLite database."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from runner.chat.chat import Chat
from runner.chat.dialogue import Dialogue
from runner.chat.growing import Growing, put_together
from runner.chat.searching import query_for
from runner.chat.tables import Tables, as_text, as_time, now
from runner.chat.turns import Turn
from runner.errors import DiskError, UnknownChat
from runner.paths import data_directory
from runner.prompt import Role

__all__ = ["Chat", "Chats", "Growing", "Hit", "Summary", "Turn"]

LIST = "`runner chats` lists them."


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation in a list; `turns` are those of all branches."""

    number: int
    title: str
    model: str
    turns: int
    updated: datetime
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A turn that has the words that were searched, and the text around the first of them."""

    chat: int
    title: str
    turn: int
    role: Role
    at: datetime
    snippet: str


Summaries = list[Summary]


class Chats:
    """The conversations at `path`, by default where they always lie. Raises DiskError, as its
    methods do, where the database cannot be used. One serves all threads of a program. `remark` is
    told of a damaged database that was set aside, and of what can no longer be saved."""

    def __init__(
        self, path: Path | None = None, *, remark: Callable[[str], None] = lambda _: None
    ) -> None:
        self._path: Path | None = path or data_directory() / "chats.sqlite3"
        self._tables = Tables(self._path, remark)
        with suppress(DiskError):  # where it can only be read, it is read in pieces
            put_together(self._tables)

    @classmethod
    def in_memory(cls) -> Self:
        """Conversations of which nothing is left on the disk."""
        chats = cls.__new__(cls)
        chats._path, chats._tables = None, Tables(None)
        return chats

    def begin(
        self,
        *,
        model: str,
        system: str = "",
        persona: str | None = None,
        settings: Mapping[str, Any] | None = None,
        created: datetime | None = None,
        updated: datetime | None = None,
    ) -> Chat:
        """A new conversation; nothing is written before its first turn."""
        created = created or now()
        return Chat.new(
            self._tables,
            model=model,
            system=system,
            persona=persona,
            settings=dict(settings or {}),
            created=created,
            updated=max(created, updated or created),
        )

    def open(self, number: int) -> Chat:
        """A conversation by its number. Raises UnknownChat."""
        rows = self._tables.rows("SELECT * FROM chats WHERE id = ?", number)
        if not rows:
            raise UnknownChat(f"there is no conversation {number}", remedy=LIST)
        return Chat.kept(self._tables, rows[0])

    def latest(self) -> Chat | None:
        """The conversation in which something was said last."""
        rows = self._tables.rows("SELECT * FROM chats ORDER BY updated DESC, id DESC LIMIT 1")
        return Chat.kept(self._tables, rows[0]) if rows else None

    def find(self, words: str) -> Chat:
        """A conversation by its number, or the latest with these words in its title, else in what
        was said. Raises UnknownChat."""
        if re.fullmatch(r"#?[0-9]{1,18}", words.strip()):
            return self.open(int(words.strip().lstrip("#")))
        wanted = words.casefold().split()
        for row in self._tables.rows("SELECT id, title FROM chats ORDER BY updated DESC"):
            if wanted and all(word in row["title"].casefold() for word in wanted):
                return self.open(row["id"])
        if hits := self.search(words, 1):
            return self.open(hits[0].chat)
        raise UnknownChat(f"no conversation has the words {words!r}", remedy=LIST)

    def search(self, words: str, limit: int = 20) -> list[Hit]:
        """Questions and answers that have all these words, newest first. Of the last word the
        beginning is enough; words in quotation marks have to follow each other."""
        if (query := query_for(as_text(words), limit)) is None:
            return []
        return [
            Hit(
                row["chat"],
                row["title"],
                row["turn"],
                row["role"],
                datetime.fromisoformat(row["at"]),
                " ".join(row["snippet"].split()),
            )
            for row in self._tables.rows(query[0], *query[1])
        ]

    def delete(self, *numbers: int) -> dict[int, int]:
        """Delete conversations with all their turns, and the prompts that were kept for them on
        disk. The bytes that those took, by the conversation's number. Raises UnknownChat, and
        deletes none then."""
        owners = {number: self.open(number).owner for number in numbers}
        with self._tables.writing() as to:
            for number in owners:
                to.execute("DELETE FROM turns WHERE chat = ?", [number])
                to.execute("DELETE FROM chats WHERE id = ?", [number])
        try:
            self._tables.shrink()
        except DiskError as error:
            self._tables.remark(f"{error.message}; their words are still in the index")
        if self._path is None:
            return dict.fromkeys(owners, 0)
        from runner.models import purge_prompts

        return {number: purge_prompts(owner=owner) for number, owner in owners.items()}

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written within is written at once or not at all, and much faster. Whoever else
        writes waits for it, a reply that is being said too: let it not be long."""
        with self._tables.writing():
            yield

    def has(self, dialogue: Dialogue) -> bool:
        """Whether a conversation is here that began at the same microsecond with the same words,
        and has as many turns. Where it is not known when this one began, all words are compared."""
        rows = self._tables.rows(
            "SELECT chats.id FROM chats JOIN turns ON turns.chat = chats.id "
            "WHERE turns.parent IS NULL AND turns.content = ? AND ifnull(created = ?, 1) "
            "AND (SELECT count(*) FROM turns WHERE chat = chats.id) = ?",
            as_text(dialogue.turns[0].content),
            dialogue.created and as_time(dialogue.created),
            len(dialogue.turns),
        )
        if dialogue.created is not None:
            return bool(rows)
        words = [(turn.role, as_text(turn.content)) for turn in dialogue.turns]
        query = "SELECT role, content FROM turns WHERE chat = ? ORDER BY id"
        return any(words == [*map(tuple, self._tables.rows(query, row["id"]))] for row in rows)

    def close(self) -> None:
        self._tables.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def list(self, *, tag: str | None = None, limit: int | None = None) -> Summaries:
        """Conversations, those in which something was said last first."""
        rows = self._tables.rows(
            "SELECT id, title, model, updated, tags, "
            "(SELECT count(*) FROM turns WHERE chat = chats.id) AS turns FROM chats "
            "WHERE ?1 IS NULL OR ?1 IN (SELECT value FROM json_each(tags)) "
            "ORDER BY updated DESC, id DESC LIMIT ?2",
            tag,
            -1 if limit is None else limit,
        )
        return [
            Summary(
                row["id"],
                row["title"],
                row["model"],
                row["turns"],
                datetime.fromisoformat(row["updated"]),
                tuple(json.loads(row["tags"])),
            )
            for row in rows
        ]
