"""Tool calls, in whatever format a model wrote them."""

import re
from collections.abc import Iterable
from typing import Protocol

from runner.prompt.calls import deepseek, elements, gemma, harmony, mistral, objects, pythonic
from runner.prompt.calls.call import ToolCall
from runner.prompt.marks import PYTHONIC
from runner.prompt.segments import Marks


class _Format(Protocol):
    SIGN: re.Pattern[str]

    def read(self, text: str) -> list[ToolCall]: ...


# The formats by what their text begins with; JSON objects are what is left.
_FORMATS: tuple[_Format, ...] = (
    deepseek, elements, gemma, harmony, mistral, pythonic, objects
)  # fmt: skip
_OPENING = re.compile(r"\A(?:\s|</?tool_call>)*")


def parse_tool_calls(text: str) -> list[ToolCall]:
    """The calls in the `tool_call` part of a reply, with or without `<tool_call>` marks.

    Raises RunnerError, with what is wrong in its message, for what is no call.
    """
    text = _OPENING.sub("", text, count=1).rstrip()
    if not text:
        return []
    return next(one for one in _FORMATS if one.SIGN.match(text)).read(text)


def written(calls: Iterable[ToolCall], marks: Marks) -> str:
    """The calls as a model with these marks writes them between them."""
    return pythonic.write(calls) if marks == PYTHONIC else objects.write(calls)
