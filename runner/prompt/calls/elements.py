"""Calls as elements, the way of Qwen3-Coder, Qwen3.5 and Nemotron 3.

    <function=clock>
    <parameter=zone>
    UTC
    </parameter>
    </function>

Every value is text: only the tool's schema tells that 3 is meant as a number.
"""

import re

from runner.prompt.calls.call import ToolCall, excerpt, made, malformed

SIGN = re.compile("<function=")

_FUNCTION = re.compile(r"<function=([^>\n]+)>\s*")
# A value may speak of the closing tag: it ends where another parameter or the function's end is.
_PARAMETER = re.compile(
    r"<parameter=([^>\n]+)>\n?(.*?)\n?</parameter>\s*(?=<parameter=|</function>|\Z)", re.DOTALL
)
_END = re.compile(r"(?:</function>|\Z)(?:\s|</?tool_call>)*")


def read(text: str) -> list[ToolCall]:
    """The calls, one after the other, every argument as text."""
    calls = []
    position = 0
    while position < len(text):
        head = _FUNCTION.match(text, position)
        if head is None:
            raise malformed(f"is not <function=NAME>: {excerpt(text[position:])}")
        position = head.end()
        arguments = {}
        while parameter := _PARAMETER.match(text, position):
            arguments[parameter[1].strip()] = parameter[2]
            position = parameter.end()
        end = _END.match(text, position)
        if end is None:
            raise malformed(f"of {head[1]!r} is not closed: {excerpt(text[position:])}")
        position = end.end()
        calls.append(made(head[1].strip(), arguments))
    return calls
