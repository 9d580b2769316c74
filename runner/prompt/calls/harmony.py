"""Calls as gpt-oss writes them: a message to a function, its arguments as JSON.

to=functions.clock<|channel|>commentary <|constrain|>json<|message|>{"zone": "UTC"}
"""

import re

from runner.prompt.calls.call import ToolCall, made, malformed

SIGN = re.compile(
    r"(?:to=functions\.)?([\w.-]+)(?:\s*<\|channel\|>\w+)?\s*(?:<\|constrain\|>)?\w*\s*<\|message\|>"
)


def read(text: str) -> list[ToolCall]:
    """The one call that a message is."""
    head = SIGN.match(text)
    if head is None:
        raise malformed("names no function")
    return [made(head[1], text[head.end() :])]
