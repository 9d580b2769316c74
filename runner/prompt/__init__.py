"""From messages to typed text segments, and from a reply's tokens back to typed parts."""

from runner.prompt.calls.call import ToolCall
from runner.prompt.messages import Message, Role
from runner.prompt.reasoning import ReplyParser
from runner.prompt.segments import Kind, Marks, Origin, Prompt, Segment
from runner.prompt.template import ChatTemplate
from runner.prompt.tool_calls import parse_tool_calls

__all__ = [
    "ChatTemplate",
    "Kind",
    "Marks",
    "Message",
    "Origin",
    "Prompt",
    "ReplyParser",
    "Role",
    "Segment",
    "ToolCall",
    "parse_tool_calls",
]
