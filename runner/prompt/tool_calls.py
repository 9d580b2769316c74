"""Tool calls as most small models write them: JSON between marks, the format of Hermes."""

import json
import re
from collections.abc import Iterator
from typing import Any

from runner.errors import RunnerError
from runner.prompt.messages import ToolCall

_BETWEEN = re.compile(r"(?:\s|,|</?tool_call>)*")
_REMEDY = 'A call looks like {"name": "clock", "arguments": {"zone": "UTC"}}.'


def parse_tool_calls(text: str) -> list[ToolCall]:
    """The calls in the `tool_call` part of a reply, with or without its `<tool_call>` marks.

    One JSON object, a list of them, or several one after the other. `arguments` (or `parameters`,
    as Llama 3 says) is an object, an object written as a JSON string, or absent. Raises
    RunnerError, with what is wrong in its message, for anything else.
    """
    return [
        _call(wish)
        for value in _values(text)
        for wish in (value if isinstance(value, list) else [value])
    ]


def _values(text: str) -> Iterator[Any]:
    """The JSON values in the text, one after the other."""
    decoder = json.JSONDecoder()
    position = _after_gap(text, 0)
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError) as error:
            excerpt = text[position : position + 60].strip()
            raise _malformed(f"is not JSON: {excerpt!r}") from error
        yield value
        position = _after_gap(text, position)


def _after_gap(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _call(wish: Any) -> ToolCall:
    if not isinstance(wish, dict):
        raise _malformed(f"is {_described(wish)} where an object was expected")
    name = wish.get("name")
    if not isinstance(name, str) or not name:
        raise _malformed("names no function")
    arguments = wish.get("arguments", wish.get("parameters"))
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments) if arguments.strip() else {}
        except (json.JSONDecodeError, RecursionError) as error:
            raise _malformed(f"of {name!r} has arguments that are not JSON") from error
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise _malformed(f"of {name!r} has {_described(arguments)} for arguments, not an object")
    identity = wish.get("id")
    return ToolCall(name, arguments, identity if isinstance(identity, str) else "")


def _described(value: Any) -> str:
    kinds = {list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _malformed(what: str) -> RunnerError:
    return RunnerError(f"The model's tool call {what}.", remedy=_REMEDY)
