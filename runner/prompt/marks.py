"""The marks with which known models frame their reasoning and their tool calls."""

import json
from collections.abc import Iterable
from dataclasses import replace

from runner.prompt.segments import Marks

# What in a template's source gives a kind of marks away, and the marks.
_REASONING = {
    "</think>": Marks("<think>", "</think>"),
    "[/THINK]": Marks("[THINK]", "[/THINK]"),
    "<|channel>thought": Marks("<|channel>thought", "<channel|>"),
    # gpt-oss: channels instead of a pair; what opens the final channel frames the answer.
    "<|channel|>analysis": Marks(
        "<|channel|>analysis<|message|>",
        "<|end|>",
        around=(
            "<|start|>assistant",
            "<|channel|>final<|message|>",
            "<|channel|>commentary<|message|>",
        ),
    ),
}
PYTHONIC = Marks("<|tool_call_start|>", "<|tool_call_end|>")
_HERMES = Marks("<tool_call>", "</tool_call>")
# Llama writes its calls as bare JSON, most often without even the one mark it has.
_LLAMA = Marks("<|python_tag|>", "")
_TOOLS = {
    "<tool_call>": _HERMES,
    "<|tool_call>": Marks("<|tool_call>", "<tool_call|>"),
    "<|tool_call|>": Marks("<|tool_call|>", "<|/tool_call|>"),
    "<|tool_call_start|>": PYTHONIC,
    "List of tools: ": PYTHONIC,
    "<TOOLCALL>": Marks("<TOOLCALL>", "</TOOLCALL>"),
    "<｜tool▁calls▁begin｜>": Marks("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
    "[TOOL_CALLS]": Marks("[TOOL_CALLS]", ""),
    "<|call|>": Marks(
        "<|channel|>commentary to=functions.",
        "<|call|>",
        more=("<|channel|>analysis to=functions.",),
        begins=("to=functions.",),
    ),
    "<|start_header_id|>ipython": _LLAMA,
}


def reasoning_marks(source: str) -> Marks | None:
    """The marks a template's source speaks of, or None if it knows none of them."""
    return _first(_REASONING, source)


def tool_marks(source: str) -> Marks | None:
    """The marks of tool calls that a template's source speaks of, or None."""
    return _first(_TOOLS, source)


def calling(marks: Marks | None, names: Iterable[str]) -> Marks:
    """The marks of calls of tools with these names, where the template has the given ones.

    Where calls may come as bare JSON, or nobody knows how they come, they are told from an answer
    in JSON by the name of a tool.
    """
    if marks not in (None, _LLAMA):
        return marks
    begins = [
        start + json.dumps(name, ensure_ascii=False)
        for name in names
        for start in ('{"name":', '[{"name":', '{"type":"function","name":')
    ]
    return replace(marks or _HERMES, begins=tuple(begins))


def completed(marks: Marks) -> Marks:
    """The marks with all that is known about them, when only the pair was given."""
    known = (pair for pair in _REASONING.values() if pair.open == marks.open.strip())
    return next(known, marks)


def _first(table: dict[str, Marks], source: str) -> Marks | None:
    return next((marks for sign, marks in table.items() if sign in source), None)
