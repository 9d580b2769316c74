"""Calls as JSON objects: Hermes, Qwen, Granite, SmolLM, Nemotron, Phi, Llama and older Mistrals.

    {"name": "clock", "arguments": {"zone": "UTC"}}

One object, a list of them, or several one after the other.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from runner.prompt.calls.call import DECODER, ToolCall, described, excerpt, made, malformed

SIGN = re.compile("")  # what has no other format's sign is meant to be JSON

_BETWEEN = re.compile(r"(?:\s|[,;]|</?tool_call>)*")


def read(text: str) -> list[ToolCall]:
    """`arguments` may be called `parameters`, as Llama does, and be written as a JSON string."""
    return [
        _call(wish)
        for value in _values(text)
        for wish in (value if isinstance(value, list) else [value])
    ]


def write(calls: Iterable[ToolCall]) -> str:
    """The calls as a model of this kind writes them."""
    wishes = ({"name": call.name, "arguments": call.arguments} for call in calls)
    return "\n".join(json.dumps(wish, ensure_ascii=False) for wish in wishes)


def _values(text: str) -> Iterator[Any]:
    """The JSON values in the text, one after the other."""
    position = _after_gap(text, 0)
    while position < len(text):
        try:
            value, position = DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise malformed(f"is not JSON: {excerpt(text[position:])}") from error
        yield value
        position = _after_gap(text, position)


def _after_gap(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _call(wish: Any) -> ToolCall:
    if not isinstance(wish, dict):
        raise malformed(f"is {described(wish)} where an object was expected")
    function = wish.get("function")
    if isinstance(function, dict):
        wish = {"id": wish.get("id"), **function}
    return made(wish.get("name"), wish.get("arguments", wish.get("parameters")), wish.get("id"))
