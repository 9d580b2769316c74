"""ChatGPT's data export: `conversations.json`, a list of conversations that are trees.

A conversation's `mapping` has its nodes by id, each with a message (or none), its parent and its
children; `current_node` is where it stood. What ChatGPT hides from its own users is left out, and
what follows it follows the node before. Its thoughts become the reasoning of the reply they lead
to, and what it sends to a tool (`recipient`) a tool call.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runner.chat.dialogue import Dialogue
from runner.chat.formats.checked import arguments_of, list_of, table_of, text_of, time_of
from runner.chat.turns import Turn
from runner.prompt import ToolCall

SKIPPED = ("reasoning_recap", "model_editable_context")
INSTRUCTIONS = ("user_profile", "user_instructions")
ABOUT = ("about_user_message", "about_model_message")
ENDINGS = {"max_tokens": "length", "interrupted": "cancelled"}


def is_one(value: object) -> bool:
    """Whether a JSON value is a conversation of such an export."""
    return isinstance(value, dict) and isinstance(value.get("mapping"), dict)


def read(conversation: dict[str, Any]) -> Dialogue:
    """The conversation with all its branches. Raises ValueError."""
    return _Reader(conversation).dialogue()


@dataclass(frozen=True, slots=True)
class _Place:
    """A node to be read: the turn it follows, and thoughts that lead to it."""

    node: str
    parent: int | None
    thoughts: tuple[str, ...] = ()


class _Reader:
    def __init__(self, conversation: dict[str, Any]) -> None:
        self._conversation = conversation
        self._nodes = table_of(conversation, "mapping")
        self._began = time_of(conversation.get("create_time")) or datetime.now(UTC)
        self._turns: list[Turn] = []
        self._at: dict[str, int | None] = {}  # the last turn up to each node
        self._system: list[str] = []

    def dialogue(self) -> Dialogue:
        waiting = [_Place(node, None) for node in reversed(self._roots())]
        while waiting:
            place = waiting.pop()
            if place.node in self._at:
                continue  # a tree that is none
            node = table_of(self._nodes, place.node)
            turn, thoughts = self._turn(table_of(node, "message"), place)
            self._at[place.node] = turn
            below = self._children(node)
            if not below and thoughts:  # it was stopped before it answered
                self._at[place.node] = self._add(
                    parent=turn, role="assistant", content="", thoughts=thoughts, ended="cancelled"
                )
            waiting += [_Place(child, turn, thoughts) for child in reversed(below)]
        if not self._turns:
            raise ValueError("nothing was said in it")
        return Dialogue(
            turns=tuple(self._turns),
            head=self._at.get(str(self._conversation.get("current_node")), self._turns[-1].id),
            title=text_of(self._conversation, "title"),
            system="\n\n".join(dict.fromkeys(self._system)),
            created=time_of(self._conversation.get("create_time")),
            updated=time_of(self._conversation.get("update_time")),
        )

    def _roots(self) -> list[str]:
        parents = {name: table_of(self._nodes, name).get("parent") for name in self._nodes}
        return [
            name
            for name, parent in parents.items()
            if not isinstance(parent, str) or parent not in self._nodes
        ]

    def _children(self, node: dict[str, Any]) -> list[str]:
        named = node.get("children")
        children = named if isinstance(named, list) else []
        return [one for one in children if isinstance(one, str) and one in self._nodes]

    def _turn(self, message: dict[str, Any], place: _Place) -> tuple[int | None, tuple[str, ...]]:
        """Take a message in: the last turn up to it, and thoughts that lead to what follows."""
        content, role = table_of(message, "content"), text_of(table_of(message, "author"), "role")
        metadata = table_of(message, "metadata")
        kind = text_of(content, "content_type")
        unchanged = place.parent, place.thoughts
        if kind == "user_editable_context":
            self._system += [told for key in INSTRUCTIONS if (told := text_of(content, key))]
            return unchanged
        if metadata.get("is_user_system_message"):
            about = table_of(metadata, "user_context_message_data")
            self._system += [told for key in ABOUT if (told := text_of(about, key))]
            return unchanged
        if metadata.get("is_visually_hidden_from_conversation") or kind in SKIPPED:
            return unchanged
        if kind == "thoughts":
            thoughts = [text_of(one, "content") for one in list_of(content, "thoughts")]
            return place.parent, (*place.thoughts, *filter(None, thoughts))
        text = _text(content)
        names = [text_of(one, "name") for one in list_of(metadata, "attachments")]
        text = "\n".join([*(f"[{name}: not part of the export]" for name in names), text])
        if not text.strip():
            return unchanged
        if role == "system":
            self._system.append(text)
            return unchanged
        recipient = text_of(message, "recipient") or "all"
        ending = text_of(table_of(metadata, "finish_details"), "type")
        turn = self._add(
            parent=place.parent,
            role=role,
            content=text,
            at=time_of(message.get("create_time")),
            thoughts=place.thoughts if role == "assistant" else (),
            recipient=recipient if role == "assistant" else "all",
            model=text_of(metadata, "model_slug"),
            ended=ENDINGS.get(ending, "end"),
        )
        return turn, () if role == "assistant" else place.thoughts

    def _add(
        self,
        *,
        parent: int | None,
        role: str,
        content: str,
        at: datetime | None = None,
        thoughts: tuple[str, ...] = (),
        recipient: str = "all",
        model: str = "",
        ended: str,
    ) -> int:
        if role not in ("user", "assistant", "tool"):
            raise ValueError(f"a message has the role {role!r}, which is not known")
        called = recipient != "all"
        turn = Turn(
            id=len(self._turns),
            parent=parent,
            role=role,  # type: ignore[arg-type]  # one of the three
            content="" if called else content,
            at=at or self._began,
            reasoning="\n\n".join(thoughts),
            tool_calls=(ToolCall(recipient, arguments_of(content)),) if called else (),
            model=(model or None) if role == "assistant" else None,
            ended=ended,
        )
        self._turns.append(turn)
        return turn.id


def _text(content: dict[str, Any]) -> str:
    """A message's text, whatever its kind. Of images and the like their kind is told."""
    parts = content.get("parts")
    if not isinstance(parts, list):
        told = (text_of(content, key) for key in ("title", "text", "result", "url"))
        return "\n".join(filter(None, told))
    found = []
    for part in parts:
        if isinstance(part, dict):
            text = part.get("text")
            left = f"[{text_of(part, 'content_type') or 'part'} left out]"
            found.append(text if isinstance(text, str) else left)
        else:
            found.append(str(part))
    return "\n".join(found)
