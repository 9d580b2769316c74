"""What a conversation is made of, and the form in which chat templates expect it."""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from runner.errors import TemplateError
from runner.prompt.calls.call import ToolCall
from runner.prompt.sandbox.text import join, literal, plain
from runner.prompt.segments import Marks
from runner.prompt.tool_calls import written

Role = Literal["system", "user", "assistant", "tool"]
_ROLES = {role: literal(role) for role in ("system", "user", "assistant", "tool")}
_FUNCTION = literal("function")
_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `reasoning` and `tool_calls` are an assistant's; a tool's `content` answers the
    first call before it that has no answer yet."""

    role: Role
    content: str
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


def fold_system(messages: Sequence[Message]) -> list[Message]:
    """The messages without system turns: their text heads the next user turn, a blank line between.

    For models whose makers advise against a system prompt, such as the DeepSeek-R1 distills.
    """
    folded: list[Message] = []
    waiting: list[str] = []
    for message in messages:
        if message.role == "system":
            waiting.append(message.content)
        elif message.role == "user":
            folded.append(replace(message, content="\n\n".join([*waiting, message.content])))
            waiting = []
        else:
            folded.append(message)
    if waiting:
        folded.append(Message("user", "\n\n".join(waiting)))
    return folded


@dataclass(frozen=True, slots=True)
class CallShape:
    """How a template wants an assistant's tool calls.

    `content`: what it takes for a turn without text, None or an empty string.
    `arguments_as_json`: written out instead of as an object.
    `apart`: it shows either the text or the calls of a turn, so they have to be two turns.
    `single`: it shows one call of a turn, so several are several turns, each with its result.
    `written`: it shows no calls at all, so they are written into the text, between these marks.
    """

    content: str | None = ""
    arguments_as_json: bool = False
    apart: bool = False
    single: bool = False
    written: Marks | None = None


def as_dictionaries(messages: Sequence[Message], shape: CallShape) -> list[dict[str, Any]]:
    """The messages as Hugging Face's templates know them.

    Roles are the template's words; everything else is content. Raises TemplateError for a role
    that there is not, or for tool arguments that are not JSON.
    """
    turns: list[dict[str, Any]] = []
    unanswered: deque[ToolCall] = deque()
    for message in _identified(_single(messages) if shape.single else messages):
        if message.role not in _ROLES:
            raise TemplateError(f"A message has the role {message.role!r}, which does not exist.")
        turn: dict[str, Any] = {"role": _ROLES[message.role], "content": plain(message.content)}
        if message.role == "tool" and unanswered:
            call = unanswered.popleft()
            turn["name"] = plain(call.name)
            turn["tool_call_id"] = plain(call.id)
        if message.role == "assistant":
            turns += _assistant_turns(message, turn, shape)
            unanswered.extend(message.tool_calls)
        else:
            turns.append(turn)
    return turns


def _single(messages: Sequence[Message]) -> Iterator[Message]:
    """The messages with one call in a turn, and its result after it."""
    at = 0
    while at < len(messages):
        message = messages[at]
        at += 1
        if len(message.tool_calls) < 2:
            yield message
            continue
        for number, call in enumerate(message.tool_calls):
            first = message if number == 0 else Message("assistant", "")
            yield replace(first, tool_calls=(call,))
            if at < len(messages) and messages[at].role == "tool":
                yield messages[at]
                at += 1


def _identified(messages: Iterable[Message]) -> Iterator[Message]:
    """The messages with an id for every call, by which templates find the call of a result. Of
    nine letters and digits, as Mistral's demand."""
    count = 0
    for message in messages:
        calls: list[ToolCall] = []
        for call in message.tool_calls if message.role == "assistant" else ():
            count += 1
            calls.append(call if call.id else replace(call, id=f"call{count:05}"))
        yield replace(message, tool_calls=tuple(calls)) if calls else message


def _assistant_turns(
    message: Message, turn: dict[str, Any], shape: CallShape
) -> list[dict[str, Any]]:
    if shape.written and message.tool_calls:
        turn["content"] = join(
            [
                turn["content"],
                literal(shape.written.open),
                plain(written(message.tool_calls, shape.written)),
                literal(shape.written.close),
            ]
        )
        return [turn]
    calls = [_call_dictionary(call, shape) for call in message.tool_calls]
    # Named in any case: a template that finds none would look for marks in the content instead.
    turn["reasoning_content"] = plain(message.reasoning)
    if message.reasoning and not (message.content and calls):
        turn["thinking"] = plain(message.reasoning)  # gpt-oss, which refuses both with calls
    if not calls:
        return [turn]
    if not message.content:
        return [{**turn, "content": shape.content, "tool_calls": calls}]
    if shape.apart:
        return [turn, {"role": turn["role"], "content": shape.content, "tool_calls": calls}]
    return [{**turn, "tool_calls": calls}]


def _call_dictionary(call: ToolCall, shape: CallShape) -> dict[str, Any]:
    arguments = as_content(call.arguments)
    if shape.arguments_as_json:
        arguments = json.dumps(arguments, ensure_ascii=False)
    function = {"name": plain(call.name), "arguments": arguments}
    return {"type": _FUNCTION, "id": plain(call.id), "function": function}


def as_content(value: Any, depth: int = 0) -> Any:
    """A copy of JSON-like data in which every string is content; TemplateError for other data."""
    if isinstance(value, str):
        return plain(value)
    if depth > _DEEPEST:
        raise TemplateError(f"A tool's description or arguments nest more than {_DEEPEST} deep.")
    if isinstance(value, dict):
        return {plain(str(key)): as_content(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_content(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    raise TemplateError(f"A tool's description or arguments hold a {type(value).__name__}.")
