"""A reply that is written down while it is said.

A thread of its own writes what was fed a quarter of a second ago at the latest, so that a kill
loses no more, also where the stream stalls and nothing else is fed.
"""

import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import asdict, replace
from itertools import groupby
from typing import TYPE_CHECKING

from runner.chat.tables import TURN, Tables, as_text, as_turn, now
from runner.chat.turns import Turn
from runner.errors import RunnerError

if TYPE_CHECKING:
    from runner.chat.chat import Chat
    from runner.engine.events import Finish
    from runner.prompt import Kind, Message

INTERVAL = 0.25  # seconds


class Growing:
    """A reply to the head of a chat. It ends with `finish` or `discard`, which may come from
    another thread than `feed`, but once."""

    def __init__(self, chat: "Chat", model: str) -> None:
        self._chat = chat
        self._turn = Turn(
            id=0,
            parent=chat._head,
            role="assistant",
            content="",
            at=now(),
            model=model,
        )
        self._fed: list[tuple[Kind, str]] = []
        self._written = 0
        self._ended = False
        self._changed = threading.Condition()
        self._writer: threading.Thread | None = None

    def feed(self, kind: "Kind", text: str) -> None:
        """Say more. It is on the disk a quarter of a second later."""
        with self._changed:
            self._fed.append((kind, text))
            if self._writer is None:
                self._writer = threading.Thread(
                    target=self._keep_up, name="runner-reply", daemon=True
                )
                self._writer.start()
            self._changed.notify()

    def finish(self, message: "Message", finish: "Finish") -> Turn:
        """The reply is over, and this is all of it. It is on the disk when this returns."""
        self._end()
        turn = replace(
            self._turn,
            content=as_text(message.content),
            reasoning=as_text(message.reasoning),
            tool_calls=message.tool_calls,
            ended=finish.reason,
            timings=asdict(finish.timings),
        )
        return self._chat._said(turn, self._chat._complete)

    def discard(self) -> None:
        """Forget what was said; the head is again what it was."""
        self._end()
        if self._turn.id:
            self._chat.remove(self._turn)

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._writer is not None:
            self._writer.join()

    def _keep_up(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._fed or self._ended)
                if self._changed.wait_for(lambda: self._ended, INTERVAL):
                    return
                fed, self._fed = self._fed, []
            try:
                self._add(fed)
            except RunnerError:  # `finish` writes all of it, or says why not
                return

    def _add(self, fed: "list[tuple[Kind, str]]") -> None:
        pieces = [
            (number, kind, as_text("".join(text for _, text in texts)))
            for number, (kind, texts) in enumerate(
                groupby(fed, lambda piece: piece[0]), self._written
            )
        ]

        def write(to: sqlite3.Connection) -> int:
            turn = self._chat._number(self._turn) or self._chat._insert(to, self._turn)
            to.executemany(f"INSERT INTO pieces VALUES ({turn}, ?, ?, ?)", pieces)
            return turn

        self._turn = replace(self._turn, id=self._chat._write(write, durable=False))
        self._written += len(pieces)


def completed(tables: Tables, turn: Turn) -> Turn:
    """A turn that has no end yet, with the pieces of it that are written."""
    pieces = tables.rows("SELECT kind, text FROM pieces WHERE turn = ? ORDER BY number", turn.id)
    return joined(turn, [(row["kind"], row["text"]) for row in pieces])


def joined(turn: Turn, pieces: Iterable[tuple[str, str]]) -> Turn:
    """A turn and what else was said of it. A tool call that did not come to its end is text."""
    content, reasoning = [turn.content], [turn.reasoning]
    for kind, text in pieces:
        (reasoning if kind == "reasoning" else content).append(text)
    return replace(turn, content="".join(content).lstrip(), reasoning="".join(reasoning).lstrip())


def put_together(tables: Tables) -> None:
    """Make whole what a killed program left in pieces, so that it is found by searching. Does no
    harm to a reply that is being said: what is said after this is joined to it. Raises DiskError.
    """
    for (number,) in tables.rows("SELECT DISTINCT turn FROM pieces"):
        with tables.writing() as to:
            # Again, from within: it may have ended meanwhile.
            rows = to.execute(
                f"SELECT {TURN} FROM turns WHERE id = (SELECT turn FROM pieces WHERE turn = ?)",
                [number],
            ).fetchall()
            if not rows:
                continue
            whole = completed(tables, as_turn(rows[0]))
            to.execute(
                "UPDATE turns SET content = ?, reasoning = ? WHERE id = ?",
                [whole.content, whole.reasoning, number],
            )
            to.execute("DELETE FROM pieces WHERE turn = ?", [number])
