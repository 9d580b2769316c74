"""Calls as DeepSeek's models write them, each between tokens of its own.

R1 and V3 put the arguments into a fence, V3.1 leaves it out:

    <｜tool▁call▁begin｜>function<｜tool▁sep｜>clock
    ```json
    {"zone": "UTC"}
    ```<｜tool▁call▁end｜>
    <｜tool▁call▁begin｜>clock<｜tool▁sep｜>{"zone": "UTC"}<｜tool▁call▁end｜>
"""

import re

from runner.prompt.calls.call import ToolCall, excerpt, made, malformed

SIGN = re.compile("<｜tool▁call▁begin｜>")

_CALL = re.compile(r"<｜tool▁call▁begin｜>(.*?)(?:<｜tool▁call▁end｜>|\Z)", re.DOTALL)
_FENCED = re.compile(r"\s*(\S+)\s*```(?:json)?\s*\n(.*?)\n?\s*(?:```\s*)?\Z", re.DOTALL)


def read(text: str) -> list[ToolCall]:
    """The calls, one after the other."""
    return [_call(wish) for wish in _CALL.findall(text)]


def _call(wish: str) -> ToolCall:
    head, separator, rest = wish.partition("<｜tool▁sep｜>")
    if not separator:
        raise malformed(f"has no arguments: {excerpt(wish)}")
    fenced = _FENCED.match(rest)
    return made(fenced[1], fenced[2]) if fenced else made(head.strip(), rest)
