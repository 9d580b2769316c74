"""Dialogues and how they are written out for the model.

`render` says in Python what `chat_template.jinja` says in Jinja, because a
corpus of some hundred thousand dialogues is built with it; `export.py`
refuses to write a model while the two disagree on a sample of the corpus.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tokenizer import (
    ASSISTANT,
    BOS,
    CALL,
    END_CALL,
    END_RESPONSE,
    END_THINK,
    EOS,
    RESPONSE,
    THINK,
    USER,
)

TEMPLATE = Path(__file__).with_name("chat_template.jinja")
Message = dict[str, Any]


class Turn(NamedTuple):
    """One question with the working and the answer that are right for it."""

    user: str
    think: str
    answer: str


@dataclass
class Dialogue:
    """A conversation up to a question, and what the model should write next."""

    task: str
    messages: list[Message]
    think: str
    answer: str
    tools: list[Message] = field(default_factory=list)

    def prompt(self) -> str:
        return render(self.messages, self.tools)

    def target(self) -> str:
        return f"{self.think}\n{END_THINK}\n\n{self.answer}{EOS}"


def from_turn(task: str, turn: Turn) -> Dialogue:
    """A conversation of a single question."""
    return Dialogue(task, [{"role": "user", "content": turn.user}], turn.think, turn.answer)


def call_text(name: str, arguments: dict[str, str]) -> str:
    """A tool call as the model writes it."""
    return f'{CALL}\n{{"name": "{name}", "arguments": {json.dumps(arguments)}}}\n{END_CALL}'


def render(messages: list[Message], tools: list[Message]) -> str:
    """The prompt of a conversation, ending where the model starts to think."""
    system = ""
    for message in messages:
        if message["role"] == "system":
            system = message["content"]
    text = BOS + (system + "\n" if system else "")
    if tools:
        text += "Tools:\n"
        for tool in tools:
            function = tool["function"]
            keys = ",".join(function["parameters"]["properties"])
            text += f"{function['name']}({keys}):{function['description']}\n"
    for message in messages:
        role, content = message["role"], message.get("content") or ""
        if role == "user":
            text += USER + content
        elif role == "tool":
            text += f"{USER}{RESPONSE}\n{content}\n{END_RESPONSE}"
        elif role == "assistant":
            text += ASSISTANT + content
            for call in message.get("tool_calls", []):
                text += call_text(call["function"]["name"], call["function"]["arguments"])
            text += EOS
    return f"{text}{ASSISTANT}{THINK}\n"
