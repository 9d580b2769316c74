"""A prompt as the engine takes it: text in segments, each with who wrote it."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["reasoning", "answer", "tool_call"]
Origin = Literal["template", "content"]


@dataclass(frozen=True, slots=True)
class Segment:
    """Text of one origin. In `template` text control tokens are meant; in `content` (from a user,
    a file, a tool or an earlier reply) they are only characters."""

    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Marks:
    """The strings around a part of a reply, such as `<think>` and `</think>`.

    `close`: empty where nothing but the reply's end closes it.
    `around`: other strings with which the format frames an answer; they are no part of it.
    `more`: other strings that open it.
    `begins`: what else an answer that is all such a part begins with, as `{"name":"clock"` and
    without regard to white space; this is part of its text.
    """

    open: str
    close: str
    around: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """Segments in order, neighbours of different origin, and how the reply to them is read."""

    segments: tuple[Segment, ...]
    opening: Kind = "answer"
    marks: Marks | None = None
    tool_marks: Marks | None = None

    @property
    def text(self) -> str:
        """All segments joined."""
        return "".join(segment.text for segment in self.segments)

    @classmethod
    def raw(cls, text: str) -> "Prompt":
        """Text to continue without a template: content throughout, the reply all answer."""
        return cls((Segment(text, "content"),))
