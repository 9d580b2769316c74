"""What a kept conversation is made of: turns, each with the turn it follows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from runner.prompt import Message, Role, ToolCall

READ_IN_PARTS = "This was read in parts; its text does not stand here."
"""What a prompt has of a document that the context does not hold."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document that came with a message, as text."""

    name: str
    """Its file name, as it is shown and told to the model."""
    kind: str
    """What it was read as: "text", "Python", "PDF" …"""
    text: str
    in_parts: bool = False
    """Whether the context does not hold it, so that a question about it is asked of one part after
    the other. Later prompts only name it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation. Several may follow the same one: branches."""

    id: int
    parent: int | None
    role: Role
    content: str
    """What was typed, or answered; without the documents that came with it."""
    at: datetime
    """When it was said, with its time zone."""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    model: str | None = None
    """Who answered; None for all but an assistant's turns."""
    ended: str | None = None
    """Why a reply ended (`runner.engine.events.Reason`); None while it is still being said, or
    where the program was killed meanwhile."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Counts and durations of a reply, as `runner.engine.events.Timings` names them."""

    @property
    def message(self) -> Message:
        """The turn as a model is given it."""
        return Message(
            self.role, composed(self.content, self.attachments), self.reasoning, self.tool_calls
        )


def composed(text: str, attachments: "tuple[Attachment, ...]") -> str:
    """A message with its documents in front of it, so that what is asked about the same document
    again begins with the same text and need not be read again."""
    documents = [_marked(one) for one in attachments]
    return "\n\n".join([*documents, text] if text else documents)


def _marked(document: Attachment) -> str:
    from runner.chat.documents.reading import shown  # which makes attachments

    text = READ_IN_PARTS if document.in_parts else document.text
    return marked("file", text, f' name="{shown(document.name)}"')


def marked(name: str, text: str, about: str = "") -> str:
    """A text between marks that it does not close itself, so that none of it passes for what was
    typed after it."""
    low = text.lower()
    mark = next(mark for mark in _marks(name) if f"</{mark}" not in low)
    return f"<{mark}{about}>\n{text}\n</{mark}>"


def _marks(name: str) -> Iterator[str]:
    yield name
    for number in count(1):
        yield f"{name}-{number}"
