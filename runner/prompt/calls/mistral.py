"""Calls as Mistral's models write them: a name, then its arguments as JSON.

clock[ARGS]{"zone": "UTC"}[TOOL_CALLS]clock[ARGS]{"zone": "CET"}
"""

import re

from runner.prompt.calls.call import DECODER, ToolCall, excerpt, made, malformed

SIGN = re.compile(r"[\w.-]+\s*(?:\[CALL_ID\]|\[ARGS\]|\{)")

_HEAD = re.compile(r"([\w.-]+)\s*(?:\[CALL_ID\]\s*(\w+)\s*)?(?:\[ARGS\])?\s*")
_BETWEEN = re.compile(r"(?:\s|,|\[/?TOOL_CALLS\])*")


def read(text: str) -> list[ToolCall]:
    """The calls, one after the other, each with its id where there is one."""
    calls = []
    position = 0
    while (position := _BETWEEN.match(text, position).end()) < len(text):  # type: ignore[union-attr]
        head = _HEAD.match(text, position)
        if head is None:
            raise malformed(f"has no name: {excerpt(text[position:])}")
        try:
            arguments, position = DECODER.raw_decode(text, head.end())
        except (ValueError, RecursionError) as error:
            raise malformed(f"of {head[1]!r} has arguments that are not JSON") from error
        calls.append(made(head[1], arguments, head[2]))
    return calls
