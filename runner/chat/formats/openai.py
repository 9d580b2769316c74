"""The messages of OpenAI's chat API, which most programs and training sets read and write.

One conversation is `{"messages": [...]}`; several are JSON lines of it.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from runner.chat.dialogue import Dialogue
from runner.chat.formats.checked import arguments_of, list_of, table_of, text_of
from runner.chat.turns import Turn
from runner.prompt import Role, ToolCall

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def write(dialogues: Sequence[Dialogue]) -> str:
    """The turns up to each conversation's head, with their documents and without reasoning, for
    which the format has no place."""
    if len(dialogues) == 1:
        return json.dumps({"messages": messages(dialogues[0])}, indent=1) + "\n"
    return "".join(json.dumps({"messages": messages(one)}) + "\n" for one in dialogues)


def messages(dialogue: Dialogue) -> list[dict[str, Any]]:
    """The turns up to the head as messages, the system prompt in front."""
    system = [{"role": "system", "content": dialogue.system}] if dialogue.system else []
    # Where a model's format has no ids, calls are numbered.
    unanswered: list[tuple[ToolCall, str]] = []
    written = 0
    found: list[dict[str, Any]] = []
    for turn in dialogue.path:
        message: dict[str, Any] = {"role": turn.role, "content": turn.message.content}
        if turn.role == "tool":
            message["tool_call_id"] = _answered(turn, unanswered)
        elif turn.tool_calls:
            message["tool_calls"] = []
            unanswered.clear()
            for call in turn.tool_calls:
                written += 1
                identity = call.id or f"call_{written}"
                unanswered.append((call, identity))
                function = {"name": call.name, "arguments": json.dumps(call.arguments)}
                message["tool_calls"].append(
                    {"id": identity, "type": "function", "function": function}
                )
        found.append(message)
    return system + found


def _answered(result: Turn, unanswered: list[tuple[ToolCall, str]]) -> str:
    """The id of the call that this is the result of: the one that it names, else the next."""
    for at, (call, identity) in enumerate(unanswered):
        if not result.tool_calls or call == result.tool_calls[0]:
            del unanswered[at]
            return identity
    return ""


def read(value: object) -> Iterator[Dialogue | ValueError]:
    """The conversations in a JSON value: an object with `messages`, a list of messages, or a list
    of either. In the place of one that makes no sense, why."""
    conversations: list[Any] = value if isinstance(value, list) else [value]
    if conversations and all(isinstance(one, dict) and "role" in one for one in conversations):
        conversations = [conversations]
    for one in conversations:
        try:
            table = one if isinstance(one, dict) else {"messages": one}
            if "messages" not in table:
                raise ValueError("it has no messages")
            yield _dialogue(table)
        except ValueError as error:
            yield error


def _dialogue(table: dict[str, Any]) -> Dialogue:
    now = datetime.now(UTC)
    system: list[str] = []
    turns: list[Turn] = []
    model = text_of(table, "model") or None
    for message in list_of(table, "messages"):
        role = ROLES.get(str(message.get("role")))
        if role is None:
            raise ValueError(f"a message has the role {message.get('role')!r}, which is not known")
        content = _content(message)
        if role == "system" and not turns:
            system.append(content)
            continue
        turns.append(
            Turn(
                id=len(turns),
                parent=len(turns) - 1 if turns else None,
                role=role,
                content=content,
                at=now,
                reasoning=_reasoning(message) if role == "assistant" else "",
                tool_calls=_calls(message) if role == "assistant" else (),
                model=model if role == "assistant" else None,
                ended="end",
            )
        )
    if not turns:
        raise ValueError("nothing was said in it")
    return Dialogue(
        tuple(turns),
        turns[-1].id,
        title=text_of(table, "title"),
        system="\n\n".join(system),
    )


def _content(message: dict[str, Any]) -> str:
    """A message's text. Of parts that are none, such as images, their kind is told."""
    content = message.get("content")
    if not isinstance(content, list):
        return text_of(message, "content") or text_of(message, "refusal")
    parts = []
    for part in list_of(message, "content"):
        text = part.get("text")
        parts.append(text if isinstance(text, str) else f"[{part.get('type')} left out]")
    return "\n".join(parts)


def _reasoning(message: dict[str, Any]) -> str:
    for key in ("reasoning_content", "reasoning", "thinking"):
        if isinstance(message.get(key), str):
            return text_of(message, key)
    return ""


def _calls(message: dict[str, Any]) -> tuple[ToolCall, ...]:
    calls = [
        (table_of(call, "function"), text_of(call, "id")) for call in list_of(message, "tool_calls")
    ]
    if message.get("function_call"):  # as it was before there were tools
        calls.append((table_of(message, "function_call"), ""))
    return tuple(
        ToolCall(text_of(function, "name"), arguments_of(function.get("arguments")), identity)
        for function, identity in calls
    )
