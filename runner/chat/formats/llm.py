"""The log database of the program `llm` (simonw/llm), in both of its shapes.

Until 0.31 a row of `responses` is a question and its answer, and those of a `conversation` follow
each other. Since then `messages` are a tree, each naming the one before by its hash, made of
`parts`; a `thread` is a path through it, and a `turn` says which model added which of them. A
database may have both: the older rows stay where they are.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner.chat.dialogue import Dialogue
from runner.chat.formats.checked import arguments_of, loads, time_of
from runner.chat.turns import Attachment, Turn
from runner.prompt import Role, ToolCall

Row = dict[str, Any]
ATTACHMENTS = "id, type, path, url, CASE WHEN type LIKE 'text/%' THEN content END AS content"
ROLES: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


def read(path: Path) -> Iterator[Dialogue | ValueError]:
    """The conversations in the database; in the place of one that makes no sense, why. Raises
    ValueError if it is no database of llm's."""
    try:
        with closing(_opened(path)) as database:
            tables = _Tables(database)
            if not tables.names & {"responses", "threads"}:
                raise ValueError("it has none of llm's tables")
            if "responses" in tables.names:
                yield from _Older(tables).dialogues()
            if "threads" in tables.names:
                yield from _Newer(tables).dialogues()
    except sqlite3.Error as error:
        raise ValueError(f"it cannot be read: {error}") from error
    except KeyError as error:
        raise ValueError(f"it lacks the column {error}") from error


def _opened(path: Path) -> sqlite3.Connection:
    """The database, read only. What it defines itself is not run: it comes from elsewhere."""
    for how in ("mode=ro", "immutable=1"):
        # A database in WAL mode on a medium that cannot be written is opened only as immutable.
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            if how == "immutable=1":
                raise
        except BaseException:
            connection.close()
            raise
        else:
            break
    connection.row_factory = sqlite3.Row
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


class _Tables:
    """Rows as dictionaries; a table or a column that this version of llm has not is empty."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        self.names = {row["name"] for row in rows}

    def rows(self, table: str, order: str = "rowid") -> list[Row]:
        if table not in self.names:
            return []
        # Of attachments, mostly pictures, the text alone.
        columns = ATTACHMENTS if table == "attachments" else "*"
        found = self._database.execute(f'SELECT {columns} FROM "{table}"').fetchall()
        rows = [dict(row) for row in found]
        if rows and order in rows[0]:
            rows.sort(key=lambda row: _place(row[order]))
        return rows

    def grouped(self, table: str, key: str, order: str = "id") -> dict[Any, list[Row]]:
        groups: dict[Any, list[Row]] = defaultdict(list)
        for row in self.rows(table, order):
            groups[row.get(key)].append(row)
        return groups


def _place(value: Any) -> tuple[bool, Any]:
    """What rows are sorted by: numbers after texts, whatever a column holds."""
    number = isinstance(value, int | float)
    return number, value if number else str(value)


class _Older:
    """Conversations of `responses`."""

    def __init__(self, tables: _Tables) -> None:
        self._tables = tables
        self._names = {row["id"]: _text(row, "name") for row in tables.rows("conversations")}
        self._fragments = {row["id"]: row for row in tables.rows("fragments")}
        self._attachments = {row["id"]: row for row in tables.rows("attachments")}
        self._of = {
            table: tables.grouped(table, "response_id", order)
            for table, order in (
                ("tool_calls", "id"),
                ("tool_results", "id"),
                ("prompt_fragments", "order"),
                ("system_fragments", "order"),
                ("prompt_attachments", "order"),
            )
        }

    def dialogues(self) -> Iterator[Dialogue | ValueError]:
        conversations: dict[str, list[Row]] = defaultdict(list)
        for row in self._tables.rows("responses", "id"):
            conversations[row.get("conversation_id") or f"response {row['id']}"].append(row)
        for name, rows in conversations.items():
            rows.sort(key=lambda row: str(row.get("datetime_utc") or ""))
            try:
                yield self._dialogue(self._names.get(name, ""), rows)
            except ValueError as error:
                yield error

    def _dialogue(self, title: str, rows: list[Row]) -> Dialogue:
        chain = _Chain()
        system = self._system(rows[0])
        told = system
        for row in rows:
            at = time_of(row.get("datetime_utc")) or datetime.now(UTC)
            if (now := self._system(row)) and now != told:
                told = now
                chain.add("system", now, at)
            for result in self._of["tool_results"][row["id"]]:
                chain.add("tool", _text(result, "output"), at)
            attachments = (*self._documents(row), *self._attached(row))
            if (prompt := _text(row, "prompt")) or attachments:
                chain.add("user", prompt, at, attachments=attachments)
            calls = tuple(
                ToolCall(
                    _text(call, "name"),
                    arguments_of(call.get("arguments")),
                    _text(call, "tool_call_id"),
                )
                for call in self._of["tool_calls"][row["id"]]
            )
            chain.add(
                "assistant",
                _text(row, "response"),
                at,
                reasoning=_text(row, "reasoning"),
                tool_calls=calls,
                model=_text(row, "resolved_model") or _text(row, "model"),
                timings=_timings(row),
            )
        return chain.dialogue(title, system)

    def _system(self, row: Row) -> str:
        parts = [one.text for one in self._fragments_of(row, "system_fragments")]
        return "\n\n".join(filter(None, [*parts, _text(row, "system")]))

    def _documents(self, row: Row) -> tuple[Attachment, ...]:
        return self._fragments_of(row, "prompt_fragments")

    def _fragments_of(self, row: Row, table: str) -> tuple[Attachment, ...]:
        found = [self._fragments.get(one.get("fragment_id")) for one in self._of[table][row["id"]]]
        return tuple(
            Attachment(_text(one, "source") or "fragment", "text", _text(one, "content"))
            for one in found
            if one is not None
        )

    def _attached(self, row: Row) -> tuple[Attachment, ...]:
        links = self._of["prompt_attachments"][row["id"]]
        found = [self._attachments.get(one.get("attachment_id")) for one in links]
        return tuple(_document(one) for one in found if one is not None)


class _Newer:
    """Conversations of `threads`; those that were forked from one another are one, a tree."""

    def __init__(self, tables: _Tables) -> None:
        self._tables = tables
        self._threads = {row["id"]: row for row in tables.rows("threads", "datetime_utc")}
        self._messages = {row["hash"]: row for row in tables.rows("messages")}
        self._parts = tables.grouped("parts", "message_hash", "position")
        self._turns = tables.grouped("turns", "thread_id", "datetime_utc")
        self._fragments = {row["id"]: row for row in tables.rows("fragments")}
        self._attachments = {row["id"]: row for row in tables.rows("attachments")}

    def dialogues(self) -> Iterator[Dialogue | ValueError]:
        families: dict[str, list[Row]] = defaultdict(list)
        for name, thread in self._threads.items():
            families[self._origin(name)].append(thread)
        for family in families.values():
            try:
                yield self._dialogue(family)
            except ValueError as error:
                yield error

    def _origin(self, name: str) -> str:
        """The thread from which, over however many forks, this one comes."""
        seen = set()
        while name not in seen:
            seen.add(name)
            before = _text(self._threads[name], "forked_from")
            name = before if before in self._threads else name
        return name

    def _dialogue(self, family: list[Row]) -> Dialogue:
        said = self._said(family)
        chain = _Chain()
        numbers: dict[str, int | None] = {}
        system: list[str] = []
        for thread in family:
            chain.head = None
            for name in self._path(thread.get("tip_message_hash")):
                if name not in numbers:
                    role = ROLES.get(_text(self._messages[name], "role"))
                    if role is None:
                        raise ValueError(f"a message has a role that is not known: {name}")
                    if role == "system" and chain.head is None:
                        system.append(self._message(name)[0])
                    else:
                        self._add(chain, role, name, said.get(name))
                    numbers[name] = chain.head
                chain.head = numbers[name]
        title = next((text for thread in family if (text := _text(thread, "name"))), "")
        return chain.dialogue(title, "\n\n".join(dict.fromkeys(filter(None, system))))

    def _path(self, tip: Any) -> list[str]:
        path: list[str] = []
        seen = set()
        while tip in self._messages and tip not in seen:
            seen.add(tip)
            path.append(tip)
            tip = self._messages[tip].get("parent_hash")
        return path[::-1]

    def _said(self, family: list[Row]) -> dict[str, Row]:
        """For each message, the model's turn that added it, or that it was first given to."""
        said: dict[str, Row] = {}
        for thread in family:
            for turn in self._turns[thread["id"]]:
                name = _text(turn, "tip_message_hash")
                while name in self._messages and name not in said:
                    said[name] = turn
                    name = _text(self._messages[name], "parent_hash")
        return said

    def _add(self, chain: "_Chain", role: Role, name: str, turn: Row | None) -> None:
        at = time_of((turn or {}).get("datetime_utc")) or datetime.now(UTC)
        text, reasoning, calls, results, attachments = self._message(name)
        for result in results:
            chain.add("tool", result, at)
        if results and not (text or calls or attachments):
            return
        chain.add(
            role,
            text,
            at,
            reasoning=reasoning,
            tool_calls=calls,
            attachments=attachments,
            model=_text(turn, "resolved_model") or _text(turn, "model")
            if turn and role == "assistant"
            else "",
            timings=_timings(turn) if turn and role == "assistant" else {},
        )

    def _message(
        self, name: str
    ) -> tuple[str, str, tuple[ToolCall, ...], list[str], tuple[Attachment, ...]]:
        """What a message's parts say: text, reasoning, tool calls, their results, documents."""
        text, reasoning, results = [], [], []
        calls: list[ToolCall] = []
        attachments: list[Attachment] = []
        for part in self._parts[name]:
            payload = loads(part["payload"]) if part.get("payload") else {}
            if not isinstance(payload, dict):
                raise ValueError(f"a part of {name} makes no sense")
            match part.get("type"):
                case "text":
                    text.append(self._part_text(part, payload))
                case "reasoning":
                    reasoning.append(self._part_text(part, payload))
                case "tool_call":
                    called = _text(part, "tool_name") or _text(payload, "name")
                    identity = _text(payload, "tool_call_id")
                    calls.append(ToolCall(called, arguments_of(payload.get("arguments")), identity))
                case "tool_result":
                    results.append(_text(payload, "output") or self._part_text(part, payload))
                case "attachment":
                    row = self._attachments.get(_text(payload, "attachment_id"))
                    attachments.append(_document(row or payload))
        return (
            "".join(text), "\n\n".join(reasoning), tuple(calls), results, tuple(attachments)
        )  # fmt: skip

    def _part_text(self, part: Row, payload: Row) -> str:
        """A part's own text, or, where it borrows some, that put together."""
        if part.get("text") is not None:
            return _text(part, "text")
        segments = payload.get("text_ref")
        if not isinstance(segments, list):
            return _text(payload, "text")
        found = []
        for segment in segments:
            for key, value in (segment if isinstance(segment, dict) else {}).items():
                fragment = self._fragments.get(value) if isinstance(value, int | str) else None
                borrowed = _text(fragment, "content") if fragment else ""
                found.append(str(value) if key == "literal" else borrowed)
        return "".join(found)


class _Chain:
    """Turns, each after the one before."""

    def __init__(self) -> None:
        self.head: int | None = None
        self._turns: list[Turn] = []

    def add(self, role: Role, content: str, at: datetime, *, model: str = "", **more: Any) -> None:
        number = len(self._turns)
        self._turns.append(
            Turn(number, self.head, role, content, at, model=model or None, ended="end", **more)
        )
        self.head = number

    def dialogue(self, title: str, system: str) -> Dialogue:
        if not self._turns:
            raise ValueError("nothing was said in it")
        return Dialogue(
            tuple(self._turns),
            self.head,
            title=title,
            system=system,
            created=min(turn.at for turn in self._turns),
            updated=max(turn.at for turn in self._turns),
        )


def _document(row: Row) -> Attachment:
    """What was attached, where it is text; else its name alone."""
    kind, content = _text(row, "type"), row.get("content")
    name = _text(row, "path") or _text(row, "url") or kind or "attachment"
    if kind.startswith("text/") and isinstance(content, bytes):
        return Attachment(name, "text", content.decode("utf-8", "replace"))
    return Attachment(name, kind or "file", f"[{kind or 'a file'} left out]")


def _timings(row: Row) -> dict[str, float]:
    """Counts and durations of a reply under the names that Runner has for them."""
    scales = {
        "prompt_tokens": ("input_tokens", 1),
        "reply_tokens": ("output_tokens", 1),
        "total_seconds": ("duration_ms", 1000),
    }
    return {
        name: value / scale if scale > 1 else value
        for name, (key, scale) in scales.items()
        if isinstance(value := row.get(key), int | float)
    }


def _text(row: Row, key: str) -> str:
    """A column's text; empty for none, and for what is no text."""
    value = row.get(key)
    return value if isinstance(value, str) else ""
