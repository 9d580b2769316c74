"""How a conversation and its turns are written: to the disk, and to memory while that cannot be."""

import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from runner.chat.tables import Tables, as_json, as_row, as_text, as_time, insert, now, update
from runner.chat.turns import Turn
from runner.chat.unsaved import BEYOND, Unsaved, deleted_meanwhile
from runner.database import Busy
from runner.errors import DiskError, RunnerError, UnknownChat

TITLE = 60  # characters
PATIENCE = 0.25  # seconds at each turn for a program that has kept this one from writing

T = TypeVar("T")


class Field(Generic[T]):
    """Something about a conversation that is kept as soon as it is set."""

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    def __get__(self, chat: "Written", _: type) -> T:
        value: T = chat._about[self._name]
        return value

    def __set__(self, chat: "Written", value: T) -> None:
        chat._set(self._name, value)


class Written:
    """The row of a conversation in `tables`, and the turn that is its head."""

    number: int | None
    title = Field[str]()
    system = Field[str]()
    model = Field[str]()
    """The name of the model that answers."""
    persona = Field[str | None]()
    settings = Field[Mapping[str, Any]]()
    """Options that were set for it, by their names."""
    tags = Field[tuple[str, ...]]()

    def __init__(self, tables: Tables, number: int | None, about: dict[str, Any]) -> None:
        self.number = number
        self._tables = tables
        self._unsaved: Unsaved | None = None
        self._moved: dict[int, int] = {}  # the numbers of turns that were not saved at first
        self._lock = threading.RLock()
        self._about = about
        self._head: int | None = about["head"]

    @property
    def owner(self) -> str:
        """Under which name its prompts are kept in the KV store."""
        return str(self._about["owner"])

    @property
    def created(self) -> datetime:
        moment: datetime = self._about["created"]
        return moment

    @property
    def updated(self) -> datetime:
        """When something was said last."""
        moment: datetime = self._about["updated"]
        return moment

    @property
    def unsaved(self) -> RunnerError | None:
        """Why something of it is only in memory; None where all of it is kept."""
        return None if self._unsaved is None else self._unsaved.why

    def save(self) -> bool:
        """Try again to write what could not be written; whether all of it is kept."""
        with self._lock:
            self._write_back()
        return self._unsaved is None

    def _number(self, turn: Turn | int | None) -> int | None:
        """The number of a turn now: it had another one while it was not saved."""
        number = turn.id if isinstance(turn, Turn) else turn
        return None if number is None else self._moved.get(number, number)

    def _said(self, turn: Turn, write: Callable[[sqlite3.Connection, Turn], int]) -> Turn:
        """Write a turn, and give it its number."""
        number = self._write(lambda to: write(to, turn))
        return replace(turn, id=self._moved.get(number, number), parent=self._number(turn.parent))

    def _write(self, action: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        """Do something to the database in one transaction; where that fails, to a copy of the
        conversation in memory."""
        with self._lock:
            result = self._written(action, durable)
            if durable:
                self._write_back(wait=PATIENCE)
            return result

    def _written(self, action: Callable[[sqlite3.Connection], T], durable: bool) -> T:
        before = self.number, self._head, dict(self._about)
        for again in (True, False):
            try:
                with self._tables.writing(durable=durable) as to:
                    return action(to)
            except RunnerError as error:
                self.number, self._head, self._about = before[0], before[1], dict(before[2])
                if not isinstance(error, DiskError) or self._unsaved or self._tables.within:
                    raise
                if isinstance(error, Busy) and again:
                    self._tables.remark("another program writes conversations: waiting for it")
                    continue
                self._leave(error)
                break
        with self._tables.writing() as to:
            return action(to)

    def _leave(self, error: DiskError) -> None:
        """Go on in memory. Raises DiskError where what was said before cannot be read."""
        last = max(self._moved, default=BEYOND)
        self._unsaved = Unsaved(self._tables, self.number, error, last=last)
        self._tables.remark(f"{error.message}: what is said from here on is not saved")
        self._tables = self._unsaved.tables

    def _write_back(self, *, wait: float | None = None) -> None:
        """Go on where the conversation lay before, if all of it can be written there now."""
        if (unsaved := self._unsaved) is None or unsaved.home.within:
            return
        if isinstance(unsaved.why, UnknownChat):  # what a person deleted stays so
            return
        try:
            self.number, moved = unsaved.write_back(self.number, wait=wait)
        except DiskError as error:
            unsaved.why = error
            return
        except UnknownChat as error:
            unsaved.why = error
            unsaved.home.remark(f"{error.message}: what is said is not saved")
            return
        self._moved |= moved
        self._head = self._number(self._head)
        self._tables, self._unsaved = unsaved.home, None
        unsaved.tables.close()
        self._tables.remark("all that was said is saved now")

    def _insert(self, to: sqlite3.Connection, turn: Turn) -> int:
        """Write a new turn, before the first of them the conversation itself; its number."""
        if turn.role == "user" and not self._about["title"]:
            self._about["title"] = title_of(turn.content)
            self._keep(to, "title")
        if self.number is None:
            self.number = insert(to, "chats", self._row())
        self._about["updated"] = max(turn.at, self.updated)
        self._keep(to, "updated")
        row = as_row(turn) | {"chat": self.number, "parent": self._number(turn.parent)}
        self._head = insert(to, "turns", row)
        self._keep(to, "head")
        return self._head

    def _complete(self, to: sqlite3.Connection, turn: Turn) -> int:
        """Write all of a turn of which pieces may be there; its number."""
        if not turn.id:
            return self._insert(to, turn)
        self._about["updated"] = now()
        self._keep(to, "updated")
        number = self._moved.get(turn.id, turn.id)
        update(to, "turns", number, as_row(turn) | {"parent": self._number(turn.parent)})
        to.execute("DELETE FROM pieces WHERE turn = ?", [number])
        self._head = number
        self._keep(to, "head")
        return number

    def _keep(self, to: sqlite3.Connection, name: str) -> None:
        """Write one thing about the conversation: others may have been changed elsewhere."""
        self._about["head"] = self._head
        row = {name: self._row()[name]}
        if self.number is not None and not update(to, "chats", self.number, row):
            raise deleted_meanwhile(self.number)

    def _set(self, name: str, value: object) -> None:
        def write(to: sqlite3.Connection) -> None:
            self._about[name] = value
            self._keep(to, name)

        if self.number is None:
            self._about[name] = value
        else:
            self._write(write)

    def _row(self) -> dict[str, Any]:
        about = self._about
        texts = {name: as_text(about[name]) for name in ("owner", "title", "system", "model")}
        return texts | {
            "persona": None if about["persona"] is None else as_text(about["persona"]),
            "head": about["head"],
            "settings": as_json(dict(about["settings"])),
            "tags": as_json(list(about["tags"])),
            "created": as_time(about["created"]),
            "updated": as_time(about["updated"]),
        }


def title_of(question: str) -> str:
    """A line for a conversation that begins with this question: its first words."""
    line = " ".join(question.split())
    if len(line) <= TITLE:
        return line
    words = line[:TITLE].rsplit(" ", 1)[0]
    return words[: TITLE - 1] + "…"
