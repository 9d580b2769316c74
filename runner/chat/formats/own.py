"""Runner's own JSON, which loses nothing.

    {"format": "runner-chats", "version": 1, "chats": [{"title": …, "turns": [{"id": …, "parent": …,
    "role": …, "content": …, "at": …, …}, …], "head": …, …}, …]}

A turn names the turn it follows; keys that say nothing are left out.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from runner.chat.dialogue import Dialogue
from runner.chat.formats.checked import list_of, table_of, text_of, time_of
from runner.chat.turns import Attachment, Turn
from runner.prompt import Role, ToolCall

FORMAT = "runner-chats"
VERSION = 1
ROLES: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


def write(dialogues: Sequence[Dialogue]) -> str:
    """The conversations as JSON, in ASCII: no encoding and no terminal can stumble over it."""
    chats = [_chat(dialogue) for dialogue in dialogues]
    return json.dumps({"format": FORMAT, "version": VERSION, "chats": chats}, indent=1) + "\n"


def read(value: dict[str, Any]) -> Iterator[Dialogue | ValueError]:
    """The conversations in what was written; in the place of one that makes no sense, why."""
    if value.get("version") != VERSION:
        raise ValueError(f"a later version of Runner wrote it (its format is {VERSION} here)")
    for chat in list_of(value, "chats"):
        try:
            yield _dialogue(chat)
        except ValueError as error:
            yield error


def _chat(dialogue: Dialogue) -> dict[str, Any]:
    return {
        "title": dialogue.title,
        "model": dialogue.model,
        "system": dialogue.system,
        "persona": dialogue.persona,
        "settings": dict(dialogue.settings),
        "tags": list(dialogue.tags),
        "created": dialogue.created and dialogue.created.isoformat(),
        "updated": dialogue.updated and dialogue.updated.isoformat(),
        "head": dialogue.head,
        "summaries": [{"turn": turn, "text": text} for turn, text in dialogue.summaries.items()],
        "turns": [_turn(turn) for turn in dialogue.turns],
    }


def _turn(turn: Turn) -> dict[str, Any]:
    always = {
        "id": turn.id,
        "parent": turn.parent,
        "role": turn.role,
        "content": turn.content,
        "at": turn.at.isoformat(),
    }
    often = {
        "reasoning": turn.reasoning,
        "tool_calls": [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for call in turn.tool_calls
        ],
        "attachments": [
            {"name": one.name, "kind": one.kind, "text": one.text}
            | ({"in_parts": True} if one.in_parts else {})
            for one in turn.attachments
        ],
        "model": turn.model,
        "ended": turn.ended,
        "timings": dict(turn.timings),
    }
    return always | {key: value for key, value in often.items() if value}


def _dialogue(chat: dict[str, Any]) -> Dialogue:
    turns = [_read_turn(table) for table in list_of(chat, "turns")]
    if not turns:
        raise ValueError("nothing was said in it")
    known: set[int | None] = {None}
    for turn in turns:
        if turn.parent not in known or turn.id in known:
            raise ValueError(f"turn {turn.id} follows none before it, or is there twice")
        known.add(turn.id)
    head = chat.get("head")
    if not (head is None or type(head) is int) or head not in known:
        raise ValueError(f"its head {head!r} is no turn")
    tags = chat.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ValueError("'tags' is not a list of texts")
    return Dialogue(
        turns=tuple(turns),
        head=head,
        title=text_of(chat, "title"),
        model=text_of(chat, "model"),
        system=text_of(chat, "system"),
        persona=text_of(chat, "persona") or None,
        settings=table_of(chat, "settings"),
        tags=tuple(tags),
        created=time_of(chat.get("created")),
        updated=time_of(chat.get("updated")),
        summaries={
            _number(one.get("turn"), known): text_of(one, "text")
            for one in list_of(chat, "summaries")
        },
    )


def _read_turn(table: dict[str, Any]) -> Turn:
    number, parent, role = table.get("id"), table.get("parent"), table.get("role")
    at = time_of(table.get("at"))
    if type(number) is not int or not (parent is None or type(parent) is int):
        raise ValueError("a turn's 'id' or 'parent' is no number")
    if not isinstance(role, str) or role not in ROLES:
        raise ValueError(f"turn {number} has the role {role!r}, which does not exist")
    if at is None:
        raise ValueError(f"turn {number} does not say when it was said")
    timings = table_of(table, "timings")
    if not all(isinstance(value, int | float) for value in timings.values()):
        raise ValueError(f"the timings of turn {number} are no numbers")
    return Turn(
        id=number,
        parent=parent,
        role=ROLES[role],
        content=text_of(table, "content"),
        at=at,
        reasoning=text_of(table, "reasoning"),
        tool_calls=tuple(
            ToolCall(text_of(one, "name"), table_of(one, "arguments"), text_of(one, "id"))
            for one in list_of(table, "tool_calls")
        ),
        attachments=tuple(
            Attachment(
                text_of(one, "name"),
                text_of(one, "kind"),
                text_of(one, "text"),
                in_parts=one.get("in_parts") is True,
            )
            for one in list_of(table, "attachments")
        ),
        model=text_of(table, "model") or None,
        ended=text_of(table, "ended") or None,
        timings=timings,
    )


def _number(value: object, known: set[int | None]) -> int:
    if type(value) is not int or value not in known:
        raise ValueError(f"a summary stands for turn {value!r}, which there is not")
    return value
