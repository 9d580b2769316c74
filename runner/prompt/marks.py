"""The marks with which known models frame their reasoning and their tool calls."""

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
        around=("<|start|>assistant", "<|channel|>final<|message|>"),
    ),
}
_TOOLS = {
    "<tool_call>": Marks("<tool_call>", "</tool_call>"),
    "<|tool_call>": Marks("<|tool_call>", "<tool_call|>"),
    "<|tool_call_start|>": Marks("<|tool_call_start|>", "<|tool_call_end|>"),
    "<｜tool▁calls▁begin｜>": Marks("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
}


def reasoning_marks(source: str) -> Marks | None:
    """The marks a template's source speaks of, or None if it knows none of them."""
    return _first(_REASONING, source)


def tool_marks(source: str) -> Marks | None:
    """The marks of tool calls that a template's source speaks of, or None."""
    return _first(_TOOLS, source)


def completed(marks: Marks) -> Marks:
    """The marks with all that is known about them, when only the pair was given."""
    known = (pair for pair in _REASONING.values() if pair.open == marks.open.strip())
    return next(known, marks)


def _first(table: dict[str, Marks], source: str) -> Marks | None:
    return next((marks for sign, marks in table.items() if sign in source), None)
