"""How many tokens documents and prompts have, and what of them fits into the context."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner.chat.turns import Attachment, composed
from runner.errors import PromptTooLong

if TYPE_CHECKING:
    from runner.models import Ready
    from runner.prompt import Message


def tokens_of(model: "Ready", document: Attachment) -> int:
    """The tokens of a document, with the marks around it."""
    return len(model.model.vocabulary.encode_content(composed("", (document,))))


def described(model: "Ready", document: Attachment) -> str:
    """A document by its name, kind and size, before it is sent."""
    return f"{document.name}: {document.kind}, {tokens_of(model, document)} tokens"


def prompt_tokens(
    model: "Ready", messages: "Sequence[Message]", tools: Sequence[dict[str, Any]] | None = None
) -> int:
    """The tokens of the whole prompt that is made of `messages`."""
    return len(model.model.encode(model.prompt(messages, tools=tools)))


def beginning(model: "Ready", text: str, room: int) -> str:
    """Of a text that has more tokens than there is `room` for, the beginning that has not, and how
    much that is."""
    longest = len(text)
    while longest and (count := len(model.model.vocabulary.encode_content(text[:longest]))) > room:
        longest = min(longest * max(room, 0) // count, longest - 1)
    if longest == len(text):
        return text
    return f"{text[:longest]}\n[cut here: these are the first {longest} of {len(text)} characters]"


def require_room(
    model: "Ready",
    messages: "Sequence[Message]",
    documents: Sequence[Attachment],
    tools: Sequence[dict[str, Any]] | None = None,
) -> None:
    """Raises PromptTooLong, with the count of each document, where `messages`, which hold
    `documents`, leave no room for a reply."""
    used, context = prompt_tokens(model, messages, tools), model.model.context_length
    if used < context:
        return
    counts = [(one.name, tokens_of(model, one)) for one in documents]
    listed = ", ".join(f"{name} has {count} tokens" for name, count in counts)
    rest = used - sum(count for _, count in counts)
    raise PromptTooLong(
        f"{listed}, the rest of the prompt {rest}, and the context holds {context}",
        remedy="`runner chat` can read them in parts; or name less, or set a larger --ctx.",
    )
