"""A conversation as Markdown, to be read: the turns up to where it stands, with their reasoning.

Documents are named, not repeated. Control characters go: somebody will print the file.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from runner.chat.dialogue import Dialogue
from runner.chat.turns import Attachment, Turn

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def write(dialogues: Sequence[Dialogue]) -> str:
    """The conversations, one after the other."""
    return "\n\n".join(_dialogue(one) for one in dialogues) + "\n"


def speaker(turn: Turn, dialogue: Dialogue) -> str:
    """Who says it: the model by its name."""
    names = {"user": "You", "system": "System", "tool": "Tool"}
    return names.get(turn.role) or turn.model or dialogue.model or "Assistant"


def about(dialogue: Dialogue) -> str:
    """A line on the conversation: model, day, tags, and what is left out."""
    others = dialogue.other_branches
    branches = f"{others} other branch{'es' if others > 1 else ''} left out" if others else ""
    day = dialogue.turns[0].at.date().isoformat() if dialogue.turns else ""
    return " · ".join(filter(None, (dialogue.model, day, ", ".join(dialogue.tags), branches)))


def attached(one: Attachment) -> str:
    """A document in a line, without its text."""
    return f"{one.name} ({one.kind}, {len(one.text):,} characters)"


def _dialogue(dialogue: Dialogue) -> str:
    parts = [f"# {_line(dialogue.title) or 'Conversation'}"]
    if line := about(dialogue):
        parts.append(f"*{_line(line)}*")
    if dialogue.system:
        parts += ["## System", _contained(CONTROL.sub("", dialogue.system).strip())]
    for turn in dialogue.path:
        parts += _turn(turn, dialogue)
    return "\n\n".join(parts)


def _turn(turn: Turn, dialogue: Dialogue) -> list[str]:
    parts = [f"## {_line(speaker(turn, dialogue))}"]
    if summary := dialogue.summaries.get(turn.id):
        parts.append(
            _quoted("Summary of all up to here, given to the model in its place:", summary)
        )
    parts += [f"> Attached: {_line(attached(one))}" for one in turn.attachments]
    if turn.reasoning:
        parts.append(_quoted("Reasoning:", turn.reasoning))
    content = CONTROL.sub("", turn.content).strip()
    content = _fenced(content) if turn.role == "tool" else _contained(content)
    if content:
        parts.append(content)
    for call in turn.tool_calls if turn.role == "assistant" else ():
        arguments = json.dumps(call.arguments, indent=2, ensure_ascii=False)
        parts += [f"Calls `{_line(call.name)}`:", _fenced(CONTROL.sub("", arguments), "json")]
    return parts


def _quoted(title: str, text: str) -> str:
    lines = CONTROL.sub("", text).strip().splitlines()
    return "\n".join([f"> *{title}*", ">", *(f"> {line}".rstrip() for line in lines)])


def _fenced(text: str, language: str = "") -> str:
    """The text in a fence that nothing in it can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _contained(text: str) -> str:
    """The text, so that nothing after it in the file is taken for a part of it: a reply may have
    been stopped inside a fence, or a comment may have been left open."""
    for closed in (text, f"{text}\n```", f"{text}\n~~~"):
        if _ends(closed):
            return closed
    return _fenced(text)


def _ends(text: str) -> bool:
    """Whether a heading after this text would be one."""
    last = _parser().parse(f"{text}\n\n## end")[-3:][0]
    return last.type == "heading_open" and last.level == 0


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt()


def _line(text: str) -> str:
    return " ".join(CONTROL.sub("", text).split())
